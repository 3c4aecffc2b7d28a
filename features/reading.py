"""Reading: what a column reads from its actor's tape at a moment, and the one sweep that reads them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from .entries import LATE, LONG, SEEN, TIME, Blocks, Entries, is_ascending
from .facts import QUANTITIES
from .instants import HOUR, NEVER
from .kernel import Float32Array, Float64Array, Int64Array, kernel, part
from .tape import THOUSANDTH, Spec, Tape, per_half_life

SUM, RATE, FADED, FADED_RATE, SINCE, UNTIL = range(6)


@dataclass(frozen=True)
class Reading:
    """One column: (`of` + p·n) / (`per` + n) with `prior=(p, n)`, or `of` alone where there is no `per`.

    Within a trailing window, or faded by a half-life; or the hours since an edge or until an instant named.
    """

    of: str
    per: str = ""
    within: int = NEVER
    half_life: int | None = None
    prior: tuple[float, float] = (0.0, 0.0)
    edge: Literal["last", "first"] | None = None
    until: bool = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The running sums that it needs."""
        if self.until or self.half_life is not None:
            return ()
        return (self.of, self.per) if self.per else (self.of,)

    @property
    def fades(self) -> tuple[tuple[str, int], ...]:
        """The fading sums that it needs."""
        if self.half_life is None:
            return ()
        return tuple((name, self.half_life) for name in (self.of, self.per) if name)


def spec_of(
    by: str, readings: Sequence[Reading], copies: Sequence[str] = (), sums: Sequence[str] = ()
) -> Spec:
    """The leanest tape that answers all readings, and holds what else is named."""
    fades = {fade for reading in readings for fade in reading.fades}
    return Spec(
        by,
        sums=_once([*(name for reading in readings for name in reading.sums), *sums]),
        fades=tuple(sorted(fades, key=lambda fade: (fade[1], fade[0]))),
        edges=_once([(reading.of, reading.edge) for reading in readings if reading.edge is not None]),
        words=_once([reading.of for reading in readings if reading.until]),
        copies=_once(copies),
    )


def _once(names: Sequence[object]) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(names))


class Sheet(NamedTuple):
    """Readings as arrays, one item a column: the windows' sums and rates, then the faded, then hours."""

    op: Int64Array
    of: Int64Array
    per: Int64Array
    """-1: none."""
    span: Int64Array
    """Place of its window or half-life."""
    unit_of: Float64Array
    unit_per: Float64Array
    prior_rate: Float64Array
    prior_size: Float64Array
    column: Int64Array
    """Where in the output."""
    unseen: Float32Array
    """What it says of an actor without a past."""
    windows: Int64Array
    rates: Float64Array
    ends: Int64Array
    """Where the sums of each window end, then all rates of windows, then the faded."""


class Asked(NamedTuple):
    """Moments by actor, and inside an actor by time: those of actor g are `start[g + 1]` to `start[g + 2]`.

    In front stand the moments that ask about nobody, behind those of actors without a place on the tape.
    """

    row: Int64Array
    """The moment's row of the output."""
    at: Int64Array
    start: Int64Array


def sheet_of(spec: Spec, readings: Sequence[Reading], columns: Sequence[int]) -> Sheet:
    """The readings as the sweep wants them."""
    windows = sorted({reading.within for reading in readings})
    halves = sorted({half for _, half in spec.fades})
    lines = [
        (*_line(spec, reading, windows, halves), *_units(reading), *reading.prior, column)
        for reading, column in zip(readings, columns, strict=True)
    ]
    lines.sort(key=lambda line: (line[0], line[3], line[-1]))
    table = np.array(lines, np.float64).reshape(-1, 9)
    op, of, per, span, column = (table[:, place].astype(np.int64) for place in (0, 1, 2, 3, 8))
    unit_of, unit_per, rate, size = (table[:, place].copy() for place in (4, 5, 6, 7))
    later = np.searchsorted(op, [FADED, SINCE])
    with np.errstate(invalid="ignore"):
        prior = np.where(size > 0, rate * size / size, np.nan)
    return Sheet(
        op, of, per, span, unit_of, unit_per, rate, size, column,
        unseen=np.select([op >= SINCE, (op == SUM) | (op == FADED)], [np.nan, 0.0], prior).astype(np.float32),
        windows=np.array(windows, np.int64),
        rates=np.array([per_half_life(half) for half in halves], np.float64),
        ends=np.append(np.searchsorted(span[op == SUM], np.arange(len(windows)), side="right"), later),
    )  # fmt: skip


