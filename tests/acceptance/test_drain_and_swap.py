"""A running service that is told to stop, or gets another champion, while dialers poll it."""

import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import numpy as np
import pytest
from sqlalchemy import Engine, select

from features.store.engine import reading
from features.store.tables import decision
from serving.access import SCOPES, create_key
from serving.client import Client
from tests.serving.test_models import FLOOR, later, publish
from training.pipeline import train

from .live import now, send_leads, stages_of

LEADS, DIALERS, MOST = 5_000, 4, 500
TAKEN_S = 0.1
"""A poll that was sent so long ago is in a worker's hands."""
SWAPPED_WITHIN_S = 150.0
"""A worker looks for a new champion at every tick, and scores everybody before it serves."""


@dataclass
class Dialer:
    """Polls, each time over a new connection, until it is told to stop or nobody answers any more."""

    url: str
    key: str
    name: str
    n: int
    give_back: bool = False
    stop: Event = field(default_factory=Event)
    answers: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Why connections ended without an answer: those that nobody took yet end with the service."""
    asked_at: float = math.inf
    """When the poll was sent that isn't answered yet."""
    unanswered_at: float = math.inf
    """When the poll was sent that never was."""

    def poll(self) -> None:
        while not self.stop.is_set():
            try:
                with Client(self.url, self.key) as client:
                    self.asked_at = time.monotonic()
                    self.answers.append(client.lease("spring", self.n, 900, self.name))
                    self.asked_at = math.inf
                    if self.give_back:
                        leases = [(item["lease_id"], "released") for item in self.answers[-1]["items"]]
                        client.acknowledge(leases)
            except httpx2.TransportError as problem:
                self.broken.append(repr(problem))
                self.unanswered_at = self.asked_at
                return


def dialers(url: str, key: str, n: int, give_back: bool = False) -> list[Dialer]:
    return [Dialer(url, key, f"d{one}", n, give_back) for one in range(DIALERS)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_told_to_stop_answers_who_is_waiting_and_loses_no_lease(
    database: Engine, postgres: str, tmp_path: Path, workers: int
):
    key = create_key(database, "test", SCOPES, None, now())
    stages = stages_of(postgres, tmp_path, "--workers", f"{workers}")
    with ThreadPoolExecutor(DIALERS) as threads:
        with ExitStack() as running:
            url = running.enter_context(stages.service())
            send_leads(url, key, LEADS)
            polling = dialers(url, key, n=MOST)
            done = [threads.submit(one.poll) for one in polling]
            while not any(one.asked_at < time.monotonic() - TAKEN_S for one in polling):
                time.sleep(0.001)
                assert sum(len(one.answers) for one in polling) < LEADS / MOST, "no poll took that long"
            asked = time.monotonic() - TAKEN_S
            running.close()  # SIGTERM
        for one in done:
            one.result(timeout=60)

    given = Counter(item["decision_id"] for one in polling for a in one.answers for item in a["items"])
    with reading(database) as connection:
        decided = connection.execute(select(decision.c.decision_id)).scalars().all()
    assert [one.broken for one in polling if one.unanswered_at < asked] == []
    assert given == Counter(decided)


@pytest.mark.slow
def test_another_champion_takes_over_amid_polls_and_no_answer_is_missing_or_degraded(
    database: Engine, postgres: str, tmp_path: Path
):
    first = train(FLOOR.past, FLOOR.until, rng=np.random.default_rng(1), threads=1).bundle
    second = later(first)
    publish(tmp_path, first, "champion")
    key = create_key(database, "test", SCOPES, None, now())
    stages = stages_of(postgres, tmp_path)
    with stages.service() as url, ThreadPoolExecutor(DIALERS) as threads:
        send_leads(url, key, LEADS)
        polling = dialers(url, key, n=10, give_back=True)
        done = [threads.submit(one.poll) for one in polling]
        publish(tmp_path, second, "champion")
        begun = time.monotonic()
        while not all(_versions(one)[-1:] == [second.version] for one in polling):
            assert time.monotonic() - begun < SWAPPED_WITHIN_S, [_versions(one) for one in polling]
            time.sleep(0.2)
        for one in polling:
            one.stop.set()
        for each in done:
            each.result(timeout=60)

    assert [one.broken for one in polling] == [[]] * DIALERS
    assert [_versions(one) for one in polling] == [[first.version, second.version]] * DIALERS
    answers = [answer for one in polling for answer in one.answers]
    assert {answer["degraded"] for answer in answers} == {False}
    assert {len(answer["items"]) for answer in answers} == {10}


def _versions(dialer: Dialer) -> list[str]:
    """The models that answered, each as often as it took over."""
    told = [answer["model_version"] for answer in dialer.answers]
    return [one for one, before in zip(told, [None, *told], strict=False) if one != before]
