"""Entries: the rows of a tape and the loops that write them, from a whole log or event by event."""

from typing import NamedTuple

import numpy as np

from .instants import MINUTE, NEVER
from .kernel import Float64Array, Int8Array, Int32Array, Int64Array, kernel

LAST, FIRST, WORD, COPY, MARK, QUANTITY = range(6)
"""What a running column keeps: the latest or earliest time of a mark, the latest word, each entry's own word,
the sum of a mark, the sum of a quantity in thousandths."""

LONG = MINUTE
"""A fact seen longer than this after it happened came late: windows look for those one by one."""


class Program(NamedTuple):
    """A spec as arrays: what each column of the state keeps, and of which bit or column of the news."""

    kind: Int64Array
    source: Int64Array
    total: Int64Array
    """For an edge the column of its mark's running sum, which tells each entry's mark."""
    fade_kind: Int64Array
    fade_source: Int64Array
    fade_half: Int64Array
    """Which of `rates` a fading sum has."""
    rates: Float64Array
    """Half-lives per microsecond."""


class News(NamedTuple):
    """Facts as the loops read them."""

    group: Int64Array
    time: Int64Array
    seen: Int64Array
    bits: Int64Array
    sign: Int8Array
    thousandths: Int64Array
    """(facts, quantities that the spec asks for)"""
    words: Int64Array
    """(facts, words that the spec asks for)"""


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

    row: Int32Array
    """The fact of each entry."""
    seen: Int64Array
    time: Int64Array
    late: Int32Array
    """The actor's latest entry, up to and with this one, that was seen LONG after it happened; -1 none."""
    state: Int64Array
    faded: Float64Array
    """Fading sums as of `seen`."""


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
    for i in range(group.size):
        if group[i] >= 0:
            blocks.room[group[i]] += 1
    first = 0
    for g in range(blocks.first.size):
        blocks.first[g] = first
        first += blocks.room[g]
    return first


@kernel
def place_all(news: News, order: Int64Array, base: int, blocks: Blocks, entries: Entries) -> None:
    """Counting sort: put each fact behind the earlier ones of its actor; an empty `order`: as they stand."""
    for i in range(news.group.size):
        row = order[i] if order.size else i
        g = news.group[row]
        if g >= 0:
            at = blocks.first[g] + blocks.size[g]
            entries.row[at] = base + row
            entries.seen[at] = news.seen[row]
            entries.time[at] = news.time[row]
            blocks.size[g] += 1


@kernel
def relocate(full: Int64Array, wanted: Int64Array, used: int, blocks: Blocks, entries: Entries) -> int:
    """Move full actors' entries behind `used`, each with the room it wants; return what is used then."""
    for i in range(full.size):
        g = full[i]
        for j in range(blocks.size[g]):
            old, new = blocks.first[g] + j, used + j
            entries.row[new] = entries.row[old]
            entries.seen[new] = entries.seen[old]
            entries.time[new] = entries.time[old]
            entries.late[new] = entries.late[old]
            for c in range(entries.state.shape[1]):
                entries.state[new, c] = entries.state[old, c]
            for c in range(entries.faded.shape[1]):
                entries.faded[new, c] = entries.faded[old, c]
        blocks.first[g], blocks.room[g] = used, wanted[i]
        used += wanted[i]
    return used


@kernel
def place_behind(
    news: News, touched: Int64Array, changed: Int64Array, base: int, blocks: Blocks, entries: Entries
) -> int:
    """Put each fact where its `seen` belongs; `changed` falls to the first entry that isn't what it was.

    Returns the oldest fact whose entry moved, `base` if none did.
    """
    oldest = base
    for i in range(news.group.size):
        g = news.group[i]
        if g < 0:
            continue
        first = blocks.first[g]
        at = first + blocks.size[g]
        while at > first and entries.seen[at - 1] > news.seen[i]:
            entries.row[at] = entries.row[at - 1]
            entries.seen[at] = entries.seen[at - 1]
            entries.time[at] = entries.time[at - 1]
            oldest = min(oldest, entries.row[at])
            at -= 1
        entries.row[at] = base + i
        entries.seen[at] = news.seen[i]
        entries.time[at] = news.time[i]
        blocks.size[g] += 1
        place = np.searchsorted(touched, g)
        changed[place] = min(changed[place], at - first)
    return oldest