def _line(spec: Spec, reading: Reading, windows: list[int], halves: list[int]) -> tuple[int, int, int, int]:
    """(operation, column of `of`, of `per`, window or half-life)."""
    if reading.edge is not None:
        return SINCE, spec.column((reading.of, reading.edge)), -1, 0
    if reading.until:
        return UNTIL, spec.column(reading.of), -1, 0
    if reading.half_life is not None:
        of = spec.fade_at(reading.of, reading.half_life)
        per = spec.fade_at(reading.per, reading.half_life) if reading.per else -1
        return FADED_RATE if reading.per else FADED, of, per, halves.index(reading.half_life)
    per = spec.column(reading.per) if reading.per else -1
    return RATE if reading.per else SUM, spec.column(reading.of), per, windows.index(reading.within)


def _units(reading: Reading) -> tuple[float, float]:
    return tuple(THOUSANDTH if name in QUANTITIES else 1.0 for name in (reading.of, reading.per))  # type: ignore[return-value]


def arrange(group: Int64Array, at: Int64Array, groups: int) -> Asked:
    """Sort moments by actor and time."""
    start = np.zeros(groups + 3, np.int64)
    if is_arranged(group, at):
        start[1:] = np.searchsorted(group, np.arange(groups + 2) - 1, side="right")
        start[-1] = group.size
        return Asked(np.arange(group.size), at, start)
    by_time = np.empty(0, np.int64) if is_ascending(at) else np.argsort(at, kind="stable")
    asked = Asked(np.empty(group.size, np.int64), np.empty(group.size, np.int64), start)
    sort_by_group(group, at, by_time, asked)
    return asked


@kernel
def is_arranged(group: Int64Array, at: Int64Array) -> bool:
    """Whether moments stand by actor already, and inside an actor by time."""
    for i in range(1, group.size):
        if group[i] < group[i - 1] or (group[i] == group[i - 1] and at[i] < at[i - 1]):
            return False
    return True


@kernel
def sort_by_group(group: Int64Array, at: Int64Array, by_time: Int64Array, asked: Asked) -> None:
    """Counting sort of moments that stand in the order of time (or of `by_time`), stable."""
    start, rows, ats = asked.start, asked.row, asked.at
    groups = start.size - 3
    for i in range(group.size):
        start[min(group[i], groups) + 2] += 1
    for g in range(1, start.size):
        start[g] += start[g - 1]
    place = start.copy()
    for i in range(group.size):
        row = by_time[i] if by_time.size else i
        g = min(group[row], groups) + 1
        rows[place[g]], ats[place[g]] = row, at[row]
        place[g] += 1


def ends_of(tape: Tape, asked: Asked) -> Int64Array:
    """For each moment the entry behind the last one that it sees; its actor's first where it sees none."""
    ends = np.zeros(asked.at.size, np.int64)
    find_ends(tape.blocks, tape.entries.state, asked, ends)
    return ends


@kernel
def find_ends(blocks: Blocks, state: Int64Array, asked: Asked, out: Int64Array) -> None:
    """Fill `out[i]` with the first entry that moment i doesn't see; actors without a place keep theirs."""
    for g in range(blocks.first.size):
        end = blocks.first[g] + blocks.size[g]
        now = blocks.first[g]
        for i in range(asked.start[g + 1], asked.start[g + 2]):
            now = advance(state, now, end, asked.at[i])
            out[i] = now


