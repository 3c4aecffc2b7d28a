"""One run: a database of its own, a service of several workers, dialers, mischief, the verdict."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from numpy.random import default_rng
from sqlalchemy import Engine

from features.instants import HOUR, render
from features.store.engine import open_engine
from features.store.migrations import upgrade
from serving.access import SCOPES, create_key
from serving.client import Client
from serving.demo import Stages
from tests.acceptance.live import noon_somewhere
from tests.postgres import Server, start_server
from tests.serving.desks import many_leads

from .dialers import Dialer, Journal
from .mischief import Clock, Mischief, supervisor
from .verdict import Verdict, judge

BATCH = 5_000
PER_MINUTE = 2_000
"""Leads that the dialers ask for in a minute, all together, outside of bursts."""
SHARED = 10
"""Every so-many-th lead has the number of the one before."""

Say = Callable[[str], object]


@dataclass(frozen=True)
class Trial:
    """How much of everything."""

    seconds: float
    workers: int = 4
    dialers: int = 16
    leads: int = 20_000
    seed: int = 1
    every_s: float = 8.0
    """Between two acts of mischief, about."""


def run(trial: Trial, folder: Path, say: Say) -> Verdict:
    """Play a trial to its end."""
    server = start_server("-c fsync=on -c synchronous_commit=on")
    engine = open_engine(server.url)
    try:
        upgrade(engine)
        return _on(trial, server, engine, folder, say)
    finally:
        engine.dispose()
        server.remove()


def _on(trial: Trial, server: Server, engine: Engine, folder: Path, say: Say) -> Verdict:
    clock, now = Clock.of(folder), time.time_ns() // 1_000
    environment = _environment(engine, folder) | clock.environment()
    stages = Stages(
        environment, folder / "service.log", lambda _: None, ("--workers", f"{trial.workers}"), 300
    )
    key = create_key(engine, "chaos", SCOPES, None, now)
    with stages.service() as url:
        say(f"{trial.leads:,} leads in")
        with Client(url, key) as client:
            _bring_leads(client, trial.leads, now)
        journal, stop = Journal(), threading.Event()
        pause = 60 * trial.dialers * 10 / PER_MINUTE
        dialers = [Dialer(url, key, n, journal, stop, pause) for n in range(trial.dialers)]
        mischief = Mischief(supervisor(), server, clock, dialers, default_rng(trial.seed))
        say(f"{trial.seconds:.0f} s of mischief: {trial.workers} workers, {trial.dialers} dialers")
        begun = time.monotonic()
        for dialer in dialers:
            dialer.start()
        mischief.play(begun + trial.seconds, trial.every_s)
        time.sleep(max(begun + trial.seconds - time.monotonic(), 0))
        stop.set()
        for dialer in dialers:
            dialer.join(timeout=90)
        seconds = time.monotonic() - begun
    return judge(journal, mischief.done, engine, seconds)


def _bring_leads(client: Client, count: int, now: int) -> None:
    """Leads that it is noon for, some of which share a number."""
    received, zone = render(now - HOUR), noon_somewhere(now)
    leads = many_leads(count, created_at=received, updated_at=received, timezone=zone, region=None)
    for n, lead in enumerate(leads):
        own = n - (n % SHARED == SHARED - 1)
        lead["phones"] = [{"e164": f"+1212{5_000_000 + own}", "type": "mobile"}]
    for first in range(0, count, BATCH):
        told = client.add_leads(leads[first : first + BATCH])
        assert {one["result"] for one in told["items"]} == {"created"}, told["items"][0]


def _environment(engine: Engine, folder: Path) -> dict[str, str]:
    """The settings of the workers."""
    return {
        **{name: word for name, word in os.environ.items() if not name.startswith("LEADRANK_")},
        "LEADRANK_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "LEADRANK_MLFLOW_URI": f"sqlite:///{folder}/none/mlflow.db",
        "LEADRANK_CACHE": f"{folder}/bundles",
        "LEADRANK_CHECKPOINTS": f"{folder}/checkpoints",
        "LEADRANK_RANKINGS": f"{folder}/rankings",
        "LEADRANK_RETRAIN_EVERY": "off",
    }
