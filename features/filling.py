"""Filling: the one sweep over an actor's tape that fills every column of its sheet."""

from typing import NamedTuple

import numpy as np

from .asked import Asked
from .entries import LATE, LONG, NOTHING, SEEN, TIME, Blocks, Entries, advance
from .instants import HOUR, NEVER
from .kernel import Float32Array, Float64Array, Int64Array, UInt64Array, kernel, part
from .prefetch import prefetch
from .sheet import FADED, RATE, SINCE, SUM, Sheet

BLOCK = 384
"""So many moments are read, one column after the other."""


class Found(NamedTuple):
    """Where a block of moments stands on the tape.

    A place is where an entry begins in the flat state, unsigned: so a column is read in a few instructions.
    """

    row: Int64Array
    at: Int64Array
    first: Int64Array
    """The first entry of its actor."""
    entry: Int64Array
    """The last one that it sees, or `NOTHING`."""
    last: UInt64Array
    """The place of that."""
    before: UInt64Array
    """(windows, moments): the place of the last one before the window, or of `NOTHING`."""
    worst: Int64Array
    """The longest that any fact of its actor took to be seen."""


class Draft(NamedTuple):
    """Room for what a block works out."""

    table: Float32Array
    """(moments, columns)"""
    marked: Float64Array
    counted: Float64Array
    """Both sums of a rate."""
    fading: Float64Array
    """(half-lives, moments): what is left of the fading sums of each entry."""


@kernel
def read(blocks: Blocks, entries: Entries, sheet: Sheet, asked: Asked, out: Float32Array) -> None:
    """Fill every column of the sheet at every moment in one pass over actors and their entries."""
    rows, ats, start, _, _ = asked
    state, found, draft = entries.state, no_moments(sheet.windows.size), no_draft(sheet)
    count = int(np.int64(0))  # a constant would be compiled for itself
    row, at, first, entry, last, _, worst = found
    for g in range(min(blocks.first.size, start.size - 3)):
        begin = now = blocks.first[g]
        end, delay = begin + blocks.size[g], blocks.worst[g]
        for moment in range(start[g + 1], start[g + 2]):
            i, k = np.uint64(moment), np.uint64(count)
            now = advance(state, now, end, ats[i])
            seen = now - 1 if now > begin else NOTHING
            row[k], at[k], first[k], worst[k] = rows[i], ats[i], begin, delay
            entry[k], last[k] = seen, seen * state.shape[1]
            count += 1
            if count == BLOCK:
                fill(count, found, draft, sheet, entries, out)
                count = 0
    fill(count, found, draft, sheet, entries, out)


@kernel
def no_moments(windows: int) -> Found:
    """Room for a block; what has no window begins with nothing."""
    row, at, first = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    entry, last, worst = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.int64)
    return Found(row, at, first, entry, last, np.zeros((windows, BLOCK), np.uint64), worst)


@kernel
def no_draft(sheet: Sheet) -> Draft:
    """Room for a block."""
    table = np.empty((BLOCK, sheet.op.size), np.float32)
    return Draft(table, np.empty(BLOCK), np.empty(BLOCK), np.ones((sheet.rates.size, BLOCK)))


@kernel
def find_windows(
    count: int, found: Found, windows: Int64Array, lines: Int64Array, state: Int64Array, out: Float32Array
) -> None:
    """Find the last entry before each moment's windows, from moment to moment of an actor.

    The moments' rows of `out` are called into the cache meanwhile.
    """
    _, at, first, entry, _, before, _ = found
    begins, actor = np.zeros(windows.size, np.int64), -1
    for k in range(count):
        for c in lines:
            prefetch(out, found.row[k], c)
        if entry[k] == NOTHING:  # an actor without entries may be said to begin where another one's lie
            before[:, k] = NOTHING
            continue
        if first[k] != actor:
            begins[:] = actor = first[k]
        for w in range(windows.size):
            if windows[w] < NEVER:
                begin, since = begins[w], at[k] - windows[w]
                if begin <= entry[k]:  # mostly one has left the window: no branch to mispredict
                    begin += np.int64(state[np.uint64(begin), SEEN] < since)
                begin = advance(state, begin, entry[k] + 1, since)
                before[w, k] = (begin - 1 if begin > actor else NOTHING) * state.shape[1]
                begins[w] = begin


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