@part
def advance(state: Int64Array, low: int, high: int, at: int) -> int:
    """The first entry in [low, high) that wasn't seen before `at`, else `high`; near ones are found first."""
    if low >= high or state[low, SEEN] >= at:
        return low
    if state[high - 1, SEEN] < at:
        return high
    step = 1
    while low + step < high and state[low + step, SEEN] < at:
        low += step
        step *= 2
    high = min(high, low + step)
    low += 1
    while low < high:
        middle = (low + high) // 2
        if state[middle, SEEN] < at:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def read(blocks: Blocks, entries: Entries, sheet: Sheet, asked: Asked, out: Float32Array) -> None:
    """Fill every column of the sheet at every moment in one pass over actors and their entries."""
    op, of, per, span, unit_of, unit_per, rate, size, column, unseen, windows, rates, ends = sheet
    rows, ats, start = asked
    state, faded = entries
    firsts, sizes, worsts = blocks.first, blocks.size, blocks.worst
    begins, fading = np.zeros(windows.size, np.int64), np.ones(rates.size)
    sums, shares, fades = ends[windows.size - 1], ends[windows.size], ends[windows.size + 1]
    for g in range(min(firsts.size, start.size - 3)):
        first = now = firsts[g]
        end, worst = first + sizes[g], worsts[g]
        begins[:] = first
        for i in range(start[g + 1], start[g + 2]):
            row, at = rows[i], ats[i]
            now = advance(state, now, end, at)
            if now == first:
                copy_line(unseen, column, row, out)
                continue
            k = 0
            for w in range(windows.size):
                if windows[w] < NEVER:
                    begins[w] = advance(state, begins[w], now, at - windows[w])
                write_sums(k, ends[w], row, first, begins[w], now, of, unit_of, column, state, out)
                k = ends[w]
            write_shares(
                sums, shares, row, first, now, begins, of, per, span, unit_of, unit_per, rate, size, column,
                state, out,
            )  # fmt: skip
            if worst > 0:
                take_out_the_old(
                    shares, row, first, now, at, worst, begins, windows, op, of, per, span,
                    unit_of, unit_per, rate, size, column, state, out,
                )  # fmt: skip
            for h in range(rates.size):
                fading[h] = 2.0 ** (-(at - state[now - 1, SEEN]) * rates[h])
            write_faded(
                shares, fades, row, now - 1, op, of, per, span, unit_of, unit_per, rate, size, column,
                fading, faded, out,
            )  # fmt: skip
            write_hours(fades, row, now - 1, at, op, of, column, state, out)


@kernel
def read_nobody(sheet: Sheet, asked: Asked, out: Float32Array) -> None:
    """Fill the moments in front, which ask about nobody, and those behind, whose actors have no place."""
    start, rows = asked.start, asked.row
    nobody = sheet.unseen.copy()
    for k in range(nobody.size):
        if sheet.op[k] in (SUM, FADED):
            nobody[k] = np.nan
    for i in range(start[1]):
        copy_line(nobody, sheet.column, rows[i], out)
    for i in range(start[-2], start[-1]):
        copy_line(sheet.unseen, sheet.column, rows[i], out)


@part
def copy_line(line: Float32Array, column: Int64Array, row: int, out: Float32Array) -> None:
    """Write what was worked out before into a row."""
    for k in range(column.size):
        out[row, column[k]] = line[k]


@part
def write_sums(
    k: int,
    end: int,
    row: int,
    first: int,
    begin: int,
    now: int,
    of: Int64Array,
    unit: Float64Array,
    column: Int64Array,
    state: Int64Array,
    out: Float32Array,
) -> None:
    """Sums of one window: differences of two entries, in their unit."""
    for c in range(k, end):
        net = state[now - 1, of[c]] - (state[begin - 1, of[c]] if begin > first else 0)
        out[row, column[c]] = net / unit[c] if unit[c] != 1.0 else net


@part
def write_shares(
    k: int,
    end: int,
    row: int,
    first: int,
    now: int,
    begins: Int64Array,
    of: Int64Array,
    per: Int64Array,
    span: Int64Array,
    unit_of: Float64Array,
    unit_per: Float64Array,
    rate: Float64Array,
    size: Float64Array,
    column: Int64Array,
    state: Int64Array,
    out: Float32Array,
) -> None:
    """Rates of windows: two differences, shrunk to their prior."""
    for c in range(k, end):
        begin = begins[span[c]]
        net = state[now - 1, of[c]] - (state[begin - 1, of[c]] if begin > first else 0)
        base = state[now - 1, per[c]] - (state[begin - 1, per[c]] if begin > first else 0)
        out[row, column[c]] = shrunk(net / unit_of[c], base / unit_per[c], rate[c], size[c])


