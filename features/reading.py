"""Reading: what a column reads from its actor's tape at a moment, and the one sweep that reads them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from .entries import LONG, Blocks, Entries, is_ascending
from .facts import QUANTITIES
from .instants import HOUR, NEVER
from .kernel import Float32Array, Float64Array, Int32Array, Int64Array, kernel
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
    """Readings as arrays, one item a column."""

    op: Int64Array
    of: Int64Array
    per: Int64Array
    span: Int64Array
    """Place of its window or half-life."""
    unit_of: Float64Array
    unit_per: Float64Array
    prior_rate: Float64Array
    prior_size: Float64Array
    column: Int64Array
    """Where in the output."""
    windows: Int64Array
    rates: Float64Array


class Asked(NamedTuple):
    """Moments in the order of their actors, and inside an actor of time."""

    row: Int32Array
    """The moment's row of the output."""
    group: Int64Array
    """-1: nobody is asked about."""
    at: Int64Array


def sheet_of(spec: Spec, readings: Sequence[Reading], columns: Sequence[int]) -> Sheet:
    """The readings as the sweep wants them."""
    windows = sorted({reading.within for reading in readings})
    halves = sorted({half for _, half in spec.fades})
    lines = [_line(spec, reading, windows, halves) for reading in readings]
    places = np.array([line[:4] for line in lines], np.int64).reshape(-1, 4)
    units = np.array([(*line[4:], *reading.prior) for line, reading in zip(lines, readings, strict=True)])
    units = units.reshape(-1, 4).astype(np.float64)
    op, of, per, span = (places[:, c].copy() for c in range(4))
    unit_of, unit_per, prior_rate, prior_size = (units[:, c].copy() for c in range(4))
    return Sheet(
        op, of, per, span, unit_of, unit_per, prior_rate, prior_size,
        np.array(columns, np.int64),
        np.array(windows, np.int64),
        np.array([per_half_life(half) for half in halves], np.float64),
    )  # fmt: skip


def _line(
    spec: Spec, reading: Reading, windows: list[int], halves: list[int]
) -> tuple[int, int, int, int, float, float]:
    """(operation, column of `of`, of `per`, window or half-life, unit of `of`, of `per`)."""
    units = _unit(reading.of), _unit(reading.per)
    if reading.edge is not None:
        return SINCE, spec.edge_at(reading.of, reading.edge), -1, 0, *units
    if reading.until:
        return UNTIL, spec.word_at(reading.of), -1, 0, *units
    if reading.half_life is not None:
        of = spec.fade_at(reading.of, reading.half_life)
        per = spec.fade_at(reading.per, reading.half_life) if reading.per else -1
        return FADED_RATE if reading.per else FADED, of, per, halves.index(reading.half_life), *units
    per = spec.sum_at(reading.per) if reading.per else -1
    return RATE if reading.per else SUM, spec.sum_at(reading.of), per, windows.index(reading.within), *units


def _unit(name: str) -> float:
    return THOUSANDTH if name in QUANTITIES else 1.0


def arrange(group: Int64Array, at: Int64Array, groups: int) -> Asked:
    """Sort moments by actor and time; actors from `groups` on have no past and count as the last one."""
    if is_arranged(group, at):
        return Asked(np.arange(group.size, dtype=np.int32), group, at)
    by_time = np.empty(0, np.int64) if is_ascending(at) else np.argsort(at, kind="stable")
    asked = Asked(
        np.empty(group.size, np.int32), np.empty(group.size, np.int64), np.empty(group.size, np.int64)
    )
    sort_by_group(group, at, by_time, groups, asked)
    return asked


@kernel
def is_arranged(group: Int64Array, at: Int64Array) -> bool:
    """Whether moments stand by actor already, and inside an actor by time."""
    for i in range(1, group.size):
        if group[i] < group[i - 1] or (group[i] == group[i - 1] and at[i] < at[i - 1]):
            return False
    return True


@kernel
def sort_by_group(group: Int64Array, at: Int64Array, by_time: Int64Array, groups: int, asked: Asked) -> None:
    """Counting sort of moments that stand in the order of time (or of `by_time`), stable."""
    start = np.zeros(groups + 3, np.int64)
    for i in range(group.size):
        start[min(group[i], groups) + 2] += 1
    for g in range(1, start.size):
        start[g] += start[g - 1]
    for i in range(group.size):
        row = by_time[i] if by_time.size else i
        g = min(group[row], groups)
        place = start[g + 1]
        start[g + 1] += 1
        asked.row[place] = row
        asked.group[place] = g
        asked.at[place] = at[row]


def ends_of(tape: Tape, asked: Asked) -> Int64Array:
    """For each moment the entry behind the last one that it sees; its actor's first where it sees none."""
    ends = np.empty(asked.group.size, np.int64)
    find_ends(tape.blocks, tape.entries.seen, asked, ends)
    return ends


@kernel
def find_ends(blocks: Blocks, seen: Int64Array, asked: Asked, out: Int64Array) -> None:
    """Fill `out[i]` with the first entry that moment i doesn't see; 0 for nobody."""
    for i in range(asked.group.size):
        g = asked.group[i]
        if g < 0 or g >= blocks.first.size:
            out[i] = 0
        else:
            out[i] = advance(seen, blocks.first[g], blocks.first[g] + blocks.size[g], asked.at[i])


