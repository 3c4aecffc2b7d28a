"""Distinct: how many different words a trailing window's facts name."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ..asked import Asked
from ..entries import TIME
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
    for i in range(first.size):
        found = 0
        for j in range(first[i], end[i]):
            if state[j, word] >= 0 and is_first(first[i], j, end[i], at[i] - within, word, mark, state):
                found += 1
        out[i] = found


@kernel
def is_first(first: int, j: int, end: int, since: int, word: int, mark: int, state: Int64Array) -> bool:
    """Whether entry `j` is its word's first since an instant, and the word's facts bear the mark."""
    total = 0
    for k in range(first, end):
        if state[k, word] == state[j, word] and state[k, TIME] >= since:
            if k < j:
                return False
            total += own(k, first, mark, state)
    return total > 0 and state[j, TIME] >= since


KINDS = (Distinct,)
