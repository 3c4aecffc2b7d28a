"""Polls over HTTP on PostgreSQL, each for a hundred leads: at a steady pace, and from many dialers at once.

`LEADS=1000000 pytest -m benchmark tests/benchmarks/bench_http.py` takes a campaign of a million.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson
from sqlalchemy import Engine

from features.instants import HOUR
from features.store.engine import open_engine
from features.store.migrations import upgrade
from serving.access import SCOPES, create_key
from serving.demo import Stages
from tests.acceptance.live import noon_somewhere, stages_of
from tests.postgres import start_server
from tests.serving.desks import a_desk
from tests.serving.test_models import publish

from .bench_lease import a_bundle
from .harness import Figure, alone, summary
from .line import Line
from .store_of_leads import fill_leads

LEADS = int(os.environ.get("LEADS", "300000"))
"""More than the crowd takes while a lease lasts."""

WANTED, LEASE_S = 100, 10
PACE, PACED, DIALERS, SPELL_S, SPELLS = 20, 8, 16, 10.0, 5
"""Polls a second, and of how many dialers; pollers at once; how long each spell of polls takes, how many."""

CONNECTED_S = 1.0
"""So long dialers have to make their clients before the first poll is due."""


def bench_http() -> list[Figure]:
    """What dialers wait, in the quietest spell of five; the ratio is the bar's milliseconds over ours."""
    with a_service(workers=1) as one:
        steady = quietest([paced(one.url, one.key) for _ in range(SPELLS)])
    with a_service(workers=2) as two:
        crowd = quietest([crowded(two.url, two.key) for _ in range(SPELLS)])
    paced_name = f"{PACE} polls a second for {WANTED} of {LEADS:,} leads, 1 worker"
    return [
        waited(paced_name, steady, 0.5, bar_ms=8),
        waited(paced_name, steady, 0.99, bar_ms=25),
        waited(f"{DIALERS} dialers at once, {LEADS:,} leads, 2 workers", crowd, 0.99, bar_ms=60),
    ]


def waited(name: str, spell: np.ndarray, share: float, bar_ms: float) -> Figure:
    """A quantile of what dialers waited, beside a bar."""
    found = float(np.quantile(spell, share)) * 1e3
    bar = f"{bar_ms:.0f} ms at the {100 * share:.0f}th percentile"
    return summary(f"{name}: {100 * share:.0f}th percentile", bar, bar_ms / found, [found], "ms")


def quietest(spells: list[np.ndarray]) -> np.ndarray:
    """The seconds of the spell whose 99th percentile is least."""
    return min(spells, key=lambda spell: float(np.quantile(spell, 0.99)))


@dataclass(frozen=True)
class Opened:
    """A service at work, with a champion, on a store of its own."""

    url: str
    key: str
    folder: Path
    """Its files; the registry is there."""
    database: str
    postmaster: int
    """The process of its database."""


@contextmanager
def a_service(workers: int) -> Iterator[Opened]:
    """A service that has looked ahead, on a campaign of so many leads."""
    server, now = start_server("-c synchronous_commit=on"), time.time_ns() // 1_000
    engine = open_engine(server.url)
    try:
        upgrade(engine)
        alone(fill_leads, server.url, LEADS, now, noon_somewhere(now))
        key = create_key(engine, "bench", SCOPES, None, now)
        with TemporaryDirectory() as name, _stages(engine, Path(name), workers).service() as url:
            _until_scored(url, key)
            yield Opened(url, key, Path(name), server.url, server.postmaster)
    finally:
        engine.dispose()
        server.remove()


def _stages(engine: Engine, folder: Path, workers: int) -> Stages:
    desk = a_desk(engine)
    desk.follow(time.time_ns() // 1_000 - HOUR)
    publish(folder, a_bundle(desk), "champion")
    stages = stages_of(engine.url.render_as_string(hide_password=False), folder, "--workers", f"{workers}")
    stages.patience_s = 1_200
    return stages


def _until_scored(url: str, key: str) -> None:
    """Ask until each worker has its queue and a tick has looked ahead."""
    with Line(url, key, timeout_s=600) as line:
        for _ in range(20):
            poll(line, "warm")
    time.sleep(60)


def poll(line: Line, dialer: str) -> float:
    """Seconds until the leads are there: fewer than asked where other workers hold those wanted."""
    order = orjson.dumps({"n": WANTED, "lease_seconds": LEASE_S, "dialer_id": dialer})
    begun = time.perf_counter()
    status, told = line.post("/v1/campaigns/spring/queue:lease", order)
    took = time.perf_counter() - begun
    assert status == 200, told
    assert b'"items":[{"' in told
    return took


def paced(url: str, key: str) -> np.ndarray:
    """Polls due at even intervals, of dialers in turn; one counts from when it was due."""
    found: list[float] = []
    begins = time.perf_counter() + CONNECTED_S

    def one(dialer: int) -> None:
        with Line(url, key) as line:
            for turn in range(dialer, int(PACE * SPELL_S), PACED):
                due = begins + turn / PACE
                time.sleep(max(0.0, due - time.perf_counter()))
                late = time.perf_counter() - due
                found.append(late + poll(line, f"d{dialer}"))

    _together([threading.Thread(target=one, args=(dialer,)) for dialer in range(PACED)])
    return np.array(found)


def crowded(url: str, key: str) -> np.ndarray:
    """Polls of dialers that ask again as soon as they are answered."""
    found: list[float] = []
    until = time.perf_counter() + SPELL_S

    def one(number: int) -> None:
        with Line(url, key) as line:
            while time.perf_counter() < until:
                found.append(poll(line, f"d{number}"))

    _together([threading.Thread(target=one, args=(number,)) for number in range(DIALERS)])
    return np.array(found)


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