@kernel
def copy_line(line: Float32Array, column: Int64Array, row: int, out: Float32Array) -> None:
    """Write what was worked out before into a row."""
    for k in range(column.size):
        out[row, column[k]] = line[k]


@kernel
def fill(count: int, found: Found, draft: Draft, sheet: Sheet, entries: Entries, out: Float32Array) -> None:
    """Fill the rows of a block, four columns or one after the other, and then write them row by row."""
    op, slowest = sheet.op, 0
    table, marked, counted, fading = draft
    find_windows(count, found, sheet.windows, sheet.lines, entries.state, out)
    fade_since(count, found.entry, found.at, sheet.rates, entries.state, fading)
    for c in sheet.fours:
        four_sums(count, found, c, sheet, entries.state, table)
    for c in sheet.singles:
        column = table[:, c]
        if op[c] >= SINCE:
            write_hours(count, found, op[c] == SINCE, sheet.of[c], entries.state, column)
        elif sheet.per[c] < 0:
            amounts(count, found, c, sheet.of[c], sheet.unit_of[c], sheet, fading, entries, column)
        else:
            amounts(count, found, c, sheet.of[c], sheet.unit_of[c], sheet, fading, entries, marked)
            amounts(count, found, c, sheet.per[c], sheet.unit_per[c], sheet, fading, entries, counted)
            for k in range(count):
                column[k] = shrunk(marked[k], counted[k], sheet.prior_rate[c], sheet.prior_size[c])
    write_rows(count, found.row, sheet.stretches, table, out)
    for k in range(count):
        slowest = max(slowest, found.worst[k])
    if sheet.windows.size > 0 and slowest > 0:
        take_out_the_old(count, found, sheet, entries.state, out)


@part
def write_rows(
    count: int, row: Int64Array, stretches: Int64Array, table: Float32Array, out: Float32Array
) -> None:
    """Write the finished columns row by row."""
    for k in range(count):
        done, line = table[np.uint64(k)], out[np.uint64(row[k])]
        for s in range(stretches.shape[0]):
            first, place, size = stretches[s]
            some, there = done[first:], line[place:]
            for c in range(size):
                there[c] = some[c]


@part
def four_sums(count: int, found: Found, c: int, sheet: Sheet, state: Int64Array, table: Float32Array) -> None:
    """Four sums of a window that are neighbours: each entry's part of a row is read once."""
    one, two, three, column = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(c)
    unit, unit_1, unit_2, unit_3 = sheet.unit_of[c : c + 4]
    sums, last, before = state.reshape(-1)[sheet.of[c] :], found.last, found.before[sheet.span[c]]
    for k in range(count):
        now, then, row = last[k], before[k], table[np.uint64(k)]
        row[column] = (sums[now] - sums[then]) * unit
        row[column + one] = (sums[now + one] - sums[then + one]) * unit_1
        row[column + two] = (sums[now + two] - sums[then + two]) * unit_2
        row[column + three] = (sums[now + three] - sums[then + three]) * unit_3


@part
def amounts(
    count: int,
    found: Found,
    c: int,
    of: int,
    unit: float,
    sheet: Sheet,
    fading: Float64Array,
    entries: Entries,
    out: Float32Array | Float64Array,
) -> None:
    """A window's sum, the difference of two entries, or a faded one, in its unit."""
    span, last = sheet.span[c], found.last
    if sheet.op[c] >= FADED:
        faded, left = entries.faded[:, of], fading[span]
        for k in range(count):
            out[k] = faded[found.entry[k]] * left[k] * unit
        return
    sums, before = entries.state.reshape(-1)[of:], found.before[span]
    for k in range(count):
        out[k] = (sums[last[k]] - sums[before[k]]) * unit


