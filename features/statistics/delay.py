"""Delay: how long a lead waited for its first call."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..asked import Asked
from ..instants import HOUR
from ..kernel import Float32Array, Int64Array, kernel
from ..past import Past
from ..scan import Seen, actors_asked, blank_nobody, first_standing, seen_by
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
        received = past.leads.created_at[lead] if len(past.leads) else lead
        wait(seen_by(tape, asked, ends), tape.entries.state, tape.spec.column(self.of), received, out)
        blank_nobody(asked, out)


@kernel
def wait(seen: Seen, state: Int64Array, column: int, received: Int64Array, out: Float32Array) -> None:
    """Fill `out[i]` with the hours from receipt to the earlier of the first fact and the moment."""
    first, end, at = seen
    for i in range(first.size):
        until = min(first_standing(first[i], end[i], column, state), at[i])
        out[i] = max(until - received[i], 0) / HOUR


KINDS = (Delay,)
