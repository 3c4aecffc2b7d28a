"""Entries: the rows of a tape and the loops that write them, from a whole log or event by event.

An entry is one row of int64: its fact's row, `seen`, `time`, the late one before it, then the running state;
its fading sums stand beside it. What news add is first written into the entries, then run through each actor.
"""

from typing import NamedTuple

import numpy as np

from .instants import MINUTE, NEVER
from .kernel import Float64Array, Int64Array, kernel, part

ROW, SEEN, TIME, LATE, HEAD = range(5)
"""The first columns of an entry; `LATE` is the actor's latest entry, up to and with this one, that was seen
LONG after it happened (counted from the actor's first, -1 none). From `HEAD` on stands the state."""

SUMS, LASTS, FIRSTS, WORDS, COPIES = range(5)
"""The sections of the state: running sums, latest and earliest times of a mark, latest words, own words."""

LONG = MINUTE
"""A fact seen longer than this after it happened came late: windows look for those one by one."""


class Program(NamedTuple):
    """A spec as arrays: where each section of the state begins, what makes each column, and how sums fade."""

    begins: Int64Array
    """The first column of each section, and the width."""
    source: Int64Array
    """For each column the bit of its mark, or a column of the news: -1 - the column of a quantity."""
    total: Int64Array
    """For an edge's column that of its mark's sum."""
    fade_source: Int64Array
    """The same for each fading sum."""
    fade_half: Int64Array
    """Which of `rates` it has."""
    rates: Float64Array
    """Half-lives per microsecond."""


class News(NamedTuple):
    """Facts as the loops read them."""

    group: Int64Array
    seen: Int64Array
    time: Int64Array
    bits: Int64Array
    """The marks; negative where a fact takes one back."""
    thousandths: Int64Array
    """(facts, quantities of the spec)"""
    words: Int64Array
    """(facts, words and copies of the spec)"""


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
def place_all(news: News, rows: Int64Array, program: Program, blocks: Blocks, entries: Entries) -> None:
    """Counting sort: note each fact, `rows[i]` of all, behind the earlier ones of its actor."""
    group, seen, time, bits, thousandths, words = news
    first, size, state, faded = blocks.first, blocks.size, entries.state, entries.faded
    begins, source, fade_source = program.begins, program.source, program.fade_source
    for i in range(group.size):
        g = group[i]
        if g >= 0:
            j = first[g] + size[g]
            size[g] += 1
            state[j, ROW], state[j, SEEN], state[j, TIME] = rows[i], seen[i], time[i]
            note(j, i, bits[i], thousandths, words, begins, source, state)
            note_faded(j, i, bits[i], thousandths, fade_source, faded)


@part
def note(
    j: int,
    row: int,
    signed: int,
    thousandths: Int64Array,
    words: Int64Array,
    begins: Int64Array,
    source: Int64Array,
    state: Int64Array,
) -> None:
    """Write into entry `j` what a fact adds to the state; a fact that takes back adds no edge and no word."""
    sign = 1 if signed >= 0 else -1
    bits = signed * sign
    for c in range(begins[SUMS], begins[LASTS]):
        s = source[c]
        state[j, c] = sign * thousandths[row, -1 - s] if s < 0 else sign if bits & s else 0
    for c in range(begins[LASTS], begins[FIRSTS]):
        state[j, c] = state[j, TIME] if bits & source[c] and sign > 0 else -NEVER
    for c in range(begins[FIRSTS], begins[WORDS]):
        state[j, c] = state[j, TIME] if bits & source[c] and sign > 0 else NEVER
    for c in range(begins[WORDS], begins[COPIES]):
        state[j, c] = words[row, source[c]] if sign > 0 else -1
    for c in range(begins[COPIES], state.shape[1]):
        state[j, c] = words[row, source[c]]


