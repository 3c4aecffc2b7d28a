"""The closed loop of docs/world.md twice, at a running service and in this process: every hand-out compared.

    python -m tests.benchmarks.closed_loop_http --family F0 --seed 1     plays what isn't played yet

Each way has a store and an MLflow registry of its own, and retrains every week by `leadrank train` as a
process; both stores have one secret. Each world is a file of its own under `--out`, so a run can be stopped
and gone on with. Where hand-outs differ the exit code is 1.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich import progress
from rich.console import Console
from sqlalchemy import Engine

from features.synthetic.history import History, play_history
from features.synthetic.parameters import FAMILIES
from features.synthetic.run import Progress
from serving.access import SCOPES, create_key
from serving.client import Client
from serving.contest import days_of
from serving.demo import Stages, lease_ms
from serving.local import LocalClient
from serving.models import Models
from tests.acceptance.days import Dialed, dial, first_difference, handed_out, in_this_process
from tests.acceptance.live import environment_of

from .closed_loop import POLL, Course, stocked

PATIENCE_S = 3_600.0
"""So long a request may take: one in a week waits for a training."""
SAID = {"clock": "request", "retrain_every": "7d"}
QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}

Environment = Mapping[str, str]
Way = Callable[[Environment, Engine, Path], AbstractContextManager[Client | LocalClient]]


@dataclass(frozen=True)
class Leg:
    """The scored days, asked for one way."""

    dialed: Dialed
    value_per_hour: float
    """J of the model's arm, by its own hours."""
    records: list[Mapping[str, str]]
    """Every decision and batch of the store."""
    trainings: list[str]
    """Bundle and aliases of each version in the registry, newest first."""
    seconds: float

    def as_json(self) -> dict[str, object]:
        """Its figures."""
        polls, watch = self.dialed.polls, self.dialed.watch
        return {
            "value_per_hour": self.value_per_hour,
            "polls": len(polls),
            "hand_outs": sum(len(poll["items"]) for poll in polls),
            "calls": len(self.dialed.result.log),
            "violations": watch.violations,
            "leased_twice": watch.leased_twice,
            "refused": watch.refused,
            "quarantined": watch.quarantined,
            "degraded_polls": watch.degraded,
            "lease_ms_p50": lease_ms(watch, 0.5),
            "lease_ms_p99": lease_ms(watch, 0.99),
            "trainings": self.trainings,
            "seconds": round(self.seconds, 1),
        }


@contextmanager
def over_http(environment: Environment, engine: Engine, folder: Path) -> Iterator[Client]:
    """A client of a service with these settings."""
    key = create_key(engine, "dialer", SCOPES, None, 0)
    stages = Stages(environment, folder / "service.log", lambda _: None)
    with stages.service() as url, Client(url, key, PATIENCE_S) as client:
        yield client


@contextmanager
def in_process(environment: Environment, engine: Engine, _folder: Path) -> Iterator[LocalClient]:
    """A desk with these settings."""
    with in_this_process(environment, engine) as client:
        yield client


WAYS: dict[str, Way] = {"over HTTP": over_http, "in process": in_process}


def play(way: Way, past: History, secret: str, on_day: Progress) -> Leg:
    """A training, then the days after the history, on a store and a registry of their own."""
    begun = time.perf_counter()
    with TemporaryDirectory() as name:
        folder = Path(name)
        engine = stocked(past, folder, secret, timing=False)
        environment = environment_of(f"{engine.url}", folder, secret=secret, **SAID) | QUIET
        with way(environment, engine, folder) as client:
            client.train(past.until)
            dialed = dial(client, past, POLL, on_day)
            arms = np.array([dialed.queue.arm_of(call.offer) for call in dialed.result.log])
        records = handed_out(engine)
        versions = Models(environment["LEADRANK_MLFLOW_URI"], folder).versions()
        engine.dispose()
    days = days_of(dialed.world, dialed.result, arms == "model")
    trainings = [" ".join((one.bundle, *one.aliases)) for one in versions]
    value = float(days.value.sum() / days.hours.sum())
    return Leg(dialed, value, records, trainings, time.perf_counter() - begun)


