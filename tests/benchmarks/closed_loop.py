"""The closed loop of docs/world.md in one process: the desk on simulated floors, retrained every week.

    python -m tests.benchmarks.closed_loop --family F0 --seed 31     plays what isn't played yet
    python -m tests.benchmarks.closed_loop --pool                    pools what was played
    python -m tests.benchmarks.closed_loop --keep                    and keeps it in the table

Each (family, seed, policy) is a file of its own under `--out`, so a run can be stopped and gone on with. What
the table has isn't played again: who changes how queues are ranked takes leadrank's rows out of it.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features import FeatureMatrix, Past
from features.instants import DAY, MINUTE, SECOND
from features.kernel import Int64Array
from features.sources.record import Record
from features.store.campaigns import write_campaign
from features.store.columns_reader import read_snapshot
from features.store.engine import open_engine, reading, transaction
from features.store.handed import read_handed
from features.store.imports import ImportOrder, run_import
from features.store.installation import secret_of
from features.store.migrations import upgrade
from features.synthetic.history import History, events_of, play_history
from features.synthetic.messages import lead_item
from features.synthetic.orders import order
from features.synthetic.parameters import FAMILIES, family
from features.synthetic.run import run
from features.synthetic.world import CAMPAIGN, World, make_world
from serving.contest import days_of
from serving.desk import Desk
from serving.kpi.comparison import Days
from serving.local import LocalClient
from serving.models import Models
from serving.ranking.reasons import Strongest
from serving.retraining import Trainer, TrainingRun
from serving.simulation import ServiceQueue
from serving.standing import Standing
from serving.upkeep import train
from serving.week_ahead import Window
from training.bundle import Bundle
from training.pipeline import Stopwatch, prepare
from training.report import TrainingReport

from .pooled import OURS, RIVALS, SCORED, TIMED, Played, keep, read_kept, read_played, table, worlds_of

WEEK = 7 * DAY
POLL = 5 * MINUTE
JUDGED = Path(__file__).with_name("judged.csv")
"""What was played of the worlds that judge: family, seed, policy, value per paid agent-hour, rules broken."""
CONSOLE = Console(soft_wrap=True)


@dataclass(frozen=True)
class Course:
    """How long and how large the worlds are: as docs/world.md has it, unless a test wants less."""

    taught: int = 14
    """Days of log before the first training."""
    scored: int = SCORED
    scale: float = 0.4
    agents: int = 3

    def world(self, name: str, seed: int) -> World:
        """A world of so many days."""
        days = self.taught + self.scored
        return make_world(family(name, scale=self.scale, agents=self.agents, days=days), seed)


@dataclass
class Shelf(Models):
    """The champion in memory alone: no registry, and no remarks, which rank nothing."""

    on_it: Bundle | None = None

    def reload(self) -> bool:
        """Take over what was put on the shelf."""
        changed = self.on_it is not self._bundle
        self._bundle, self.trouble = self.on_it, self.on_it.degraded if self.on_it else self.trouble
        return changed

    def remarks(
        self, past: Past, leads: Int64Array, saw: FeatureMatrix, standing: Standing, at: int
    ) -> tuple[Strongest, list[Window | None]]:
        """None."""
        return Strongest.nothing(len(saw)), [None] * len(saw)


@dataclass
class School(Trainer):
    """Trains as `leadrank train` does, heads, margins, calibration and gate, but writes no pages of it."""

    engine: Engine | None = None
    shelf: Shelf | None = None
    threads: int = 1
    reports: list[TrainingReport] = field(default_factory=list)
    seconds: float = 0.0

    def _run(self, at: int) -> TrainingRun:
        assert self.engine is not None
        assert self.shelf is not None
        begun = time.perf_counter()
        past = read_snapshot(self.engine, at).past
        with reading(self.engine) as connection:
            handed = read_handed(connection, at)
        report, _ = prepare(
            past,
            at,
            rng=np.random.default_rng(7),
            champion=self.shelf.champion(),
            watch=Stopwatch(lambda _: None),
            threads=self.threads,
            handed=handed,
        )
        if report.verdict.passed or report.stand_in is not None:
            self.shelf.on_it = report.stand_in or report.bundle
        self.reports.append(report)
        self.seconds += time.perf_counter() - begun
        return TrainingRun("", "done", report.bundle.version, report.alias, report.verdict.reason)


def stocked(history: History, folder: Path, secret: str, timing: bool) -> Engine:
    """A store that was told the history; its campaign ranks for value."""
    engine = open_engine(f"sqlite:///{folder}/leadrank.db", secret)
    upgrade(engine)
    world = history.floor.world
    leads = world.arrived_between(world.start, history.until).tolist()
    records = [Record(leads=(lead_item(world, lead),)) for lead in leads]
    records += [Record(events=(event,)) for event in events_of(history)]
    run_import(engine, ImportOrder("history", "", "", records, history.until))
    with transaction(engine) as connection:
        write_campaign(
            connection, CAMPAIGN, {"objective": "value", "mode": "power", "timing": timing}, history.until
        )
    return engine


def opened(engine: Engine, folder: Path, threads: int) -> tuple[Desk, School]:
    """A desk on the store, and the school whose champion serves."""
    shelf = Shelf("", folder)
    school = School("", "", WEEK, engine=engine, shelf=shelf, threads=threads)
    with reading(engine) as connection:
        salt = secret_of(connection)
    return Desk(engine, shelf, school, salt), school


def play_service(course: Course, name: str, seed: int, threads: int, timing: bool) -> dict[str, object]:
    """The scored days under the desk; the model's arm and the holdout by their own hours."""
    begun = time.perf_counter()
    history = play_history(course.world(name, seed), course.taught)
    floor = history.floor
    with TemporaryDirectory() as folder, threadpool_limits(threads, user_api="blas"):
        engine = stocked(history, Path(folder), f"{name}-{seed}", timing)
        desk, school = opened(engine, Path(folder), threads)
        train(desk, history.until, wait=True)
        queue = ServiceQueue(LocalClient(desk), floor, POLL // SECOND)
        ready = time.perf_counter()
        result = run(floor, queue, history.until, floor.world.stop, POLL)
        arms = np.array([queue.arm_of(call.offer) for call in result.log])
        engine.dispose()
    watch = queue.watch
    return {
        "days": as_lists(days_of(floor.world, result, arms == "model")),
        "holdout": as_lists(days_of(floor.world, result, arms == "holdout")),
        "trainings": [told(report) for report in school.reports],
        "violations": watch.violations,
        "leased_twice": watch.leased_twice,
        "degraded_polls": watch.degraded,
        "seconds": {
            "until the first poll": ready - begun,
            "the scored days": time.perf_counter() - ready,
            "all trainings": school.seconds,
            "leases": sum(watch.lease_seconds),
        },
    }


def told(report: TrainingReport) -> dict[str, object]:
    """What became of a training."""
    heads = {
        name: f"strength {head.choice.strength}, {head.choice.trees} trees"
        for name, head in report.heads.items()
    }
    return {"alias": report.alias, "reason": report.verdict.reason, "heads": heads}


def play_rival(course: Course, name: str, seed: int, rival: str) -> dict[str, object]:
    """The scored days under an order."""
    history = play_history(course.world(name, seed), course.taught)
    floor = history.floor
    result = run(floor, order(rival, floor), history.until, floor.world.stop, POLL)
    return {"days": as_lists(days_of(floor.world, result))}


def as_lists(days: Days) -> dict[str, list[float]]:
    """As plain values."""
    return {column: values.tolist() for column, values in vars(days).items()}


def play(course: Course, folder: Path, name: str, seed: int, policies: Sequence[str], threads: int) -> None:
    """One file for each policy; those that are there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for policy in policies:
        file = folder / f"{name}-{seed}-{policy}.json"
        if file.exists():
            continue
        begun = time.perf_counter()
        ours = policy in (OURS, TIMED)
        found = (
            play_service(course, name, seed, threads, policy == TIMED)
            if ours
            else play_rival(course, name, seed, policy)
        )
        named = {"family": name, "seed": seed, "policy": policy, "scored": course.scored}
        file.write_text(json.dumps({**named, **found}) + "\n")
        per_hour = Played.read(file).per_hour
        spent = time.perf_counter() - begun
        CONSOLE.print(f"{name} {seed} {policy}: {per_hour:.1f} an hour ({spent:.0f} s)")


def judged(scored: int) -> list[Played]:
    """What the table has of worlds of so many days: it keeps whole ones."""
    return read_kept(JUDGED) if scored == SCORED else []


def play_all(given: argparse.Namespace) -> None:
    """Every world that is asked for, but for what the table has of it."""
    there = {(one.family, one.seed, one.policy) for one in judged(given.scored)}
    for seed in given.seed or [31]:
        for name in given.family or FAMILIES:
            wanted = given.policy or (*RIVALS, OURS)
            missing = [policy for policy in wanted if (name, seed, policy) not in there]
            play(Course(scored=given.scored), given.out, name, seed, missing, given.threads)


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("var/worlds"))
    parser.add_argument("--family", action="append", choices=FAMILIES, help="may repeat; else all")
    parser.add_argument("--seed", action="append", type=int, help="may repeat; else 31")
    parser.add_argument(
        "--policy", action="append", choices=(*RIVALS, OURS, TIMED), help="may repeat; else all but waiting"
    )
    parser.add_argument("--scored", type=int, default=Course.scored, help="days")
    parser.add_argument("--threads", type=int, default=1, help="of a fit")
    parser.add_argument("--pool", action="store_true", help="play nothing, show what there is")
    parser.add_argument("--keep", action="store_true", help="the same, and write it to the table")
    return parser.parse_args()


if __name__ == "__main__":
    given = asked()
    if not (given.pool or given.keep):
        play_all(given)
    known = [*judged(given.scored), *read_played(given.out, given.scored)]
    if given.keep and given.scored == SCORED:
        keep(JUDGED, known)
    CONSOLE.print(table(worlds_of(known), np.random.default_rng(7)))
