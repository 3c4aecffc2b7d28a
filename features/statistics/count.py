"""Count: how many calls of an actor bore a mark within a trailing window."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..calls import Moments
from ..kernel import Float32Array, Float64Array, Int64Array, kernel
from ..past import Actor, Past, stream_of


@dataclass(frozen=True)
class Count:
    """Calls marked `of` that ended in `[at - within, at)` and were known before `at`."""

    name: str
    by: Actor
    within: int
    of: str = "calls"
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the counts; 0 for an actor without a past or unknown."""
        stream = stream_of(self.of)
        line = past.timeline(stream, self.by)
        marks = past.marked(stream, self.by, self.of)
        actor = past.actors(self.by, moments.lead, moments.agent)
        key = ("total", stream, self.by, self.of)
        total = past.kept(key)
        if not isinstance(total, np.ndarray):
            total = np.concatenate([[0.0], np.cumsum(marks)])
            past.keep(key, total)
        count_within(
            line.starts, line.time, line.known_at, line.settled_at, marks, total,
            actor, moments.at, self.within, out,
        )  # fmt: skip


@kernel
def count_within(
    starts: Int64Array,
    time: Int64Array,
    known_at: Int64Array,
    settled_at: Int64Array,
    marks: Float64Array,
    total: Float64Array,
    actor: Int64Array,
    at: Int64Array,
    within: int,
    out: Float32Array,
) -> None:
    """Fill `out[i]` with the marks of `actor[i]` in `[at[i] - within, at[i])` known before `at[i]`.

    `total[j]` is the sum of the marks before row j: rows settled by the moment are a difference of two
    totals, the few rows behind them are asked one by one.
    """
    for i in range(at.size):
        out[i] = 0
        if actor[i] < 0 or actor[i] >= starts.size - 1:
            continue
        first, last = starts[actor[i]], starts[actor[i] + 1]
        low = first + np.searchsorted(time[first:last], at[i] - within)
        high = first + np.searchsorted(time[first:last], at[i])
        settled = min(high, first + np.searchsorted(settled_at[first:last], at[i]))
        found = total[settled] - total[low] if settled > low else 0.0
        for j in range(max(low, settled), high):
            if known_at[j] < at[i]:
                found += marks[j]
        out[i] = found


KINDS = (Count,)
