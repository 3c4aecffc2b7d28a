"""The demo: the other commands run as processes, as a user would, and a simulated floor dials over HTTP."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import httpx2
import numpy as np
from numpy.random import default_rng

from features.instants import SECOND, render
from features.synthetic.world import CAMPAIGN

from .client import Client
from .contest import HISTORY_DAYS, Course, play_rivals, play_service
from .errors import StageFailed
from .kpi.comparison import Days, gap_closed, lift, rate, redrawn
from .simulation import Watch

POLL = 300 * SECOND
"""The dialer asks for leads every five simulated minutes."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a demo keeps what it makes; everything of an earlier one of the same name is replaced."""

    folder: Path
    mlruns: Path

    @property
    def database(self) -> str:
        """URL of the demo's own SQLite file."""
        return f"sqlite:///{self.folder}/leadrank.db"

    @property
    def mlflow(self) -> str:
        """URI of the demo's own MLflow store."""
        return f"sqlite:///{self.mlruns}/mlflow.db"

    def environment(self, course: Course) -> dict[str, str]:
        """The settings of every process of the demo; the secret makes equal seeds equal runs."""
        return {
            **os.environ,  # child processes inherit the rest
            "LEADRANK_DATABASE_URL": self.database,
            "LEADRANK_MLFLOW_URI": self.mlflow,
            "LEADRANK_CACHE": f"{self.folder}/bundles",
            "LEADRANK_CHECKPOINTS": f"{self.folder}/checkpoints",
            "LEADRANK_SECRET": f"demo-{course.family}-{course.seed}",
            "LEADRANK_CLOCK": "request",
            "LEADRANK_RETRAIN_EVERY": "off",
        }

    def clear(self) -> None:
        """Begin anew."""
        for folder in (self.folder, self.mlruns):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)


@dataclass(frozen=True)
class Outcome:
    """What a demo found: every policy's days, and what the dialer noticed about the service."""

    course: Course
    policies: Mapping[str, Days]
    watch: Watch
    training: Mapping[str, object]
    seconds: Mapping[str, float]
    key: str
    """The dialer's API key."""
    until: int
    """The end of the last day."""
    lead_id: str
    """A lead that was called."""


def play(course: Course, place: Place, say: Say, on_day: Callable[[int], None]) -> Outcome:
    """History, import, training, service, contest: the main job from nothing to figures."""
    place.clear()
    stages = Stages(place.environment(course), place.folder / "service.log", say)
    history = place.folder / "history"
    scale, agents = ["--scale", f"{course.scale}"], ["--agents", f"{course.agents}"]
    seed = ["--seed", f"{course.seed}", "--family", course.family, "--days", f"{HISTORY_DAYS}"]
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        rivals = elsewhere.submit(
            play_rivals, course
        )  # beside all that follows, most of which is on one core
        with stages.stage(f"{HISTORY_DAYS} days of history: the newest lead first, {course.agents} agents"):
            stages.command("simulate", "history", *seed, *scale, *agents, "--out", str(history))
        with stages.stage("import into SQLite"):
            stages.command("import", str(history / "leads.ndjson"), str(history / "events.ndjson"))
        until = course.world().day(HISTORY_DAYS)
        with stages.stage("features and models, tracked in MLflow"):
            trained = json.loads(stages.command("train", "--at", render(until), "--json", "-"))
        key = stages.command("keys", "create", "demo-dialer", "--scopes", "ingest,queue,read,manage").strip()
        with (
            stages.stage(f"{course.days} days on the phone, over HTTP"),
            stages.service() as url,
            Client(url, key) as client,
        ):
            client.plan(CAMPAIGN, {"objective": course.objective, "mode": "power"}, until)
            served = play_service(course, client, POLL, on_day)
        with stages.stage("the same days under rival orders"):
            policies = rivals.result()
    policies |= {"leadrank": served.arms["model"], "holdout": served.arms["holdout"]}
    until = course.world().stop
    return Outcome(
        course, policies, served.queue.watch, trained, stages.seconds, key, until, served.last_lead
    )