def difference(one: Leg, other: Leg) -> str | None:
    """Where two legs first differ: in answers, in what is on record, in calls, in what was trained."""
    pairs: tuple[tuple[str, object, object], ...] = (
        ("polls", one.dialed.polls, other.dialed.polls),
        ("records", one.records, other.records),
        ("calls", list(one.dialed.result.log), list(other.dialed.result.log)),
        ("trainings", one.trainings, other.trainings),
    )
    found = (first_difference(ours, theirs, where) for where, ours, theirs in pairs)
    return next((said for said in found if said is not None), None)


def compare(course: Course, name: str, seed: int, on_day: Progress) -> dict[str, Any]:
    """One world both ways."""
    past = play_history(course.world(name, seed), course.taught)
    legs = {told: play(way, past, f"{name}-{seed}", on_day) for told, way in WAYS.items()}
    return {
        "family": name,
        "seed": seed,
        "course": asdict(course),
        "difference": difference(*legs.values()),
        "legs": {told: leg.as_json() for told, leg in legs.items()},
    }


def file_of(folder: Path, course: Course, name: str, seed: int) -> Path:
    """Where a world's comparison is kept."""
    return folder / f"{name}-{seed}-{course.scored}-days.json"


def line_of(world: dict[str, Any]) -> tuple[str, ...]:
    """A world as a row of the table; figures that need not be equal are told of both ways."""
    legs = [world["legs"][way] for way in WAYS]

    def both(figure: str, form: str = "d") -> str:
        return " / ".join(dict.fromkeys(format(leg[figure], form) for leg in legs))

    return (
        f"{world['family']}, seed {world['seed']}",
        f"{world['course']['scored']}",
        " / ".join(dict.fromkeys(f"{len(leg['trainings'])}" for leg in legs)),
        both("polls"),
        both("hand_outs"),
        "none" if world["difference"] is None else str(world["difference"]),
        both("violations"),
        both("leased_twice"),
        both("degraded_polls"),
        both("value_per_hour", ".1f"),
    )


COLUMNS = (
    "world", "days", "trainings", "polls", "leads handed out", "first difference", "rules broken",
    "leased twice", "polls degraded", "J",
)  # fmt: skip


def table(worlds: Sequence[dict[str, Any]]) -> str:
    """Markdown: a line for each world."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(line_of, worlds)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("var/worlds_http"))
    parser.add_argument("--family", action="append", choices=FAMILIES, help="may repeat; else all")
    parser.add_argument("--seed", action="append", type=int, help="may repeat; else 1")
    parser.add_argument("--scored", type=int, default=Course.scored, help="days")
    return parser.parse_args()


def main(given: argparse.Namespace, console: Console) -> bool:
    """Play what isn't played yet, show what was asked; whether nothing differs."""
    course = Course(scored=given.scored)
    worlds = [(name, seed) for seed in given.seed or [1] for name in given.family or FAMILIES]
    given.out.mkdir(parents=True, exist_ok=True)
    with _bar(console) as bar:
        for name, seed in worlds:
            file = file_of(given.out, course, name, seed)
            if not file.exists():
                task = bar.add_task(f"{name}, seed {seed}: days", total=course.scored * len(WAYS))
                found = compare(course, name, seed, _stepping(bar, task))
                file.write_text(json.dumps(found) + "\n")
                bar.remove_task(task)
    told = [json.loads(file_of(given.out, course, *world).read_text()) for world in worlds]
    console.print(table(told))
    return all(world["difference"] is None for world in told)


def _stepping(bar: progress.Progress, task: progress.TaskID) -> Progress:
    return lambda _at: bar.advance(task)


def _bar(console: Console) -> progress.Progress:
    columns = progress.TextColumn("{task.description}"), progress.BarColumn(), progress.MofNCompleteColumn()
    return progress.Progress(*columns, progress.TimeElapsedColumn(), console=console, transient=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the service ends with it
    sys.exit(0 if main(asked(), Console(soft_wrap=True)) else 1)
