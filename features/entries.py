"""Entries: the rows of a tape and the loops that write them, from a whole log or event by event.

An entry is one row of int64: its fact's row, `seen`, `time`, the late one before it, then the running state;
its fading sums stand beside it. What news add is first written into the entries, then run through each actor.
"""

from typing import NamedTuple

import numpy as np

from .instants import MINUTE, NEVER
from .kernel import Float64Array, Int64Array, kernel

ROW, SEEN, TIME, LATE, HEAD = range(5)
"""The first columns of an entry; `LATE` is the actor's latest entry, up to and with this one, that was seen
LONG after it happened (counted from the actor's first, -1 none). From `HEAD` on stands the state."""

SUMS, LASTS, FIRSTS, WORDS, COPIES = range(5)
"""The sections of the state: running sums, latest and earliest times of a mark, latest words, own words."""

LONG = MINUTE
"""A fact seen longer than this after it happened came late: windows look for those one by one."""

TAKEN_BACK = NEVER - 1
"""In an edge's column: the fact takes one back that bore the mark."""


class Program(NamedTuple):
    """A spec as arrays: where each section of the state begins, and how sums fade."""

    begins: Int64Array
    """The first column of each section, and the width."""
    total: Int64Array
    """For an edge's column that of its mark's sum."""
    fade_half: Int64Array
    """Which of `rates` a fading sum has."""
    rates: Float64Array
    """Half-lives per microsecond."""


class News(NamedTuple):
    """Facts as the loops read them."""

    group: Int64Array
    seen: Int64Array
    time: Int64Array
    adds: Int64Array
    """(facts, width of the state): what each fact brings to it."""
    weights: Float64Array
    """(facts, fading sums): what each fact brings to them."""


class Blocks(NamedTuple):
    """Where each actor's entries lie: `size` of them from `first` on, with `room` for more."""

    first: Int64Array
    size: Int64Array
    room: Int64Array
    worst: Int64Array
    """The longest that any of its facts took to be seen, microseconds."""
    taken_back: Int64Array
    """How many of its facts were taken back."""


class Entries(NamedTuple):
    """The entries of all actors."""

    state: Int64Array
    faded: Float64Array
    """Fading sums as of `SEEN`."""


@kernel
def is_ascending(values: Int64Array) -> bool:
    """Whether no value is smaller than the one before."""
    for i in range(1, values.size):  # noqa: SIM110 -- a generator doesn't compile
        if values[i] < values[i - 1]:
            return False
    return True


@kernel
def lay_out(group: Int64Array, blocks: Blocks) -> int:
    """Give each actor as much room as it has facts, side by side; return how many entries that makes."""
    room, first = blocks.room, blocks.first
    for i in range(group.size):
        if group[i] >= 0:
            room[group[i]] += 1
    used = 0
    for g in range(first.size):
        first[g] = used
        used += room[g]
    return used


@kernel
def place_all(news: News, rows: Int64Array, blocks: Blocks, entries: Entries) -> None:
    """Counting sort: note each fact, `rows[i]` of all, behind the earlier ones of its actor."""
    group, seen, time, adds, weights = news
    first, size, state, faded = blocks.first, blocks.size, entries.state, entries.faded
    for i in range(group.size):
        g = group[i]
        if g >= 0:
            j = first[g] + size[g]
            size[g] += 1
            state[j, ROW], state[j, SEEN], state[j, TIME] = rows[i], seen[i], time[i]
            for c in range(adds.shape[1]):
                state[j, HEAD + c] = adds[i, c]
            for c in range(weights.shape[1]):
                faded[j, c] = weights[i, c]


@kernel
def place_behind(
    group: Int64Array,
    seen: Int64Array,
    touched: Int64Array,
    changed: Int64Array,
    base: int,
    blocks: Blocks,
    entries: Entries,
) -> int:
    """Make a place for each fact where its `SEEN` belongs; `changed` falls to the first entry to be noted.

    Returns the oldest fact whose entry moved, `base` if none did.
    """
    oldest, state = base, entries.state
    for i in range(group.size):
        g = group[i]
        if g < 0:
            continue
        first = blocks.first[g]
        at = first + blocks.size[g]
        while at > first and state[at - 1, SEEN] > seen[i]:
            state[at, ROW], state[at, SEEN] = state[at - 1, ROW], state[at - 1, SEEN]
            oldest = min(oldest, state[at, ROW])
            at -= 1
        state[at, ROW], state[at, SEEN] = base + i, seen[i]
        blocks.size[g] += 1
        place = np.searchsorted(touched, g)
        changed[place] = min(changed[place], at - first)
    return oldest


