"""Distinct: how many different words a trailing window's facts name."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..asked import Asked
from ..entries import TIME, advance
from ..kernel import Float32Array, Int64Array, kernel
from ..past import By, Past
from ..scan import Seen, blank_nobody, own, seen_by
from ..tape import Tape


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
    first, end, at = seen
    totals = np.zeros(256, np.int64)
    for i in range(first.size):
        since, found = at[i] - within, 0
        begin = advance(state, first[i], end[i], since)  # what was seen before had happened before
        for j in range(begin, end[i]):
            w = state[j, word]
            if w >= totals.size:
                totals = np.concatenate((totals, np.zeros(w, np.int64)))
            if w >= 0 and state[j, TIME] >= since:
                before = totals[w]
                totals[w] += own(j, first[i], mark, state)
                found += int(totals[w] > 0) - int(before > 0)
        for j in range(begin, end[i]):
            if state[j, word] >= 0:
                totals[state[j, word]] = 0
        out[i] = found


KINDS = (Distinct,)