@dataclass
class Stages:
    """Runs commands of leadrank as processes of their own, and remembers how long each stage took."""

    environment: Mapping[str, str]
    log: Path
    """Where the service writes its own log."""
    say: Say
    serving: tuple[str, ...] = ()
    """More words for `leadrank serve`."""
    patience_s: float = 60.0
    """How long the service may take until it is ready."""

    def __post_init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell a stage as it begins, time it."""
        self.say(name)
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 1)

    def command(self, *arguments: str) -> str:
        """Run `leadrank ...` to its end; its standard output. `StageFailed` with its last words otherwise."""
        done = subprocess.run(
            _leadrank(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StageFailed(command=f"leadrank {arguments[0]}", said=" ".join(done.stderr.split())[-800:])
        return done.stdout

    @contextmanager
    def service(self) -> Iterator[str]:
        """A running service on a free port of the loopback interface; its URL."""
        url = f"http://127.0.0.1:{_free_port()}"
        port = url.rpartition(":")[2]
        with self.log.open("w") as log:
            command = _leadrank("serve", "--port", port, *self.serving)
            running = subprocess.Popen(command, env=self.environment, stderr=log)
            try:
                _await(url, running, self.log, self.patience_s)
                yield url
            finally:
                running.terminate()
                running.wait(timeout=30)


def as_json(outcome: Outcome) -> dict[str, object]:
    """The table as plain values, with each policy's days, so that runs of several seeds can be pooled."""
    watch = outcome.watch
    return {
        "course": asdict(outcome.course),
        "policies": figures(outcome),
        "days": {
            name: {column: values.tolist() for column, values in vars(days).items()}
            for name, days in outcome.policies.items()
        },
        "service": {
            "leases": watch.leases,
            "leased_twice": watch.leased_twice,
            "rule_violations": watch.violations,
            "quarantined_events": watch.quarantined,
            "degraded_polls": watch.degraded,
            "lease_ms_p50": lease_ms(watch, 0.5),
            "lease_ms_p99": lease_ms(watch, 0.99),
        },
        "training": dict(outcome.training),
        "seconds": dict(outcome.seconds),
    }


def figures(outcome: Outcome) -> dict[str, dict[str, object]]:
    """Per policy: conversions and value per agent-hour, lifts, share of the oracle's gap; with intervals."""
    policies = outcome.policies
    chance, newest = policies["random"], policies["newest"]
    drawn = redrawn(chance.hours.size, default_rng(outcome.course.seed))
    found: dict[str, dict[str, object]] = {}
    for name, days in policies.items():
        told: dict[str, object] = {"calls": int(days.calls.sum()), "agent_hours": float(days.hours.sum())}
        for measure, oracle in (("sales", "oracle_sales"), ("value", "oracle")):
            told[f"{measure}_per_hour"] = asdict(rate(days, measure, drawn))
            told[f"{measure}_lift_over_newest"] = asdict(lift(days, newest, measure, drawn))
            told[f"{measure}_lift_over_random"] = asdict(lift(days, chance, measure, drawn))
            told[f"{measure}_gap_closed"] = asdict(gap_closed(days, chance, policies[oracle], measure, drawn))
        found[name] = told
    return found


def lease_ms(watch: Watch, share: float) -> float:
    """A quantile of what the dialer waited for a lease, in milliseconds."""
    return round(float(np.quantile(watch.lease_seconds, share)) * 1e3, 1)


def _leadrank(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leadrank", *arguments]


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
    return port


def _await(url: str, running: "subprocess.Popen[bytes]", log: Path, patience_s: float) -> None:
    """Wait until the service says that it is ready."""
    begun = time.monotonic()
    while time.monotonic() - begun < patience_s:
        if running.poll() is not None:
            break
        try:
            if httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    running.kill()
    raise StageFailed(command="leadrank serve", said=" ".join(log.read_text().split())[-800:])
