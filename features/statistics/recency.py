"""Recency: how long ago an actor's last marked call ended."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..calls import Moments
from ..instants import HOUR
from ..kernel import Float32Array, Float64Array, Int64Array, kernel
from ..past import Actor, Past, stream_of


@dataclass(frozen=True)
class Recency:
    """Hours since the last call marked `of`; NaN where there was none."""

    name: str
    by: Actor
    of: str = "calls"
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the hours."""
        stream = stream_of(self.of)
        line = past.timeline(stream, self.by)
        actor = past.actors(self.by, moments.lead, moments.agent)
        marks = past.marked(stream, self.by, self.of)
        hours_since(line.starts, line.time, line.known_at, marks, actor, moments.at, HOUR, out)


@kernel
def hours_since(
    starts: Int64Array,
    time: Int64Array,
    known_at: Int64Array,
    marks: Float64Array,
    actor: Int64Array,
    at: Int64Array,
    hour: int,
    out: Float32Array,
) -> None:
    """Fill `out[i]` with the hours from the last marked fact known before `at[i]` to `at[i]`."""
    for i in range(at.size):
        out[i] = np.nan
        if actor[i] < 0 or actor[i] >= starts.size - 1:
            continue
        first, last = starts[actor[i]], starts[actor[i] + 1]
        j = first + np.searchsorted(time[first:last], at[i]) - 1
        while j >= first:
            if marks[j] > 0 and known_at[j] < at[i]:
                out[i] = (at[i] - time[j]) / hour
                break
            j -= 1


KINDS = (Recency,)
