"""Scan: what the loops share that look at every entry of its actor which a moment sees."""

from typing import NamedTuple

import numpy as np

from .asked import Asked
from .entries import TIME, advance
from .instants import NEVER
from .kernel import Float32Array, Int64Array, kernel
from .tape import Tape


class Seen(NamedTuple):
    """For each moment asked the entries [`first`, `end`) that it sees, in the order in which it came to."""

    first: Int64Array
    end: Int64Array
    at: Int64Array


def seen_by(tape: Tape, asked: Asked, ends: Int64Array) -> Seen:
    """The entries of each moment; none for nobody, and none for an actor without a place on the tape."""
    first, placed = ends.copy(), slice(asked.start[1], asked.start[-2])
    first[placed] = np.repeat(tape.blocks.first, np.diff(asked.start[1:-1]))
    return Seen(first, ends, asked.at)


def actors_asked(asked: Asked) -> Int64Array:
    """The actor of each moment asked; -1 for nobody."""
    actors = asked.first + np.arange(-1, asked.start.size - 2)
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
    for j in range(advance(state, first, end, time), end):
        if state[j, TIME] == time:
            total += own(j, first, column, state)
    return total


@kernel
def first_standing(first: int, end: int, column: int, state: Int64Array) -> int:
    """The earliest instant at which a mark stands; NEVER if it stands at none."""
    found = NEVER
    for j in range(first, end):
        time = state[j, TIME]
        if time < found and own(j, first, column, state) > 0:  # noqa: SIM102 -- the second question is dear
            if standing(first, end, time, column, state) > 0:
                found = time
    return found
