"""Notes: what each fact says by itself, one row of int64, sorted by actor and since when they are seen.

A note begins with the head of an entry, but for the marks of its fact in place of the last column; then come
the quantities of a spec in thousandths, its words and its copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .asked import Asked, count_rows
from .entries import BITS, HEAD, ROW, SEEN, TIME, is_ascending
from .facts import Facts
from .kernel import Float64Array, Int8Array, Int64Array, kernel, own, plain
from .prefetch import prefetch
from .spec import Spec

THOUSANDTH = 1000.0

AHEAD = 32
"""So many notes ahead the place of one is called into the cache."""

STRETCH = 32_768
"""So many facts are noted at a time: they stay in the cache."""


class Told(Protocol):
    """Facts as a tape follows them."""

    def __len__(self) -> int:
        """How many there are."""

    def seen(self, rows: slice) -> Int64Array:
        """Since when a moment sees them."""

    def groups(self, rows: slice) -> Int64Array:
        """The actor of each, -1 for none."""

    def notes(self, rows: slice | Int64Array, spec: Spec) -> Int64Array:
        """What they say of a spec's columns."""


@dataclass(frozen=True)
class Notes:
    """All notes of one kind of actor: those of the i-th are `start[i + 1]` to `start[i + 2]`."""

    rows: Int64Array
    start: Int64Array
    """As of moments asked: in front stand those that name nobody."""

    def of(self, first: int, end: int) -> Int64Array:
        """The notes of some of the actors."""
        return self.rows[self.start[first + 1] : self.start[end + 1]]

    def sizes(self, first: int, end: int) -> Int64Array:
        """How many each of them has."""
        return np.diff(self.start[first + 1 : end + 2])

    def as_asked(self) -> Asked:
        """The instants themselves as moments: each fact sees those before it."""
        return Asked(self.rows[:, ROW], self.rows[:, SEEN], self.start)


def sorted_notes(told: Told, spec: Spec, groups: int) -> Notes:
    """All facts' notes by actor: a counting sort of facts in the order in which they can be seen."""
    everything = slice(0, len(told))
    group, seen = told.groups(everything), told.seen(everything)
    order = None if is_ascending(seen) else np.argsort(seen, kind="stable")
    start = np.zeros(groups + 3, np.int64)
    count_rows(group, start)
    free, rows = start.copy(), np.empty((seen.size, width_of(spec)), np.int64)
    for begin in range(0, seen.size, STRETCH):
        some = (
            slice(begin, min(begin + STRETCH, seen.size)) if order is None else order[begin : begin + STRETCH]
        )
        place(group[some], told.notes(some, spec), free, rows)
    return Notes(rows, start)


def width_of(spec: Spec) -> int:
    """The columns of a note."""
    return HEAD + len(spec.quantities) + len(spec.words) + len(spec.copies)


@kernel
def place(group: Int64Array, notes: Int64Array, free: Int64Array, out: Int64Array) -> None:
    """Write each note into the next free row of its actor."""
    groups, width = free.size - 3, notes.shape[1]
    for i in range(group.size):
        if i + AHEAD < group.size:
            soon = free[min(group[i + AHEAD], groups) + 1]
            prefetch(out, soon, 0)
            prefetch(out, soon, width - 1)
        g = np.uint64(min(group[i], groups) + 1)
        row = np.uint64(free[g])
        for c in range(width):
            out[row, c] = notes[i, c]
        free[g] += 1


def notes_of(
    facts: Facts, rows: slice | Int64Array, spec: Spec, words: Mapping[str, Int64Array]
) -> Int64Array:
    """The notes of some facts; `words` holds what isn't the facts' own."""
    bits, sign = facts.bits[rows], facts.sign[rows]
    notes = np.empty((bits.size, width_of(spec)), np.int64)
    row = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    note_heads(row, plain(facts.seen[rows]), plain(facts.time[rows]), plain(bits), own(sign), notes)
    place = HEAD
    for name in spec.quantities:
        amounts = facts.quantities[name][rows] if name in facts.quantities else np.zeros(bits.size)
        note_amounts(np.require(amounts, np.float64, ("C", "W")), place, notes)
        place += 1
    for name in (*spec.words, *spec.copies):
        of_facts = facts.words[name][rows] if name in facts.words else -1
        notes[:, place] = words.get(name, of_facts)
        place += 1
    return notes


@kernel
def note_heads(
    row: Int64Array, seen: Int64Array, time: Int64Array, bits: Int64Array, sign: Int8Array, out: Int64Array
) -> None:
    """Fill the head of each note."""
    for i in range(row.size):
        out[i, ROW], out[i, SEEN], out[i, TIME] = row[i], seen[i], time[i]
        out[i, BITS] = bits[i] if sign[i] > 0 else ~bits[i]


@kernel
def note_amounts(amounts: Float64Array, place: int, out: Int64Array) -> None:
    """Fill a column with the amounts in whole thousandths; NaN counts as none."""
    for i in range(amounts.size):
        some = not np.isnan(amounts[i])
        out[i, place] = np.int64(np.rint(amounts[i] * THOUSANDTH)) if some else 0
