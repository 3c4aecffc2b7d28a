"""A lead's page and a lease of 100 through the whole app, with proven windows beside the same without."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from starlette.testclient import TestClient

from features.instants import HOUR, render
from features.store.engine import open_engine
from features.store.migrations import upgrade
from serving.access import SCOPES, create_key
from serving.app import create_app
from serving.settings import Settings
from tests.serving.api.test_windows import AT
from tests.serving.desks import tell_leads
from tests.serving.test_models import publish, uri_of
from tests.training.rhythms import KINDS
from tests.training.test_windows_served import trained
from training.bundle import Bundle
from training.windows import untimed

from .harness import Figure, race

LEADS, WANTED, ROUNDS = 3_000, 100, 9


class Service:
    """The app on a store of its own, and one key for it."""

    def __init__(self, client: TestClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}", "Leadrank-Now": render(AT)}
        self._asked = 0

    def explain(self) -> None:
        """The page of one lead after another."""
        self._asked += 1
        path = f"/v1/leads/lead-{self._asked % LEADS:04d}/explain"
        assert self._client.get(path, headers=self._headers).status_code == 200

    def lease(self) -> None:
        """A poll of a hundred leads, which are gone with it."""
        poll = {"n": WANTED, "dialer_id": "d1", "lease_seconds": 900}
        told = self._client.post("/v1/campaigns/spring/queue:lease", headers=self._headers, json=poll)
        assert len(told.json()["items"]) == WANTED


def bench_explain() -> list[Figure]:
    """Milliseconds on the clock of a warm page; CPU of a warm lease; both in process, on SQLite."""
    bundle = trained()[1]
    plain = replace(bundle, version="", timing=untimed()).named()
    with ExitStack() as open_:
        ours, rival = (open_.enter_context(a_service(one)) for one in (bundle, plain))
        name, against = f"of a campaign of {LEADS:,} leads, with windows", "the same without"
        return [
            race(
                f"a page {name}", ours.explain, rival.explain, against=against, rounds=50, clock=perf_counter
            ),
            race(f"a lease of {WANTED} {name}", ours.lease, rival.lease, against=against, rounds=ROUNDS),
        ]


@contextmanager
def a_service(bundle: Bundle) -> Iterator[Service]:
    """The app with a champion, on a store of fresh leads."""
    with TemporaryDirectory() as folder:
        registry, url = Path(folder) / "registry", f"sqlite:///{folder}/store.db"
        registry.mkdir()
        publish(registry, bundle, "champion")
        engine = open_engine(url)
        upgrade(engine)
        tell_leads(engine, some_leads(), AT)
        settings = Settings(
            database_url=url,
            mlflow_uri=uri_of(registry),
            cache=f"{folder}/bundles",
            checkpoints="",
            rankings=f"{folder}/rankings",
            clock="request",
            retrain_every="off",
        )
        with TestClient(create_app(settings)) as client:
            yield Service(client, create_key(engine, "bench", SCOPES, None, AT))
        engine.dispose()


def some_leads() -> list[dict[str, object]]:
    """Leads of New York in four channels, an hour old."""
    born = render(AT - HOUR)
    return [
        {
            "lead_id": f"lead-{n:04d}",
            "campaign": "spring",
            "channel": KINDS[n % len(KINDS)],
            "country": "US",
            "region": "NY",
            "created_at": born,
            "updated_at": born,
            "phones": [{"e164": f"+1212556{n:04d}", "type": "mobile"}],
        }
        for n in range(LEADS)
    ]