@kernel
def note_again(
    touched: Int64Array, since: Int64Array, base: int, news: News, blocks: Blocks, entries: Entries
) -> None:
    """Note the facts of `touched[i]` from its entry `since[i]` on; the news begins with fact `base`."""
    state, faded = entries.state, entries.faded
    for i in range(touched.size):
        first = blocks.first[touched[i]]
        for j in range(first + since[i], first + blocks.size[touched[i]]):
            row = state[j, ROW] - base
            state[j, TIME] = news.time[row]
            state[j, HEAD:] = news.adds[row]
            faded[j] = news.weights[row]


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


@kernel
def run(touched: Int64Array, since: Int64Array, program: Program, blocks: Blocks, entries: Entries) -> None:
    """Make running state of what was noted for `touched[i]` from its entry `since[i]` on."""
    state, begins = entries.state, program.begins
    for i in range(touched.size):
        g = touched[i]
        first = blocks.first[g]
        start, end = first + since[i], first + blocks.size[g]
        blocks.worst[g] = max(blocks.worst[g], chain_late(first, start, end, state))
        if start == first:
            start += 1
            blocks.taken_back[g] += takes_back(first, begins[SUMS], begins[LASTS], state)
            hide_taken_back(first, begins[LASTS], begins[FIRSTS], begins[WORDS], state)
        for j in range(start, end):
            blocks.taken_back[g] += takes_back(j, begins[SUMS], begins[LASTS], state)
            for c in range(begins[SUMS], begins[LASTS]):
                state[j, c] += state[j - 1, c]
            for c in range(begins[LASTS], begins[WORDS]):
                run_edge(c, first, j, c < begins[FIRSTS], program.total[c], state)
            for c in range(begins[WORDS], begins[COPIES]):
                if state[j, c] == -1:
                    state[j, c] = state[j - 1, c]


@kernel
def run_faded(
    touched: Int64Array, since: Int64Array, program: Program, blocks: Blocks, entries: Entries
) -> None:
    """Make fading sums of what was noted: one halving per half-life passed, late facts at their true age."""
    state, faded, halves, rates = entries.state, entries.faded, program.fade_half, program.rates
    for i in range(touched.size):
        first = blocks.first[touched[i]]
        for j in range(first + since[i], first + blocks.size[touched[i]]):
            delay = state[j, SEEN] - state[j, TIME]
            passed = state[j, SEEN] - state[j - 1, SEEN] if j > first else 0
            fading = fresh = 1.0
            for c in range(halves.size):
                if c == 0 or halves[c] != halves[c - 1]:
                    fading = 2.0 ** (-passed * rates[halves[c]])
                    fresh = 2.0 ** (-delay * rates[halves[c]]) if delay > 0 else 1.0
                faded[j, c] = faded[j, c] * fresh + (faded[j - 1, c] * fading if j > first else 0.0)


@kernel
def chain_late(first: int, start: int, end: int, state: Int64Array) -> int:
    """Fill `LATE` of entries [start, end); return the longest delay among them."""
    worst = 0
    for j in range(start, end):
        delay = state[j, SEEN] - state[j, TIME]
        worst = max(worst, delay)
        state[j, LATE] = j - first if delay > LONG else state[j - 1, LATE] if j > first else -1
    return worst


@kernel
def takes_back(j: int, low: int, high: int, state: Int64Array) -> int:
    """1 if what was noted in an entry lowers any sum, else 0."""
    for c in range(low, high):
        if state[j, c] < 0:
            return 1
    return 0


@kernel
def hide_taken_back(j: int, low: int, firsts: int, high: int, state: Int64Array) -> None:
    """An actor's first entry can't take anything back."""
    for c in range(low, high):
        if state[j, c] == TAKEN_BACK:
            state[j, c] = -NEVER if c < firsts else NEVER


@kernel
def run_edge(c: int, first: int, j: int, latest: bool, total: int, state: Int64Array) -> None:
    """Carry an edge from entry to entry; one that was taken back is looked for anew."""
    before, noted = state[j - 1, c], state[j, c]
    if noted != TAKEN_BACK:
        state[j, c] = max(before, noted) if latest else min(before, noted)
    elif before != state[j, TIME]:
        state[j, c] = before
    else:
        state[j, c] = edge_again(first, j, latest, total, state)


@kernel
def edge_again(first: int, last: int, latest: bool, total: int, state: Int64Array) -> int:
    """The latest (or earliest) time of a mark that stands as of an entry."""
    found = -NEVER if latest else NEVER
    for j in range(last, first - 1, -1):
        time = state[j, TIME]
        better = time > found if latest else time < found
        if better and standing(first, last, time, total, state) > 0:
            found = time
    return found


@kernel
def standing(first: int, last: int, time: int, total: int, state: Int64Array) -> int:
    """How much of a running sum the facts of an instant bear, less those taken back, as of an entry."""
    count = 0
    for j in range(first, last + 1):
        if state[j, TIME] == time:
            count += state[j, total] - (state[j - 1, total] if j > first else 0)
    return count
