"""Streak and Run: how many of an actor's calls came after the last one of a kind."""

from dataclasses import dataclass
from typing import ClassVar

from ..asked import Asked
from ..entries import SEEN, TIME
from ..instants import NEVER
from ..kernel import Float32Array, Int64Array, kernel, part
from ..past import By, Past
from ..scan import Seen, blank_nobody, own, seen_by, since
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
    start, first, end, _ = seen
    for g in range(first.size):
        now, broken, total = first[g], -NEVER, 0
        for i in range(start[g], start[g + 1]):
            if now == first[g]:
                now, broken = end[i], last_break(first[g], end[i], breaks, spares, state)
                total = count_after(first[g], end[i], broken, counted, state)
            for j in range(now, end[i]):
                if state[j, TIME] < broken:
                    continue
                if tells_otherwise(first[g], j, broken, breaks, spares, state):
                    broken = last_break(first[g], j + 1, breaks, spares, state)
                    total = count_after(first[g], j + 1, broken, counted, state)
                elif state[j, TIME] > broken:
                    total += own(j, first[g], counted, state)
            now, out[i] = end[i], total


@part
def tells_otherwise(first: int, j: int, broken: int, breaks: int, spares: int, state: Int64Array) -> bool:
    """Whether entry `j`, not before the last break, makes another instant the last one."""
    if own(j, first, breaks, state) == 0 and (spares < 0 or own(j, first, spares, state) == 0):
        return False
    stands = net(first, j + 1, state[j, TIME], breaks, spares, state) > 0
    return bool(stands != (state[j, TIME] == broken))


@kernel
def count_after(first: int, end: int, broken: int, counted: int, state: Int64Array) -> int:
    """Sum `counted` over the facts later than an instant."""
    if broken == -NEVER:
        return int(state[end - 1, counted]) if end > first else 0
    total = 0
    for j in range(since(first, end, broken, state), end):
        if state[j, TIME] > broken:
            total += own(j, first, counted, state)
    return total


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
        if net(first, end, time, breaks, spares, state) > 0:
            found = time
    return found


@kernel
def net(first: int, end: int, time: int, breaks: int, spares: int, state: Int64Array) -> int:
    """How much of `breaks` less `spares` stands at an instant."""
    stands = spared = 0
    for j in range(since(first, end, time, state), end):
        if state[j, TIME] == time:
            stands += own(j, first, breaks, state)
            spared += own(j, first, spares, state) if spares >= 0 else 0
    return stands - spared if stands > 0 else stands


KINDS = (Streak, Run)
