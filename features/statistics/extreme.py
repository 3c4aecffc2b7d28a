"""Max: the largest amount of a trailing window."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..asked import Asked
from ..entries import TIME, advance
from ..facts import QUANTITIES
from ..kernel import Float32Array, Int64Array, kernel, part
from ..notes import THOUSANDTH
from ..past import By, Past
from ..scan import Seen, blank_nobody, most_seen, own, seen_by, since
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
    start, first, end, at = seen
    ranks = np.empty((most_seen(seen), 2), np.int64)
    for g in range(first.size):
        low = high = int(np.int64(0))  # a constant would be compiled for itself
        now, disputed = first[g], False
        for i in range(start[g], start[g + 1]):
            opens = at[i] - within
            now = advance(state, now, end[i], opens)  # what was seen before happened before
            for j in range(now, end[i]):
                amount, time = own(j, first[g], column, state), state[j, TIME]
                if amount == 0 or time < opens:
                    continue
                disputed = disputed or amount < 0
                if amount > 0 and (not disputed or holds(first[g], j + 1, time, amount, column, state)):
                    high = rank(time, amount, low, high, ranks)
                elif amount < 0 and is_ranked(time, -amount, low, high, ranks):
                    low, high = 0, rank_again(first[g], j + 1, opens, column, state, ranks)
            while low < high and ranks[low, 0] < opens:
                low += 1
            now, out[i] = end[i], ranks[low, 1] / unit if low < high else np.nan


@part
def rank(time: int, amount: int, low: int, high: int, ranks: Int64Array) -> int:
    """Take an amount into the ranks `low` to `high`: those that no later one equals, the oldest first.

    Returns where they end then.
    """
    place = later = rank_of(time, low, high, ranks)
    if later < high and ranks[later, 1] >= amount:
        return high
    while place > low and ranks[place - 1, 1] <= amount:
        place -= 1
    shift(later, high, place + 1, ranks)
    ranks[place, 0], ranks[place, 1] = time, amount
    return high + place + 1 - later


@part
def rank_of(time: int, low: int, high: int, ranks: Int64Array) -> int:
    """The place behind the ranks that aren't later."""
    while high > low and ranks[high - 1, 0] > time:
        high -= 1
    return high


@part
def shift(begin: int, end: int, to: int, ranks: Int64Array) -> None:
    """Move ranks so that they begin at `to`: at most one place up, or any number down."""
    if to > begin:
        for k in range(end, begin, -1):
            ranks[k] = ranks[k - 1]
    else:
        for k in range(begin, end):
            ranks[to + k - begin] = ranks[k]


@kernel
def is_ranked(time: int, amount: int, low: int, high: int, ranks: Int64Array) -> bool:
    """Whether an amount of an instant is among the ranks."""
    for k in range(low, high):  # noqa: SIM110 -- a generator doesn't compile
        if ranks[k, 0] == time and ranks[k, 1] == amount:
            return True
    return False


@kernel
def rank_again(first: int, end: int, opens: int, column: int, state: Int64Array, ranks: Int64Array) -> int:
    """Rank the amounts that stand as of the entries before `end` anew, the last seen first."""
    low = high = int(np.int64(0))
    for j in range(end - 1, since(first, end, opens, state) - 1, -1):
        amount, time = own(j, first, column, state), state[j, TIME]
        if amount <= 0 or time < opens:
            continue
        later = rank_of(time, low, high, ranks)
        if later < high and ranks[later, 1] >= amount:  # the next question is dear
            continue
        if holds(first, end, time, amount, column, state):
            high = rank(time, amount, low, high, ranks)
    return high


@kernel
def holds(first: int, end: int, time: int, amount: int, column: int, state: Int64Array) -> bool:
    """Whether an instant's facts bring an amount more often than it was taken back."""
    times = 0
    for j in range(since(first, end, time, state), end):
        if state[j, TIME] == time:
            brought = own(j, first, column, state)
            if brought == amount:
                times += 1
            elif brought == -amount:
                times -= 1
    return times > 0


KINDS = (Max,)
