"""Two workers on one PostgreSQL database: what they hand out at the same time, each lead once."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from features.store.engine import reading
from features.store.tables import decision
from serving.access import SCOPES, create_key
from serving.client import Client

from .live import now, send_leads, stages_of

LEADS, POLLERS, ASKED = 600, 4, 15
PATIENCE_S = 20.0


@pytest.fixture
def service(database: Engine, postgres: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """URL and key of a service of two workers on the system's clock."""
    stages = stages_of(postgres, tmp_path, "--workers", "2")
    key = create_key(database, "test", SCOPES, None, now())
    with stages.service() as url:
        yield url, key


def test_every_lead_is_handed_out_once_by_whichever_worker(service: tuple[str, str], database: Engine):
    url, key = service
    send_leads(url, key, LEADS)

    with ThreadPoolExecutor(POLLERS) as threads:
        begun = time.monotonic()
        polled = list(threads.map(lambda dialer: poll(url, key, dialer, begun), range(POLLERS)))

    given = Counter(lead for leads in polled for lead in leads)
    with reading(database) as connection:
        decided = connection.execute(select(decision.c.lead)).scalars().all()
    assert set(given.values()) == {1}
    assert len(given) == LEADS == len(decided) == len(set(decided))


def poll(url: str, key: str, dialer: int, begun: float) -> list[str]:
    """Poll until the queue stays empty, each time over a new connection: either worker may take it."""
    given: list[str] = []
    while time.monotonic() - begun < PATIENCE_S:
        with Client(url, key) as client:
            answer = client.lease("spring", ASKED, 900, f"dialer-{dialer}")
        given += [item["lead_id"] for item in answer["items"]]
        if not answer["items"] and answer["withheld"]["leased"] == LEADS:
            return given
    return given
