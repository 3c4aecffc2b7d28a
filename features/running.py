"""Running: what was noted in the entries of each actor becomes its running state."""

import numpy as np

from .entries import (
    BLOCK,
    COPIES,
    FIRSTS,
    LASTS,
    LATE,
    LONG,
    NOTHING,
    SEEN,
    SUMS,
    TIME,
    WORDS,
    Blocks,
    Entries,
    Program,
    Running,
)
from .instants import NEVER
from .kernel import Float64Array, Int64Array, kernel, part


@kernel
def run(touched: Int64Array, since: Int64Array, program: Program, blocks: Blocks, entries: Entries) -> None:
    """Make running state of what was noted for `touched[i]` from its entry `since[i]` on."""
    state = entries.state
    running = Running(np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64))
    entry, before, bits = running
    filled = 0
    for i in range(touched.size):
        g = touched[i]
        first, worst, taken_back = blocks.first[g], blocks.worst[g], blocks.taken_back[g]
        last = first + since[i] - 1 if since[i] > 0 else NOTHING
        for j in range(first + since[i], first + blocks.size[g]):
            entry[filled], before[filled], bits[filled] = j, last, state[j, LATE]
            delay = state[j, SEEN] - state[j, TIME]
            worst, taken_back = max(worst, delay), taken_back | (state[j, LATE] < 0)
            state[j, LATE] = j - first if delay > LONG else state[last, LATE]
            last = j
            filled += 1
            if filled == BLOCK:
                run_block(filled, running, program, entries)
                filled = 0
        blocks.worst[g], blocks.taken_back[g] = worst, taken_back
    run_block(filled, running, program, entries)


@kernel
def run_block(count: int, running: Running, program: Program, entries: Entries) -> None:
    """Run the columns of a block, the fading sums first: they need the amounts as they were noted."""
    entry, before, bits = running
    begins, source = program.begins, program.source
    state, faded = entries
    if program.fade_source.size > 0:
        run_faded(count, running, program, state, faded)
    for c in range(begins[SUMS], begins[LASTS]):
        run_sum(count, entry, before, bits, source[c], state[:, c])
    for c in range(begins[LASTS], begins[WORDS]):
        run_edge(count, entry, before, bits, source[c], c < begins[FIRSTS], c, state)
    for c in range(begins[WORDS], begins[COPIES]):
        for k in range(count):
            if state[entry[k], c] == -1 or bits[k] < 0:
                state[entry[k], c] = state[before[k], c]


@part
def signed(bits: int, mark: int) -> int:
    """1 if a fact bears a mark, -1 if it is one taken back that did, else 0."""
    return (1 if bits & mark else 0) if bits >= 0 else (0 if bits & mark else -1)


@part
def run_sum(
    count: int, entry: Int64Array, before: Int64Array, bits: Int64Array, mark: int, column: Int64Array
) -> None:
    """Add up a column: of a mark, or (`mark` 0) of the amounts noted in it."""
    if mark == 0:
        for k in range(count):
            column[entry[k]] += column[before[k]]
    else:
        for k in range(count):
            column[entry[k]] = column[before[k]] + signed(bits[k], mark)


@part
def run_edge(
    count: int,
    entry: Int64Array,
    before: Int64Array,
    bits: Int64Array,
    mark: int,
    latest: bool,
    c: int,
    state: Int64Array,
) -> None:
    """Carry on the latest (or earliest) time of a mark."""
    for k in range(count):
        held, time = state[before[k], c], state[entry[k], TIME]
        better = time > held if latest else time < held
        state[entry[k], c] = time if better and signed(bits[k], mark) > 0 else held


@kernel
def run_faded(count: int, running: Running, program: Program, state: Int64Array, faded: Float64Array) -> None:
    """Carry on the fading sums: one halving per half-life passed, late facts at their true age."""
    entry, before, bits = running
    fading, fresh = np.empty(count), np.empty(count)
    for c in range(program.fade_source.size):
        half, s = program.fade_half[c], program.fade_source[c]
        if c == 0 or half != program.fade_half[c - 1]:
            fade(count, entry, before, program.rates[half], state, fading, fresh)
        for k in range(count):
            own = state[entry[k], -s] if s < 0 else signed(bits[k], s)
            faded[entry[k], c] = own * fresh[k] + faded[before[k], c] * fading[k]


@part
def fade(
    count: int,
    entry: Int64Array,
    before: Int64Array,
    rate: float,
    state: Int64Array,
    fading: Float64Array,
    fresh: Float64Array,
) -> None:
    """What is left of the state before each entry, and of its own fact, by the time it was seen."""
    for k in range(count):
        seen = state[entry[k], SEEN]
        delay = seen - state[entry[k], TIME]
        passed = seen - state[before[k], SEEN] if before[k] != NOTHING else 0
        fading[k] = 2.0 ** (-passed * rate)
        fresh[k] = 2.0 ** (-delay * rate) if delay > 0 else 1.0


@kernel
def run_edges_again(
    touched: Int64Array, since: Int64Array, program: Program, blocks: Blocks, state: Int64Array
) -> None:
    """Work out anew the edges of actors of whom a fact was taken back, from their entry `since[i]` on."""
    begins, total = program.begins, program.total
    for i in range(touched.size):
        first = blocks.first[touched[i]]
        for j in range(first + since[i], first + blocks.size[touched[i]]):
            for c in range(begins[LASTS], begins[WORDS]):
                latest, time = c < begins[FIRSTS], state[j, TIME]
                last = j - 1 if j > first else NOTHING
                before, marked = state[last, c], state[j, total[c]] - state[last, total[c]]
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
            count += state[j, total] - state[j - 1 if j > first else NOTHING, total]
    return count