@part
def note_faded(
    j: int, row: int, signed: int, thousandths: Int64Array, source: Int64Array, faded: Float64Array
) -> None:
    """Write into entry `j` what a fact adds to the fading sums."""
    sign = 1 if signed >= 0 else -1
    bits = signed * sign
    for c in range(source.size):
        s = source[c]
        faded[j, c] = sign * thousandths[row, -1 - s] if s < 0 else sign if bits & s else 0


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
    touched: Int64Array,
    since: Int64Array,
    base: int,
    news: News,
    program: Program,
    blocks: Blocks,
    entries: Entries,
) -> None:
    """Note the facts of `touched[i]` from its entry `since[i]` on; the news begins with fact `base`."""
    _, _, time, bits, thousandths, words = news
    state, faded = entries
    for i in range(touched.size):
        first = blocks.first[touched[i]]
        for j in range(first + since[i], first + blocks.size[touched[i]]):
            row = state[j, ROW] - base
            state[j, TIME] = time[row]
            note(j, row, bits[row], thousandths, words, program.begins, program.source, state)
            note_faded(j, row, bits[row], thousandths, program.fade_source, faded)


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
    begins, halves, rates = program.begins, program.fade_half, program.rates
    state, faded = entries
    for i in range(touched.size):
        g = touched[i]
        first, worst, taken_back = blocks.first[g], blocks.worst[g], blocks.taken_back[g]
        for j in range(first + since[i], first + blocks.size[g]):
            delay = state[j, SEEN] - state[j, TIME]
            worst = max(worst, delay)
            state[j, LATE] = j - first if delay > LONG else state[j - 1, LATE] if j > first else -1
            taken_back += takes_back(j, begins, state)
            if j > first:
                run_state(j, begins, state)
            run_faded(j, j > first, delay, halves, rates, state, faded)
        blocks.worst[g], blocks.taken_back[g] = worst, taken_back


@part
def takes_back(j: int, begins: Int64Array, state: Int64Array) -> int:
    """1 if what was noted in an entry lowers any sum, else 0."""
    lowers = 0
    for c in range(begins[SUMS], begins[LASTS]):
        if state[j, c] < 0:
            lowers = 1
    return lowers


@part
def run_state(j: int, begins: Int64Array, state: Int64Array) -> None:
    """Carry the state of the entry before into what was noted in entry `j`."""
    for c in range(begins[SUMS], begins[LASTS]):
        state[j, c] += state[j - 1, c]
    for c in range(begins[LASTS], begins[FIRSTS]):
        state[j, c] = max(state[j - 1, c], state[j, c])
    for c in range(begins[FIRSTS], begins[WORDS]):
        state[j, c] = min(state[j - 1, c], state[j, c])
    for c in range(begins[WORDS], begins[COPIES]):
        if state[j, c] == -1:
            state[j, c] = state[j - 1, c]


@part
def run_faded(
    j: int,
    follows: bool,
    delay: int,
    halves: Int64Array,
    rates: Float64Array,
    state: Int64Array,
    faded: Float64Array,
) -> None:
    """Make fading sums of what was noted: one halving per half-life passed, late facts at their true age."""
    passed = state[j, SEEN] - state[j - 1, SEEN] if follows else 0
    fading = fresh = 1.0
    for c in range(halves.size):
        if c == 0 or halves[c] != halves[c - 1]:
            fading = 2.0 ** (-passed * rates[halves[c]])
            fresh = 2.0 ** (-delay * rates[halves[c]]) if delay > 0 else 1.0
        faded[j, c] = faded[j, c] * fresh + (faded[j - 1, c] * fading if follows else 0.0)


@kernel
def run_edges_again(
    touched: Int64Array, since: Int64Array, program: Program, blocks: Blocks, entries: Entries
) -> None:
    """Work out anew the edges of actors of whom a fact was taken back, from their entry `since[i]` on."""
    begins, total = program.begins, program.total
    state = entries.state
    for i in range(touched.size):
        first = blocks.first[touched[i]]
        for j in range(first + since[i], first + blocks.size[touched[i]]):
            for c in range(begins[LASTS], begins[WORDS]):
                latest, time = c < begins[FIRSTS], state[j, TIME]
                before = state[j - 1, c] if j > first else -NEVER if latest else NEVER
                marked = state[j, total[c]] - (state[j - 1, total[c]] if j > first else 0)
                if marked > 0:
                    state[j, c] = max(before, time) if latest else min(before, time)
                elif marked < 0 and before == time:
                    state[j, c] = edge_again(first, j, latest, total[c], state)
                else:
                    state[j, c] = before


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
