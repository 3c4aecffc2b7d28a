"""26 trailing features at every call of a long log, against the same columns by polars, DuckDB and pandas.

Every engine has one thread and the same plain columns; what counts is CPU time up to the finished matrix in
the order of the rows. Every cell of every engine is compared with ours in the same run.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from features import CallLog, LeadTable, Moments, Past, compute, for_leads
from features.kernel import Float32Array, Int64Array, kernel
from features.past import Feature
from features.statistics.rate import Rate
from features.statistics.recency import Recency
from features.statistics.window import Count, Sum

from .harness import Figure, alone, cpu_of, peak_memory, race, seconds, summary, warm_race
from .windows_log import Events, as_leads, as_log, generated
from .windows_rivals import (
    ACTORS,
    COLUMNS,
    HALF,
    HALF_LIFE,
    PRIOR,
    WINDOWS,
    assert_same,
    duckdb_windows,
    pandas_windows,
    polars_one_key,
    polars_rolling,
    polars_sorted,
)

MILLION = 1_000_000


@dataclass(frozen=True)
class Rival:
    """An engine, what it is called in the records, and how often it is timed."""

    name: str
    work: Callable[[Events], Float32Array]
    rounds: int


POLARS = Rival("polars rolling(group_by)", polars_rolling, 3)
SORTED = Rival("polars rolling(group_by), rows sorted by actor first", polars_sorted, 5)
RIVALS = (
    POLARS,
    SORTED,
    Rival("polars rolling over one composed key", polars_one_key, 5),
    Rival("DuckDB RANGE EXCLUDE GROUP", duckdb_windows, 3),
    Rival("pandas groupby.rolling", pandas_windows, 1),
)


def _features() -> tuple[Feature, ...]:
    """The columns of the rivals as lines of a catalogue."""
    names = iter(COLUMNS)
    lines: list[Feature] = []
    for actor in ACTORS:
        for within in WINDOWS:
            lines += [Count(next(names), actor, within, of) for of in ("calls", "answered", "converted")]
            lines.append(Sum(next(names), actor, within, "talk_s"))
        last = next(names)
        rate = Rate(last, "agent", "converted", PRIOR, half_life=HALF_LIFE)
        lines.append(rate if actor == "agent" else Recency(last, "lead"))
    return tuple(lines)


FEATURES = _features()


def ours(log: CallLog, leads: LeadTable) -> Float32Array:
    """Our way, from a log of which nothing was regrouped before."""
    return compute(Past(log, leads), Moments(log.lead, log.agent, log.ended_at), FEATURES).values


def bench_a_million_calls(capsys: pytest.CaptureFixture[str]) -> list[Figure]:
    """Against every rival, against writing the matrix alone, and what it takes beside the matrix."""
    with capsys.disabled():
        return [*alone(race_rivals, MILLION, RIVALS), alone(race_scatter, MILLION), *beside(MILLION)]


def bench_ten_million_calls(capsys: pytest.CaptureFixture[str]) -> list[Figure]:
    """Against polars; how the cost of a call grows; the whole catalogue on two threads."""
    with capsys.disabled():
        raced = alone(race_rivals, 10 * MILLION, (replace(SORTED, rounds=2), replace(POLARS, rounds=1)))
        scatter = alone(race_scatter, 10 * MILLION)
        return [*raced, scatter, alone(growth), *beside(10 * MILLION), alone(catalogue)]


def bench_the_first_vector() -> Figure:
    """CPU of a fresh process that imports, loads its loops and asks the whole catalogue about one lead."""
    program = "from features.compute import warm_up; warm_up()"
    command = [sys.executable, "-c", program]
    cpu_of(command)  # compiles what isn't cached yet
    spent, budget = [cpu_of(command) for _ in range(5)], 1.5
    median = float(np.median(spent))
    return summary("fresh process to the first vector", f"{budget} s of CPU", budget / median, spent, "s")


def race_rivals(size: int, rivals: tuple[Rival, ...]) -> list[Figure]:
    """Ours and each rival in turn; all cells compared.

    The first round of a million calls isn't counted: a machine hands out its memory slowly the first time.
    Of ten million calls polars' thrifty way goes first, and the other one finds the memory that it left.
    """
    few, events, leads = generated(1_000), generated(size), as_leads()
    ours(as_log(few), leads)
    for rival in rivals:
        rival.work(few)
    return [_raced(events, as_log(events), leads, rival) for rival in rivals]


def _raced(events: Events, log: CallLog, leads: LeadTable, rival: Rival) -> Figure:
    found: dict[str, Float32Array] = {}
    say(f"{_work(len(events))}, against {rival.name} ...")
    figure = (race if len(events) <= MILLION else warm_race)(
        _work(len(events)),
        lambda: found.update(ours=ours(log, leads)),
        lambda: found.update(theirs=rival.work(events)),
        against=rival.name, rounds=rival.rounds, unit="µs", per=len(events),
    )  # fmt: skip
    assert_same(found["ours"], found["theirs"])
    return figure


def race_scatter(size: int) -> Figure:
    """Against the least that any engine must do: both halves stand ready by actor, and go to their rows.

    Neither keeps its matrix from round to round: pages that the machine hands out for the first time cost
    more than all the rest.
    """
    events = generated(size)
    log, leads = as_log(events), as_leads()
    lead_rows, agent_rows = (np.argsort(actor, kind="stable") for actor in (events.lead, events.agent))
    matrix = ours(log, leads)
    by_lead, by_agent = matrix[lead_rows, :HALF].copy(), matrix[agent_rows, HALF:].copy()

    def scattered() -> Float32Array:
        written = np.empty_like(matrix)
        scatter(by_lead, lead_rows, by_agent, agent_rows, written)
        return written

    say(f"{_work(size)}, against writing them alone ...")
    figure = race(
        _work(size), lambda: ours(log, leads), scattered,
        against="writing the finished columns alone", rounds=5, unit="µs", per=size,
    )  # fmt: skip
    np.testing.assert_array_equal(scattered(), matrix)
    return figure


@kernel
def scatter(
    by_lead: Float32Array,
    lead_rows: Int64Array,
    by_agent: Float32Array,
    agent_rows: Int64Array,
    out: Float32Array,
) -> None:
    """Fill the left half of `out[lead_rows[i]]` with `by_lead[i]`, the right half alike."""
    width = by_lead.shape[1]
    for i in range(lead_rows.size):
        for k in range(width):
            out[lead_rows[i], k] = by_lead[i, k]
    for i in range(agent_rows.size):
        for k in range(width):
            out[agent_rows[i], width + k] = by_agent[i, k]


def beside(size: int) -> list[Figure]:
    """Memory beside the finished matrix, ours and polars', each in a process of its own."""
    say(f"{_work(size)}, memory ...")
    mine, theirs, matrix = (
        alone(our_memory, size),
        alone(polars_memory, size),
        4 * len(COLUMNS) * size / 2**20,
    )
    name = f"memory beside the matrix, {_calls(size)}"
    return [
        summary(name, "the matrix itself", matrix / mine, [mine], "MiB"),
        summary(name, SORTED.name, theirs / mine, [mine], "MiB"),
    ]