@part
def write_hours(count: int, found: Found, since: bool, of: int, state: Int64Array, out: Float32Array) -> None:
    """Hours since the time that the state holds, or until it; NaN where it holds none."""
    column, at, last = state.reshape(-1)[of:], found.at, found.last
    for k in range(count):
        held = column[last[k]]
        hours = (at[k] - held if since else held - at[k]) / HOUR
        some = -NEVER < held < NEVER if since else 0 <= held < NEVER
        out[k] = hours if some else np.nan


@part
def shrunk(marked: float, counted: float, rate: float, size: float) -> float:
    """A rate drawn to its prior: `size` more are counted, of which `rate` bear the mark."""
    counted += size
    return (marked + rate * size) / counted if counted > 0 else np.nan


@kernel
def fade_since(
    count: int,
    entry: Int64Array,
    at: Int64Array,
    rates: Float64Array,
    state: Int64Array,
    out: Float64Array,
) -> None:
    """Fill `out` with what is left at each moment of the fading sums of its entry, for each half-life."""
    for h in range(rates.size):
        for k in range(count):
            if entry[k] != NOTHING:
                out[h, k] = 2.0 ** (-(at[k] - state[entry[k], SEEN]) * rates[h])


@kernel
def take_out_the_old(count: int, found: Found, sheet: Sheet, state: Int64Array, out: Float32Array) -> None:
    """Windows go by the time of the event: write anew those in which something was seen that is older."""
    windows, old = sheet.windows, np.zeros((2, sheet.op.size), np.int64)
    for k in range(count):
        last, worst = found.entry[k], found.worst[k]
        for w in range(windows.size):
            before, since = np.int64(found.before[w, k]) // state.shape[1], found.at[k] - windows[w]
            begin = before + 1 if before != NOTHING else found.first[k]
            if windows[w] == NEVER or worst <= 0 or last < begin or state[begin, SEEN] - worst >= since:
                continue
            old[:] = 0
            add_up_the_old(w, begin, last, since, found.first[k], worst, sheet, state, old)
            write_anew(w, found.row[k], last, before, sheet, state, old, out)


@part
def add_up_the_old(
    w: int,
    begin: int,
    last: int,
    since: int,
    first: int,
    worst: int,
    sheet: Sheet,
    state: Int64Array,
    old: Int64Array,
) -> None:
    """Sum what those of the entries from `begin` to `last` brought that happened before `since`.

    All were seen at or after `since`: the prompt ones of them are near, and the late ones form a chain.
    """
    j = begin
    while j <= last and state[j, SEEN] <= since + LONG:
        if state[j, TIME] < since and state[j, SEEN] - state[j, TIME] <= LONG:
            add_own(w, j, j - 1 if j > first else NOTHING, sheet, state, old)
        j += 1
    if worst > LONG:
        j = first + state[advance(state, begin, last + 1, since + worst + 1) - 1, LATE]
        while j >= begin:
            before = j - 1 if j > first else NOTHING
            if state[j, TIME] < since:
                add_own(w, j, before, sheet, state, old)
            j = first + state[before, LATE]


@kernel
def add_own(w: int, j: int, before: int, sheet: Sheet, state: Int64Array, old: Int64Array) -> None:
    """Add what entry `j` brought to the columns of a window."""
    for c in range(sheet.op.size):
        if sheet.op[c] <= RATE and sheet.span[c] == w:
            old[0, c] += state[j, sheet.of[c]] - state[before, sheet.of[c]]
            if sheet.op[c] == RATE:
                old[1, c] += state[j, sheet.per[c]] - state[before, sheet.per[c]]


@part
def write_anew(
    w: int,
    row: int,
    last: int,
    before: int,
    sheet: Sheet,
    state: Int64Array,
    old: Int64Array,
    out: Float32Array,
) -> None:
    """Write the columns of a window without what is older."""
    for c in range(sheet.op.size):
        if sheet.op[c] <= RATE and sheet.span[c] == w:
            of, per = sheet.of[c], sheet.per[c]
            net = (state[last, of] - state[before, of] - old[0, c]) * sheet.unit_of[c]
            if sheet.op[c] == RATE:
                base = (state[last, per] - state[before, per] - old[1, c]) * sheet.unit_per[c]
                net = shrunk(net, base, sheet.prior_rate[c], sheet.prior_size[c])
            out[row, sheet.column[c]] = net