@kernel
def run(
    touched: Int64Array,
    since: Int64Array,
    base: int,
    news: News,
    program: Program,
    blocks: Blocks,
    entries: Entries,
) -> None:
    """Write the state of `touched[i]` from its entry `since[i]` on; the news begins with fact `base`."""
    for i in range(touched.size):
        g = touched[i]
        first = blocks.first[g]
        for j in range(first + since[i], first + blocks.size[g]):
            row = entries.row[j] - base
            delay = entries.seen[j] - entries.time[j]
            before = entries.late[j - 1] if j > first else -1
            entries.late[j] = j - first if delay > LONG else before
            blocks.worst[g] = max(blocks.worst[g], delay)
            if news.sign[row] < 0:
                blocks.taken_back[g] += 1
            _run_state(first, j, row, news, program, entries)
            if program.fade_kind.size:
                _run_faded(first, j, row, news, program, entries)


@kernel
def _run_state(first: int, j: int, row: int, news: News, program: Program, entries: Entries) -> None:
    state, sign, bits = entries.state, news.sign[row], news.bits[row]
    for c in range(program.kind.size):
        kind, source = program.kind[c], program.source[c]
        if kind == COPY:
            state[j, c] = news.words[row, source]
        elif kind in (MARK, QUANTITY):
            before = state[j - 1, c] if j > first else 0
            if kind == QUANTITY:
                state[j, c] = before + sign * news.thousandths[row, source]
            else:
                state[j, c] = before + (sign if bits & source else 0)
        elif kind == WORD:
            said = news.words[row, source]
            before = state[j - 1, c] if j > first else -1
            state[j, c] = said if said != -1 and sign > 0 else before
        else:
            nowhere = NEVER if kind == FIRST else -NEVER
            before = state[j - 1, c] if j > first else nowhere
            state[j, c] = before
            if bits & source and sign > 0:
                time = entries.time[j]
                state[j, c] = max(before, time) if kind == LAST else min(before, time)
            elif bits & source and before == entries.time[j]:
                state[j, c] = _edge_again(first, j, kind, program.total[c], entries)


@kernel
def _edge_again(first: int, last: int, kind: int, total: int, entries: Entries) -> int:
    """The edge of what stands as of an entry that took its predecessor back."""
    found = NEVER if kind == FIRST else -NEVER
    for j in range(last, first - 1, -1):
        time = entries.time[j]
        if (time > found if kind == LAST else time < found) and standing(
            first, last, time, total, entries
        ) > 0:
            found = time
    return found


@kernel
def standing(first: int, last: int, time: int, total: int, entries: Entries) -> int:
    """How many facts of an instant bear a mark, less those taken back, as of an entry."""
    count = 0
    for j in range(first, last + 1):
        if entries.time[j] == time:
            count += entries.state[j, total] - (entries.state[j - 1, total] if j > first else 0)
    return count


@kernel
def _run_faded(first: int, j: int, row: int, news: News, program: Program, entries: Entries) -> None:
    faded = entries.faded
    passed = entries.seen[j] - entries.seen[j - 1] if j > first else 0
    delay = entries.seen[j] - entries.time[j]
    half, fading, fresh = -1, 1.0, 1.0
    for c in range(program.fade_kind.size):
        if program.fade_half[c] != half:
            half = program.fade_half[c]
            rate = program.rates[half]
            fading = 2.0 ** (-passed * rate) if passed > 0 else 1.0
            fresh = 2.0 ** (-delay * rate) if delay > 0 else 1.0
        source = program.fade_source[c]
        if program.fade_kind[c] == QUANTITY:
            weight = float(news.sign[row] * news.thousandths[row, source])
        else:
            weight = float(news.sign[row]) if news.bits[row] & source else 0.0
        before = faded[j - 1, c] * fading if j > first else 0.0
        faded[j, c] = before + weight * fresh if weight != 0.0 else before
