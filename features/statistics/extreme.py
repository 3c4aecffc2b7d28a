"""Max: the largest amount of a trailing window."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..asked import Asked
from ..entries import TIME, advance
from ..facts import QUANTITIES
from ..kernel import Float32Array, Int64Array, kernel
from ..notes import THOUSANDTH
from ..past import By, Past
from ..scan import Seen, blank_nobody, own, seen_by
from ..tape import Tape


@dataclass(frozen=True)
class Max:
    """The largest amount above zero of a quantity in `[at - within, at)`; NaN where there is none."""

    name: str
    by: By
    within: int
    of: str
    categorical: ClassVar[bool] = False
    copies: ClassVar[tuple[str, ...]] = ()

    @property
    def sums(self) -> tuple[str, ...]:
        """The quantity."""
        return (self.of,)

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write the amounts, in the quantity's own unit."""
        unit = THOUSANDTH if self.of in QUANTITIES else 1.0
        column = tape.spec.column(self.of)
        largest(seen_by(tape, asked, ends), tape.entries.state, column, self.within, unit, out)
        blank_nobody(asked, out)


@kernel
def largest(seen: Seen, state: Int64Array, column: int, within: int, unit: float, out: Float32Array) -> None:
    """Fill `out[i]` with the largest amount that stands in the window."""
    first, end, at = seen
    for i in range(first.size):
        found = 0
        for j in range(advance(state, first[i], end[i], at[i] - within), end[i]):
            amount = own(j, first[i], column, state)
            if amount > found and state[j, TIME] >= at[i] - within:  # noqa: SIM102 -- the last one is dear
                if holds(first[i], end[i], state[j, TIME], amount, column, state):
                    found = amount
        out[i] = found / unit if found > 0 else np.nan


@kernel
def holds(first: int, end: int, time: int, amount: int, column: int, state: Int64Array) -> bool:
    """Whether an instant's facts bring an amount more often than it was taken back."""
    times = 0
    for j in range(advance(state, first, end, time), end):
        if state[j, TIME] == time:
            brought = own(j, first, column, state)
            if brought == amount:
                times += 1
            elif brought == -amount:
                times -= 1
    return times > 0


KINDS = (Max,)
