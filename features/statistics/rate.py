"""Rate: how often the calls of an actor bore a mark, fading with age and shrunk to a prior."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..calls import Moments, News
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
        news = past.news(stream, by)
        rate_before(
            news.starts, news.seen_at,
            self._faded(past, news, stream, by, self.of), self._faded(past, news, stream, by, self.per),
            actor, at, self._per_half_life, float(self.prior[0]), float(self.prior[1]), out,
        )  # fmt: skip

    def _faded(self, past: Past, news: News, stream: Stream, by: Actor, mark: str) -> Float64Array:
        key = ("faded", stream, by, mark, self.half_life)
        found = past.kept(key)
        if not isinstance(found, np.ndarray):
            marks = past.mark(mark)[news.rows]
            found = np.empty_like(marks)
            fade(news.starts, news.time, news.seen_at, marks, self._per_half_life, found)
            past.keep(key, found)
        return found


@kernel
def fade(
    starts: Int64Array,
    time: Int64Array,
    seen_at: Int64Array,
    marks: Float64Array,
    per_half_life: float,
    out: Float64Array,
) -> None:
    """Fill `out[j]` with the marks of j's actor up to and with j, halved once per half-life until j is seen.

    A fact told late enters with the weight of its true age: it fades from its own time on. One not yet seen
    has left no trace in the sum, not even in the last bit.
    """
    for g in range(starts.size - 1):
        sum_so_far = 0.0
        for j in range(starts[g], starts[g + 1]):
            if j > starts[g]:
                sum_so_far *= 2.0 ** (-(seen_at[j] - seen_at[j - 1]) * per_half_life)
            sum_so_far += marks[j] * 2.0 ** (-(seen_at[j] - time[j]) * per_half_life)
            out[j] = sum_so_far


@kernel
def rate_before(
    starts: Int64Array,
    seen_at: Int64Array,
    faded_of: Float64Array,
    faded_per: Float64Array,
    actor: Int64Array,
    at: Int64Array,
    per_half_life: float,
    prior_rate: float,
    prior_calls: float,
    out: Float32Array,
) -> None:
    """Fill `out[i]` with the shrunk, faded rate of `actor[i]` from the facts seen before `at[i]`."""
    for i in range(at.size):
        if i > 0 and actor[i] == actor[i - 1] and at[i] == at[i - 1]:
            out[i] = out[i - 1]
            continue
        marked = calls = 0.0
        if 0 <= actor[i] < starts.size - 1:
            first, last = starts[actor[i]], starts[actor[i] + 1]
            newest = first + np.searchsorted(seen_at[first:last], at[i]) - 1
            if newest >= first:
                weight = 2.0 ** (-(at[i] - seen_at[newest]) * per_half_life)
                marked, calls = faded_of[newest] * weight, faded_per[newest] * weight
        denominator = calls + prior_calls
        out[i] = (marked + prior_rate * prior_calls) / denominator if denominator > 0 else np.nan


KINDS = (Rate,)