@kernel
def advance(times: Int64Array, low: int, high: int, at: int) -> int:
    """The first place in [low, high) whose time isn't before `at`, else `high`; near ones are found first."""
    if low >= high or times[low] >= at:
        return low
    if times[high - 1] < at:
        return high
    step = 1
    while low + step < high and times[low + step] < at:
        low += step
        step *= 2
    high = min(high, low + step)
    low += 1
    while low < high:
        middle = (low + high) // 2
        if times[middle] < at:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def read(blocks: Blocks, entries: Entries, sheet: Sheet, asked: Asked, out: Float32Array) -> None:
    """Fill every column of the sheet at every moment in one pass over actors and their entries."""
    begins = np.empty(sheet.windows.size, np.int64)
    fading = np.empty(sheet.rates.size, np.float64)
    current, last, first, end, now = -2, 0, 0, 0, 0
    for i in range(asked.row.size):
        g, at, row = asked.group[i], asked.at[i], asked.row[i]
        if g == current and i > 0 and at == asked.at[i - 1]:
            for k in range(sheet.column.size):
                out[row, sheet.column[k]] = out[asked.row[i - 1], sheet.column[k]]
            continue
        if g != current:
            current = g
            known = 0 <= g < blocks.first.size
            first = blocks.first[g] if known else 0
            end = first + blocks.size[g] if known else 0
            now = first
            begins[:] = first
        now = advance(entries.seen, now, end, at)
        last = now - 1
        if sheet.rates.size and now > first:
            passed = at - entries.seen[last]
            for h in range(sheet.rates.size):
                fading[h] = 2.0 ** (-passed * sheet.rates[h]) if passed > 0 else 1.0
        for w in range(sheet.windows.size):
            if sheet.windows[w] < NEVER:
                begins[w] = advance(entries.seen, begins[w], now, at - sheet.windows[w])
        worst = blocks.worst[g] if 0 <= g < blocks.first.size else 0
        for k in range(sheet.column.size):
            out[row, sheet.column[k]] = _one(k, g, first, now, at, worst, begins, fading, entries, sheet)


@kernel
def _one(
    k: int,
    group: int,
    first: int,
    now: int,
    at: int,
    worst: int,
    begins: Int64Array,
    fading: Float64Array,
    entries: Entries,
    sheet: Sheet,
) -> float:
    """Column k for an actor of whose entries those in [first, now) are seen."""
    op, of, per, span = sheet.op[k], sheet.of[k], sheet.per[k], sheet.span[k]
    if op in (SINCE, UNTIL):
        return _hours(op, of, first, now, at, entries)
    marked = base = 0.0
    if op in (FADED, FADED_RATE):
        if now > first:
            marked = entries.faded[now - 1, of] * fading[span] / sheet.unit_of[k]
            base = entries.faded[now - 1, per] * fading[span] / sheet.unit_per[k] if per >= 0 else 0.0
    elif now > first:
        begin, since = begins[span], at - sheet.windows[span]
        marked = within(of, first, begin, now, since, worst, entries) / sheet.unit_of[k]
        if per >= 0:
            base = within(per, first, begin, now, since, worst, entries) / sheet.unit_per[k]
    if op in (SUM, FADED):
        return marked if group >= 0 else np.nan
    base += sheet.prior_size[k]
    return (marked + sheet.prior_rate[k] * sheet.prior_size[k]) / base if base > 0 else np.nan


@kernel
def _hours(op: int, column: int, first: int, now: int, at: int, entries: Entries) -> float:
    """Hours since the time that the state holds, or until the instant; NaN where it holds none."""
    if now == first:
        return np.nan
    held = entries.state[now - 1, column]
    if op == UNTIL:
        return (held - at) / HOUR if 0 <= held < NEVER else np.nan
    return (at - held) / HOUR if -NEVER < held < NEVER else np.nan


@kernel
def within(column: int, first: int, begin: int, now: int, since: int, worst: int, entries: Entries) -> int:
    """The sum of a column over the facts seen, entries [first, now), that happened at or after `since`.

    `begin` is the first entry seen at or after `since`; of those from there on, the ones that happened
    earlier are taken out: the prompt ones are near, and the late ones form a chain.
    """
    if now == begin:
        return 0
    state = entries.state
    total = int(state[now - 1, column] - (state[begin - 1, column] if begin > first else 0))
    if entries.seen[begin] - worst >= since:
        return total
    j = begin
    while j < now and entries.seen[j] <= since + LONG:
        if entries.time[j] < since and entries.seen[j] - entries.time[j] <= LONG:
            total -= state[j, column] - (state[j - 1, column] if j > first else 0)
        j += 1
    if worst > LONG:
        j = first + entries.late[advance(entries.seen, begin, now, since + worst + 1) - 1]
        while j >= begin:
            if entries.time[j] < since:
                total -= state[j, column] - (state[j - 1, column] if j > first else 0)
            j = first + entries.late[j - 1] if j > first else -1
    return total
