"""Entries: the rows of a tape and the loops that write them, from a whole log or event by event.

An entry is one row of int64: its fact's row, `seen`, `time`, the late one before it, then the running state;
its fading sums stand beside it.
"""

from typing import NamedTuple

import numpy as np

from .instants import MINUTE
from .kernel import Float64Array, Int64Array, kernel, part

ROW, SEEN, TIME, LATE, HEAD = range(5)
"""The first columns of an entry; `LATE` is the actor's latest entry, up to and with this one, that was seen
LONG after it happened (counted from the actor's first, -1 none). From `HEAD` on stands the state."""

BITS = LATE
"""In a note about a fact: its marks, all bits turned over if it is taken back."""

MARKED, AMOUNTS, LASTS, FIRSTS, WORDS, COPIES, END = range(7)
"""The sections of the state: running counts of marks and sums of quantities, latest and earliest times of a
mark, latest words, own words."""

NOTHING = 0
"""The first entry of a tape is nobody's: the state before any fact, from which every actor's state starts."""

LONG = MINUTE
"""A fact seen longer than this after it happened came late: windows look for those one by one."""


class Program(NamedTuple):
    """A spec as arrays: where each section of the state begins, what makes each column, and how sums fade."""

    begins: Int64Array
    """The first column of each section, and the width."""
    source: Int64Array
    """For each column the bit of its mark; 0 for quantities and words."""
    total: Int64Array
    """For an edge's column that of its mark's sum."""
    fade_source: Int64Array
    """For each fading sum the bit of its mark; less than 0: minus the column of its quantity in notes."""
    fade_half: Int64Array
    """Which of `rates` it has; in ascending order."""
    rates: Float64Array
    """Half-lives per microsecond."""


class Blocks(NamedTuple):
    """Where each actor's entries lie: `size` of them from `first` on, with `room` for more."""

    first: Int64Array
    size: Int64Array
    room: Int64Array
    worst: Int64Array
    """The longest that any of its facts took to be seen, microseconds."""
    taken_back: Int64Array
    """More than 0 if any of its facts was taken back."""


class Entries(NamedTuple):
    """The entries of all actors, `NOTHING` before them."""

    state: Int64Array
    faded: Float64Array
    """Fading sums as of `SEEN`."""


@kernel
def is_ascending(values: Int64Array) -> bool:
    """Whether no value is smaller than the one before."""
    falls = 0
    for i in range(1, values.size):  # to the end: without a way out it is done many at a time
        falls += values[i] < values[i - 1]
    return falls == 0


@part
def advance(state: Int64Array, low: int, high: int, at: int) -> int:
    """The first entry in [low, high) that wasn't seen before `at`, else `high`; near ones are found first."""
    near = min(low + 4, high)
    while low < near:
        if state[np.uint64(low), SEEN] >= at:
            return low
        low += 1
    if low >= high or state[np.uint64(low), SEEN] >= at:
        return low
    if state[np.uint64(high - 1), SEEN] < at:
        return high
    step = 1
    while low + step < high and state[np.uint64(low + step), SEEN] < at:
        low += step
        step *= 2
    high = min(high, low + step)
    low += 1
    while low < high:
        middle = (low + high) // 2
        if state[np.uint64(middle), SEEN] < at:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def place_behind(
    row: Int64Array,
    seen: Int64Array,
    group: Int64Array,
    place: Int64Array,
    changed: Int64Array,
    blocks: Blocks,
    state: Int64Array,
) -> None:
    """Make a place for each fact where its `SEEN` belongs; `place[i]` is that of its actor in `changed`.

    `changed` falls to the first entry of its actor to be run.
    """
    for i in range(row.size):
        first = blocks.first[group[i]]
        at = first + blocks.size[group[i]]
        while at > first and state[at - 1, SEEN] > seen[i]:
            state[at, ROW], state[at, SEEN] = state[at - 1, ROW], state[at - 1, SEEN]
            at -= 1
        state[at, ROW], state[at, SEEN] = row[i], seen[i]
        blocks.size[group[i]] += 1
        changed[place[i]] = min(changed[place[i]], at - first)


@kernel
def entries_since(touched: Int64Array, since: Int64Array, blocks: Blocks, out: Int64Array) -> None:
    """Fill `out` with the entries of `touched[i]` from its entry `since[i]` on, one actor after the other."""
    k = 0
    for i in range(touched.size):
        first = blocks.first[touched[i]]
        for j in range(first + since[i], first + blocks.size[touched[i]]):
            out[k] = j
            k += 1


@kernel
def relocate(full: Int64Array, wanted: Int64Array, used: int, blocks: Blocks, entries: Entries) -> int:
    """Move full actors' entries behind `used`, each with the room it wants; return what is used then."""
    for i in range(full.size):
        g = full[i]
        old, size = blocks.first[g], blocks.size[g]
        entries.state[used : used + size] = entries.state[old : old + size]
        entries.faded[used : used + size] = entries.faded[old : old + size]
        blocks.first[g], blocks.room[g] = used, wanted[i]
        used += wanted[i]
    return used
