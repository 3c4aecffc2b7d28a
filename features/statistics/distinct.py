"""Distinct: how many different words a trailing window's facts name."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..asked import Asked
from ..entries import TIME, advance
from ..kernel import Float32Array, Int64Array, kernel, part
from ..past import By, Past
from ..scan import Seen, blank_nobody, most_seen, own, seen_by
from ..tape import Tape

HAPPENED, WORD, BROUGHT = range(3)
"""What is kept of a fact in the window."""


@dataclass(frozen=True)
class Distinct:
    """How many different agents, hours of the week, days or lines the facts marked `per` name.

    Those in `[at - within, at)`; hours and days are those of the lead's own clock. NaN where nobody is named.
    """

    name: str
    by: By
    within: int
    of: Literal["agent", "week_hour", "day", "line", "script"]
    per: str = "calls"
    asks: ClassVar[str] = "different {of} of {per}"
    categorical: ClassVar[bool] = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The mark."""
        return (self.per,)

    @property
    def copies(self) -> tuple[str, ...]:
        """The word of each fact."""
        return (self.of,)

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write the counts."""
        word, mark = tape.spec.column(self.of), tape.spec.column(self.per)
        count_words(seen_by(tape, asked, ends), tape.entries.state, word, mark, self.within, out)
        blank_nobody(asked, out)


@kernel
def count_words(seen: Seen, state: Int64Array, word: int, mark: int, within: int, out: Float32Array) -> None:
    """Fill `out[i]` with the number of words whose facts in the window bear the mark."""
    start, first, end, at = seen
    totals, window = np.zeros(256, np.int64), np.empty((most_seen(seen), 3), np.int64)
    for g in range(first.size):
        low = high = found = int(np.int64(0))  # a constant would be compiled for itself
        now = first[g]
        for i in range(start[g], start[g + 1]):
            since = at[i] - within
            while low < high and window[low, HAPPENED] < since:
                found += add(window[low, WORD], -window[low, BROUGHT], totals)
                low += 1
            now = advance(state, now, end[i], since)  # what was seen before happened before
            for j in range(now, end[i]):
                brought, named = own(j, first[g], mark, state), state[j, word]
                if brought == 0 or named < 0 or state[j, TIME] < since:
                    continue
                if named >= totals.size:
                    totals = np.concatenate((totals, np.zeros(named, np.int64)))
                found += add(named, brought, totals)
                file(state[j, TIME], named, brought, low, high, window)
                high += 1
            now, out[i] = end[i], found
        for k in range(low, high):
            totals[window[k, WORD]] = 0


@part
def add(word: int, brought: int, totals: Int64Array) -> int:
    """Add to a word's total; return by how many there are then more words."""
    before = totals[word]
    totals[word] += brought
    return int(before + brought > 0) - int(before > 0)


@part
def file(time: int, word: int, brought: int, low: int, high: int, window: Int64Array) -> None:
    """File a fact with those of the window, `low` to `high`, in the order in which they happened."""
    place = high
    while place > low and window[place - 1, HAPPENED] > time:
        window[place] = window[place - 1]
        place -= 1
    window[place, HAPPENED], window[place, WORD], window[place, BROUGHT] = time, word, brought


KINDS = (Distinct,)
