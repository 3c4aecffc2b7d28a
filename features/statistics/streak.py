"""Streak and Run: how many of an actor's calls came after the last one of a kind."""

from dataclasses import dataclass
from typing import ClassVar

from ..asked import Asked
from ..entries import SEEN, TIME, advance
from ..instants import NEVER
from ..kernel import Float32Array, Int64Array, kernel
from ..past import By, Past
from ..scan import Seen, blank_nobody, own, seen_by, standing
from ..tape import Tape

_NONE = -1


@dataclass(frozen=True)
class Streak:
    """Facts marked `per` since the last one marked `of`, all of them if none was; NaN where nobody is named.

    The order is that of the events: what happened together with the last one doesn't count.
    """

    name: str
    by: By
    of: str = "answered"
    per: str = "calls"
    asks: ClassVar[str] = "{per} since {of}"
    categorical: ClassVar[bool] = False
    copies: ClassVar[tuple[str, ...]] = ()

    @property
    def sums(self) -> tuple[str, ...]:
        """Both marks."""
        return (self.of, self.per)

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write the counts."""
        of, per = tape.spec.column(self.of), tape.spec.column(self.per)
        count_since(seen_by(tape, asked, ends), tape.entries.state, of, _NONE, per, out)
        blank_nobody(asked, out)


@dataclass(frozen=True)
class Run:
    """How many facts marked `per` in a row, up to the last one, bear `of` as well; NaN where nobody is named.

    `of` must be a mark that the same fact bears, as `no_answer` of a call: its disposition comes on its own.
    """

    name: str
    by: By
    of: str
    per: str = "calls"
    asks: ClassVar[str] = "{per} in a row with {of}"
    categorical: ClassVar[bool] = False
    copies: ClassVar[tuple[str, ...]] = ()

    @property
    def sums(self) -> tuple[str, ...]:
        """Both marks."""
        return (self.of, self.per)

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write the counts: the row is broken by an instant with more `per` than `of`."""
        of, per = tape.spec.column(self.of), tape.spec.column(self.per)
        count_since(seen_by(tape, asked, ends), tape.entries.state, per, of, of, out)
        blank_nobody(asked, out)


@kernel
def count_since(
    seen: Seen, state: Int64Array, breaks: int, spares: int, counted: int, out: Float32Array
) -> None:
    """Sum `counted` over the facts later than the last instant at which `breaks` less `spares` stand."""
    first, end, _ = seen
    for i in range(first.size):
        since = last_break(first[i], end[i], breaks, spares, state)
        total = 0
        for j in range(advance(state, first[i], end[i], since), end[i]):
            if state[j, TIME] > since:
                total += own(j, first[i], counted, state)
        out[i] = total


@kernel
def last_break(first: int, end: int, breaks: int, spares: int, state: Int64Array) -> int:
    """The latest instant at which `breaks` less `spares` (-1: nothing) stand; -NEVER if there is none."""
    found = -NEVER
    for j in range(end - 1, first - 1, -1):
        time = state[j, TIME]
        if state[j, SEEN] <= found:
            break  # all that was seen until then had happened
        if time <= found or own(j, first, breaks, state) <= 0:
            continue
        net = standing(first, end, time, breaks, state)
        if spares >= 0 and net > 0:
            net -= standing(first, end, time, spares, state)
        if net > 0:
            found = time
    return found


KINDS = (Streak, Run)