def our_memory(size: int) -> float:
    """MiB at our peak, without the matrix and what was there before."""
    few, leads = as_log(generated(1_000)), as_leads()
    ours(few, leads)
    log = as_log(generated(size))
    return peak_memory(lambda: ours(log, leads)) - 4 * len(COLUMNS) * size / 2**20


def polars_memory(size: int) -> float:
    """MiB at the peak of polars' thrifty way, likewise."""
    polars_sorted(generated(1_000))
    events = generated(size)
    return peak_memory(lambda: polars_sorted(events)) - 4 * len(COLUMNS) * size / 2**20


def growth() -> Figure:
    """What one call of ten million costs beside one of a million."""
    leads = as_leads()
    few, many = as_log(generated(MILLION)), as_log(generated(10 * MILLION))
    ours(few, leads)
    ours(many, leads)
    pairs = [(seconds(lambda: ours(few, leads)), seconds(lambda: ours(many, leads)) / 10) for _ in range(3)]
    ratio = float(np.median([of_few / of_many for of_few, of_many in pairs]))
    return summary("one call of 10M", "one call of 1M", ratio, [of_many for _, of_many in pairs], "µs")


def catalogue() -> Figure:
    """The whole catalogue at every call of ten million, two threads, by the clock on the wall."""
    leads = as_leads()
    lines = for_leads(leads)
    few, log = as_log(generated(1_000)), as_log(generated(10 * MILLION))
    _whole(few, leads, lines)
    say(f"all {len(lines)} features of 10M calls on 2 threads ...")
    wall = seconds(lambda: _whole(log, leads, lines), time.perf_counter)
    return summary(f"all {len(lines)} features of 10M calls, 2 threads", "a minute", 60 / wall, [wall], "s")


def _whole(log: CallLog, leads: LeadTable, lines: tuple[Feature, ...]) -> None:
    compute(Past(log, leads), Moments(log.lead, log.agent, log.ended_at), lines, threads=2)


def _work(size: int) -> str:
    return f"{len(COLUMNS)} trailing features of {_calls(size)}"


def _calls(size: int) -> str:
    return f"{size // MILLION}M calls"


def say(what: str) -> None:
    """A line of progress: some of these take a minute."""
    sys.stderr.write(f"  {what}\n")
    sys.stderr.flush()