@part
def shrunk(marked: float, counted: float, rate: float, size: float) -> float:
    """A rate drawn to its prior: `size` more are counted, of which `rate` bear the mark."""
    counted += size
    return (marked + rate * size) / counted if counted > 0 else np.nan


@part
def take_out_the_old(
    end: int,
    row: int,
    first: int,
    now: int,
    at: int,
    worst: int,
    begins: Int64Array,
    windows: Int64Array,
    op: Int64Array,
    of: Int64Array,
    per: Int64Array,
    span: Int64Array,
    unit_of: Float64Array,
    unit_per: Float64Array,
    rate: Float64Array,
    size: Float64Array,
    column: Int64Array,
    state: Int64Array,
    out: Float32Array,
) -> None:
    """Windows go by the time of the event: write anew those in which something was seen that is older."""
    for k in range(end):
        begin, window = begins[span[k]], windows[span[k]]
        since = at - window
        if window == NEVER or begin >= now or state[begin, SEEN] - worst >= since:
            continue
        net = state[now - 1, of[k]] - (state[begin - 1, of[k]] if begin > first else 0)
        net -= too_old(of[k], first, begin, now, since, worst, state)
        if op[k] == SUM:
            out[row, column[k]] = net / unit_of[k]
        else:
            base = state[now - 1, per[k]] - (state[begin - 1, per[k]] if begin > first else 0)
            base -= too_old(per[k], first, begin, now, since, worst, state)
            out[row, column[k]] = shrunk(net / unit_of[k], base / unit_per[k], rate[k], size[k])


@part
def too_old(column: int, first: int, begin: int, now: int, since: int, worst: int, state: Int64Array) -> int:
    """The sum of a column over those entries in [begin, now) that happened before `since`.

    All were seen at or after `since`: the prompt ones of them are near, and the late ones form a chain.
    """
    total = 0
    j = begin
    while j < now and state[j, SEEN] <= since + LONG:
        if state[j, TIME] < since and state[j, SEEN] - state[j, TIME] <= LONG:
            total += state[j, column] - (state[j - 1, column] if j > first else 0)
        j += 1
    if worst > LONG:
        j = first + state[advance(state, begin, now, since + worst + 1) - 1, LATE]
        while j >= begin:
            if state[j, TIME] < since:
                total += state[j, column] - (state[j - 1, column] if j > first else 0)
            j = first + state[j - 1, LATE] if j > first else -1
    return total


@part
def write_faded(
    k: int,
    end: int,
    row: int,
    last: int,
    op: Int64Array,
    of: Int64Array,
    per: Int64Array,
    span: Int64Array,
    unit_of: Float64Array,
    unit_per: Float64Array,
    rate: Float64Array,
    size: Float64Array,
    column: Int64Array,
    fading: Float64Array,
    faded: Float64Array,
    out: Float32Array,
) -> None:
    """Fading sums as of the last entry, faded on to the moment; rates of them shrunk to their prior."""
    for c in range(k, end):
        net = faded[last, of[c]] * fading[span[c]] / unit_of[c]
        if op[c] == FADED_RATE:
            base = faded[last, per[c]] * fading[span[c]] / unit_per[c]
            net = shrunk(net, base, rate[c], size[c])
        out[row, column[c]] = net


@part
def write_hours(
    begin: int,
    row: int,
    last: int,
    at: int,
    op: Int64Array,
    of: Int64Array,
    column: Int64Array,
    state: Int64Array,
    out: Float32Array,
) -> None:
    """Hours since the time that the state holds, or until it; NaN where it holds none."""
    for k in range(begin, op.size):
        held = state[last, of[k]]
        hours = (at - held if op[k] == SINCE else held - at) / HOUR
        some = -NEVER < held < NEVER if op[k] == SINCE else 0 <= held < NEVER
        out[row, column[k]] = hours if some else np.nan
