"""Delay: how long a lead waited for its first call."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..asked import Asked
from ..entries import TIME
from ..instants import HOUR, NEVER
from ..kernel import Float32Array, Int64Array, kernel
from ..past import Past
from ..scan import Seen, actors_asked, blank_nobody, own, seen_by, standing
from ..tape import Tape


@dataclass(frozen=True)
class Delay:
    """Hours from a lead's receipt to its first fact marked `of`, or until now if there was none yet."""

    name: str
    of: str = "calls"
    by: ClassVar[str] = "lead"
    copies: ClassVar[tuple[str, ...]] = ()
    categorical: ClassVar[bool] = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The mark."""
        return (self.of,)

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write the hours; never negative."""
        lead = np.minimum(actors_asked(asked), len(past.leads) - 1)
        received = past.leads.received(lead, asked.at) if len(past.leads) else lead
        wait(seen_by(tape, asked, ends), tape.entries.state, tape.spec.column(self.of), received, out)
        blank_nobody(asked, out)


@kernel
def wait(seen: Seen, state: Int64Array, column: int, received: Int64Array, out: Float32Array) -> None:
    """Fill `out[i]` with the hours from receipt to the earlier of the first fact and the moment."""
    start, first, end, at = seen
    for g in range(first.size):
        found, now = int(np.int64(NEVER)), first[g]  # a constant would be compiled for itself
        for i in range(start[g], start[g + 1]):
            found, now = earliest(first[g], now, end[i], found, column, state), end[i]
            out[i] = max(min(found, at[i]) - received[i], 0) / HOUR


@kernel
def earliest(first: int, now: int, end: int, found: int, column: int, state: Int64Array) -> int:
    """The earliest instant at which a mark stands as of entry `end`; as of `now` it was `found`."""
    for j in range(now, end):
        time = state[j, TIME]
        if time > found:
            continue
        brought = own(j, first, column, state)
        if brought > 0 and time < found and standing(first, j + 1, time, column, state) > 0:
            found = time
        elif brought < 0 and time == found and standing(first, j + 1, time, column, state) <= 0:
            found = earliest_again(first, j + 1, column, state)
    return found


@kernel
def earliest_again(first: int, end: int, column: int, state: Int64Array) -> int:
    """The same, of all entries before `end`; NEVER if the mark stands at no instant."""
    found = NEVER
    for j in range(first, end):
        time = state[j, TIME]
        if time < found and own(j, first, column, state) > 0:  # noqa: SIM102 -- the second question is dear
            if standing(first, end, time, column, state) > 0:
                found = time
    return found


KINDS = (Delay,)
