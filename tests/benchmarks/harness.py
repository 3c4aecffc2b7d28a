"""Measure our way and a rival's in turn, in one process, and keep each figure as one JSON record."""

import gc
import json
import multiprocessing
import os
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

Work = Callable[[], object]
Clock = Callable[[], float]
Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6}


@dataclass(frozen=True)
class Figure:
    """One measurement of ours beside a rival's: `ratio` > 1 says that ours is that many times better."""

    name: str
    rival: str
    ratio: float
    median: float
    min: float
    max: float
    n: int
    unit: str


def race(
    name: str,
    ours: Work,
    rival: Work,
    *,
    against: str,
    rounds: int = 9,
    unit: str = "ms",
    per: int = 1,
    clock: Clock = time.process_time,
) -> Figure:
    """Time both `rounds` times in turn (CPU seconds by default); figures are ours, per `per` pieces of work.

    The first round of each is not counted: it compiles, imports and warms caches.
    """
    ours()
    rival()
    return warm_race(name, ours, rival, against=against, rounds=rounds, unit=unit, per=per, clock=clock)


def warm_race(
    name: str,
    ours: Work,
    rival: Work,
    *,
    against: str,
    rounds: int = 9,
    unit: str = "ms",
    per: int = 1,
    clock: Clock = time.process_time,
) -> Figure:
    """The same of two that are warm already: both did a small piece of the work before.

    The ratio is the median of each round's own, so a slow spell of the machine hits both sides.
    """
    pairs = [_in_turn(ours, rival, clock, swap=bool(k % 2)) for k in range(rounds)]
    ratio = statistics.median(theirs / max(mine, 1e-9) for mine, theirs in pairs)
    return summary(name, against, ratio, [mine * UNITS[unit] / per for mine, _ in pairs], unit)


def summary(name: str, rival: str, ratio: float, values: list[float], unit: str) -> Figure:
    """The figure of values that were measured by other means: scores, sizes, shares."""
    low, high = min(values), max(values)
    return Figure(name, rival, ratio, statistics.median(values), low, high, len(values), unit)


def _in_turn(ours: Work, rival: Work, clock: Clock, *, swap: bool) -> tuple[float, float]:
    """Seconds of both, the rival first in every other round."""
    if swap:
        theirs = seconds(rival, clock)
        return seconds(ours, clock), theirs
    return seconds(ours, clock), seconds(rival, clock)


def seconds(work: Work, clock: Clock = time.process_time) -> float:
    """What one run costs by that clock (`time.thread_time` for one thread's share), collector paused."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        work()
        return clock() - start
    finally:
        gc.enable()


def peak_memory(work: Work) -> float:
    """MiB by which one run raises the process's resident peak; `nan` where Linux's /proc is missing."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return float("nan")
    gc.collect()
    reset.write_text("5")
    before = _peak_kib(status)
    work()
    return (_peak_kib(status) - before) / 1024


def _peak_kib(status: Path) -> int:
    found = PEAK.search(status.read_text())
    return int(found[1]) if found else 0


def alone(work: Callable[Asked, Answer], *args: Asked.args, **named: Asked.kwargs) -> Answer:
    """What a module's function returns in a fresh process where every engine has one thread."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned, initializer=_one_thread) as process:
        return process.submit(work, *args, **named).result()


def _one_thread() -> None:
    """polars asks once, when it is imported; this runs before the work's own imports."""
    os.environ |= {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}


def cpu_of(command: Sequence[str]) -> float:
    """CPU seconds that a command took, start to end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def record(figures: Iterable[Figure], folder: Path) -> list[Path]:
    """Write each figure to its own JSON file, named for what was measured against whom; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(figure, folder / f"{slug(figure.name)}--{slug(figure.rival)}.json") for figure in figures]


def _write(figure: Figure, path: Path) -> Path:
    path.write_text(json.dumps(asdict(figure), ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def slug(text: str) -> str:
    """A name as a file name: lower case, words joined by dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")
