"""Running: the notes about each actor become its running state, one entry after the other."""

import numpy as np

from .entries import (
    AMOUNTS,
    BITS,
    COPIES,
    END,
    FIRSTS,
    HEAD,
    LASTS,
    LATE,
    LONG,
    MARKED,
    NOTHING,
    ROW,
    SEEN,
    TIME,
    WORDS,
    Blocks,
    Entries,
    Program,
)
from .instants import NEVER
from .kernel import Float64Array, Int64Array, kernel, part


@kernel
def run(
    touched: Int64Array,
    since: Int64Array,
    notes: Int64Array,
    program: Program,
    blocks: Blocks,
    entries: Entries,
) -> None:
    """Make running state of the notes about `touched[i]`, of which the first becomes its entry `since[i]`."""
    state, n = entries.state, np.uint64(0)
    for i in range(touched.size):
        g = touched[i]
        first, worst, taken_back = blocks.first[g], blocks.worst[g], blocks.taken_back[g]
        last = np.uint64(first + since[i] - 1 if since[i] > 0 else NOTHING)
        before = state[last, SEEN] if since[i] > 0 else notes[n, SEEN]
        for j in range(first + since[i], first + blocks.size[g]):
            entry, seen, delay = np.uint64(j), notes[n, SEEN], notes[n, SEEN] - notes[n, TIME]
            worst, taken_back = max(worst, delay), taken_back | (notes[n, BITS] < 0)
            state[entry, LATE] = j - first if delay > LONG else state[last, LATE]
            run_entry(entry, last, n, notes, program, state)
            run_faded(entry, last, n, seen - before, delay, notes, program, entries.faded)
            before, last = seen, entry
            n += np.uint64(1)
        blocks.worst[g], blocks.taken_back[g] = worst, taken_back


@part
def run_entry(
    entry: np.uint64, last: np.uint64, n: np.uint64, notes: Int64Array, program: Program, state: Int64Array
) -> None:
    """Write an entry, the one after `last`, by note `n`: all but `LATE` and what fades."""
    begins, source, bits, time = program.begins, program.source, notes[n, BITS], notes[n, TIME]
    sign, marks = (1, bits) if bits >= 0 else (-1, ~bits)
    state[entry, ROW], state[entry, SEEN], state[entry, TIME] = notes[n, ROW], notes[n, SEEN], time
    for c in range(begins[MARKED], begins[AMOUNTS]):
        state[entry, c] = state[last, c] + (sign if marks & source[c] else 0)
    noted = HEAD
    for c in range(begins[AMOUNTS], begins[LASTS]):
        state[entry, c] = state[last, c] + sign * notes[n, noted]
        noted += 1
    for c in range(begins[LASTS], begins[WORDS]):
        held = state[last, c]
        better = time > held if c < begins[FIRSTS] else time < held
        state[entry, c] = time if better and sign > 0 and marks & source[c] else held
    for c in range(begins[WORDS], begins[COPIES]):
        known = notes[n, noted] != -1 and sign > 0
        state[entry, c] = notes[n, noted] if known else state[last, c]
        noted += 1
    for c in range(begins[COPIES], begins[END]):
        state[entry, c] = notes[n, noted]
        noted += 1


@part
def run_faded(
    entry: np.uint64,
    last: np.uint64,
    n: np.uint64,
    passed: int,
    delay: int,
    notes: Int64Array,
    program: Program,
    faded: Float64Array,
) -> None:
    """Carry on the fading sums: one halving per half-life passed, late facts at their true age."""
    sign, marks = (1, notes[n, BITS]) if notes[n, BITS] >= 0 else (-1, ~notes[n, BITS])
    half, fading, fresh = -1, 1.0, 1.0
    for c in range(program.fade_source.size):
        source = program.fade_source[c]
        if program.fade_half[c] != half:
            half = program.fade_half[c]
            fading = 2.0 ** (-passed * program.rates[half])
            fresh = 2.0 ** (-delay * program.rates[half]) if delay > 0 else 1.0
        amount = sign * (notes[n, -source] if source < 0 else 1 if marks & source else 0)
        faded[entry, c] = amount * fresh + faded[last, c] * fading


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
