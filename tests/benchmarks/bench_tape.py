"""What serving keeps: the catalogue's tapes follow news and answer for many leads at once; their size."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from features import CallLog, LeadTable, Moments, Past, compute, for_leads
from features.kernel import Float32Array
from features.past import Feature
from features.spec import Spec
from features.sweep import ActorSweep, sweeps_of
from features.tape import Tape

from .harness import Figure, race, seconds, summary
from .windows_log import as_leads, as_log, generated

CALLS, LEADS, BATCH, BATCHES = 300_000, 100_000, 5_000, 9


@dataclass(frozen=True)
class Floor:
    """A log, its leads and the catalogue that is asked."""

    log: CallLog
    leads: LeadTable
    lines: tuple[Feature, ...]

    @property
    def specs(self) -> list[Spec]:
        """What all tapes of the catalogue keep."""
        return [sweep.spec for sweep in sweeps_of(self.lines) if isinstance(sweep, ActorSweep)]

    def until(self, calls: int, tapes: dict[tuple[object, ...], Tape] | None) -> Past:
        """The past of the first calls, its facts at hand."""
        past = Past(self.log.take(np.arange(calls)), self.leads, None, tapes)
        assert len(past.facts) >= calls
        return past


def a_floor() -> Floor:
    """Calls to many leads, and the catalogue for them."""
    leads = as_leads(LEADS)
    return Floor(as_log(generated(CALLS, LEADS)), leads, for_leads(leads))


def follow(past: Past, specs: list[Spec]) -> None:
    """Bring all tapes up to the past."""
    for spec in specs:
        past.tape(spec)


def bench_following_news() -> Figure:
    """CPU time per call for all tapes of the catalogue, in batches, against writing them all anew.

    The first round isn't counted: a machine hands out its memory slowly the first time.
    """
    floor = a_floor()
    specs = floor.specs
    followed(floor, specs)
    spent = followed(floor, specs)
    whole = floor.until(CALLS, {})
    anew = seconds(lambda: follow(whole, specs))
    name = f"all {len(specs)} tapes of {len(floor.lines)} lines follow a call, in batches of {BATCH:,}"
    ratio = anew * 1e6 / BATCH / float(np.median(spent))
    return summary(name, f"writing them anew, {CALLS:,} calls", ratio, spent, "µs")


def followed(floor: Floor, specs: list[Spec]) -> list[float]:
    """Microseconds of CPU for a call, in each batch."""
    tapes, known, spent = dict[tuple[object, ...], Tape](), CALLS - BATCH * BATCHES, list[float]()
    follow(floor.until(known - BATCH, tapes), specs)
    follow(floor.until(known, tapes), specs)
    for end in range(known + BATCH, CALLS + 1, BATCH):
        past = floor.until(end, tapes)
        spent.append(seconds(partial(follow, past, specs)) / BATCH * 1e6)
    return spent


def bench_one_instant() -> list[Figure]:
    """Wall time for many leads at one instant, as serving asks: two threads, tapes kept."""
    floor = a_floor()
    drawn = np.sort(np.random.default_rng(5).choice(len(floor.lines), 60, replace=False))
    some = tuple(floor.lines[place] for place in drawn)
    return [_at_one_instant(floor, floor.lines), _at_one_instant(floor, some)]


def _at_one_instant(floor: Floor, lines: tuple[Feature, ...]) -> Figure:
    """Against tapes written for it alone."""
    at = int(floor.log.ended_at[-1]) + 1
    asked = Moments.at_once(np.random.default_rng(3).permutation(LEADS), at)
    kept = floor.until(CALLS, {})
    passing = floor.until(CALLS, None)

    def ours() -> Float32Array:
        return compute(kept, asked, lines, threads=2).values

    def anew() -> Float32Array:
        return compute(passing, asked, lines, threads=2).values

    assert ours().tobytes() == anew().tobytes()
    return race(
        f"{len(lines)} lines of {LEADS:,} leads at one instant, 2 threads", ours, anew,
        against="tapes that are written for it", rounds=5, clock=time.perf_counter,
    )  # fmt: skip


def bench_size() -> Figure:
    """Bytes of the tapes per call, against the finished matrix of every call."""
    floor = a_floor()
    past = floor.until(CALLS, {})
    size = sum(map(bytes_of, map(past.tape, floor.specs))) / CALLS
    return summary(
        "bytes of all tapes per call", "the matrix at every call", 4 * len(floor.lines) / size, [size], "B"
    )


def bytes_of(tape: Tape) -> int:
    """What it holds in memory; room that nobody wrote to takes none."""
    return sum(array.nbytes for array in (*tape.lean().entries, *tape.blocks))
