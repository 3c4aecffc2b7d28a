"""Rate: how often the calls of an actor bore a mark, fading with age and shrunk to a prior."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..calls import Moments, Timeline
from ..instants import NEVER
from ..kernel import Float32Array, Float64Array, Int64Array, kernel
from ..past import Actor, Past, Stream, stream_of


@dataclass(frozen=True)
class Rate:
    """(marks `of` + p·n) / (marks `per` + n) with `prior=(p, n)`; a call's weight halves every `half_life`.

    Shrinkage as in a beta-binomial model with prior mean p and prior strength n calls. `of` may be a quantity
    such as `talk_s`: then the rate is a mean. An agent not yet chosen (-1) gets the rate of the whole floor.
    """

    name: str
    by: Actor
    of: str
    prior: tuple[float, float]
    per: str = "calls"
    half_life: int = NEVER
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the rates; an actor without a past gets the prior."""
        actor = past.actors(self.by, moments.lead, moments.agent)
        self._fill_by(past, self.by, actor, moments.at, out)
        if self.by == "agent" and np.any(pooled := actor < 0):
            floor = np.empty(int(pooled.sum()), np.float32)
            self._fill_by(past, "everyone", np.zeros(floor.size, np.int64), moments.at[pooled], floor)
            out[pooled] = floor

    @property
    def _per_half_life(self) -> float:
        """Half-lives per microsecond; 0 never fades."""
        return 0.0 if self.half_life == NEVER else 1.0 / self.half_life

    def _fill_by(self, past: Past, by: Actor, actor: Int64Array, at: Int64Array, out: Float32Array) -> None:
        stream = stream_of(self.of, self.per)
        line = past.timeline(stream, by)
        of, per = past.marked(stream, by, self.of), past.marked(stream, by, self.per)
        faded_of, faded_per = (
            self._faded(past, line, stream, by, self.of),
            self._faded(past, line, stream, by, self.per),
        )
        rate_before(
            line.starts, line.time, line.known_at, line.settled_at, of, per, faded_of, faded_per,
            actor, at, self._per_half_life, float(self.prior[0]), float(self.prior[1]), out,
        )  # fmt: skip

    def _faded(self, past: Past, line: Timeline, stream: Stream, by: Actor, mark: str) -> Float64Array:
        key = ("faded", stream, by, mark, self.half_life)
        found = past.kept(key)
        if not isinstance(found, np.ndarray):
            marks = past.marked(stream, by, mark)
            found = np.empty_like(marks)
            fade(line.starts, line.time, marks, self._per_half_life, found)
            past.keep(key, found)
        return found


@kernel
def fade(
    starts: Int64Array, time: Int64Array, marks: Float64Array, per_half_life: float, out: Float64Array
) -> None:
    """Fill `out[j]` with the marks of j's actor up to and with j, each halved once per half-life before j."""
    for g in range(starts.size - 1):
        sum_so_far = 0.0
        for j in range(starts[g], starts[g + 1]):
            if j > starts[g]:
                sum_so_far *= 2.0 ** (-(time[j] - time[j - 1]) * per_half_life)
            sum_so_far += marks[j]
            out[j] = sum_so_far


@kernel
def rate_before(
    starts: Int64Array,
    time: Int64Array,
    known_at: Int64Array,
    settled_at: Int64Array,
    of: Float64Array,
    per: Float64Array,
    faded_of: Float64Array,
    faded_per: Float64Array,
    actor: Int64Array,
    at: Int64Array,
    per_half_life: float,
    prior_rate: float,
    prior_calls: float,
    out: Float32Array,
) -> None:
    """Fill `out[i]` with the shrunk, faded rate of `actor[i]` from the facts known before `at[i]`.

    Facts behind the settled ones continue the very sum that `fade` began, in the same order: a fact not yet
    known leaves no trace, not even in the last bit.
    """
    for i in range(at.size):
        if i > 0 and actor[i] == actor[i - 1] and at[i] == at[i - 1]:
            out[i] = out[i - 1]
            continue
        marked = calls = 0.0
        if 0 <= actor[i] < starts.size - 1:
            first, last = starts[actor[i]], starts[actor[i] + 1]
            high = first + np.searchsorted(time[first:last], at[i])
            settled = min(high, first + np.searchsorted(settled_at[first:last], at[i]))
            since = time[first] if high > first else at[i]
            if settled > first:
                marked, calls, since = faded_of[settled - 1], faded_per[settled - 1], time[settled - 1]
            for j in range(settled, high):
                if known_at[j] < at[i]:
                    weight = 2.0 ** (-(time[j] - since) * per_half_life)
                    marked, calls, since = marked * weight + of[j], calls * weight + per[j], time[j]
            weight = 2.0 ** (-(at[i] - since) * per_half_life)
            marked, calls = marked * weight, calls * weight
        denominator = calls + prior_calls
        out[i] = (marked + prior_rate * prior_calls) / denominator if denominator > 0 else np.nan


KINDS = (Rate,)
