"""Scan: what the loops share that look at every entry of its actor which a moment sees."""

from typing import NamedTuple

import numpy as np

from .asked import Asked
from .entries import NOTHING, SEEN, TIME, advance
from .kernel import Float32Array, Int64Array, kernel
from .tape import Tape


class Seen(NamedTuple):
    """The moments of each actor, and up to where they see its entries, in the order in which it came to.

    Those of the g-th actor are `start[g]` to `start[g + 1]`; neither `at` nor `end` falls among them, so what
    was made of the entries for one moment is carried on to the next. The last actor is all without a place
    on the tape, and sees nothing.
    """

    start: Int64Array
    first: Int64Array
    """The first entry of each actor."""
    end: Int64Array
    """The entry behind the last one that each moment sees."""
    at: Int64Array


def seen_by(tape: Tape, asked: Asked, ends: Int64Array) -> Seen:
    """The moments that name an actor, and what they see."""
    return Seen(asked.start[1:], np.append(tape.blocks.first, NOTHING), ends, asked.at)


@kernel
def most_seen(seen: Seen) -> int:
    """The most entries that any moment sees."""
    most = 0
    for g in range(seen.first.size):
        if seen.start[g] < seen.start[g + 1]:
            most = max(most, seen.end[seen.start[g + 1] - 1] - seen.first[g])
    return most


def actors_asked(asked: Asked) -> Int64Array:
    """The actor of each moment asked; -1 for nobody."""
    actors = asked.first + np.arange(-1, asked.start.size - 2)
    if asked.codes.size:
        actors[1:] = asked.codes
    actors[0] = -1
    return np.repeat(actors, np.diff(asked.start))


def blank_nobody(asked: Asked, out: Float32Array) -> None:
    """Say nothing of moments that ask about nobody."""
    out[: asked.start[1]] = np.nan


@kernel
def own(j: int, first: int, column: int, state: Int64Array) -> int:
    """What entry `j` itself brought to a running sum of its actor, whose entries begin at `first`."""
    before: int = state[j - 1, column] if j > first else 0
    return int(state[j, column] - before)


@kernel
def standing(first: int, end: int, time: int, column: int, state: Int64Array) -> int:
    """What the seen facts of one instant bring to a running sum, less what was taken back of them."""
    total = 0
    for j in range(since(first, end, time, state), end):
        if state[j, TIME] == time:
            total += own(j, first, column, state)
    return total


@kernel
def since(first: int, end: int, time: int, state: Int64Array) -> int:
    """The first of an actor's entries that wasn't seen before an instant; one near the end is found first."""
    low = end
    while low > first and state[low - 1, SEEN] >= time:
        if low <= end - 8:
            return advance(state, first, low, time)
        low -= 1
    return low
