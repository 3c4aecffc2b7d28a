"""Pools: another order judged from all leads that draws were made from, those handed out and the others.

With the pool on record it is known where the other order would have cut, and what the model expects of the
leads that it would have taken: doubly robust estimates need both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.kernel import BoolArray, Float64Array, Int64Array

from .intervals import Comparison
from .off_policy import CLIP, clipped, effective_sample, switched
from .other_order import BLOCK, paired, refusal, rewarded

SWITCH = 10.0
"""Above this weight the switch estimator trusts the model alone."""

Correct = Callable[[Float64Array], Float64Array]

HOW: Mapping[str, tuple[bool, Correct]] = {
    "snips": (False, lambda weight: weight),
    "doubly_robust": (True, lambda weight: clipped(weight, CLIP)),
    "switch": (True, lambda weight: switched(weight, SWITCH)),
}
"""The estimators: whether it starts from what the model expects, and with what weights it is corrected.

All are self-normalised: the correction is over the sum of its weights rather than over its expectation.
"""


@dataclass(frozen=True)
class Pools:
    """Leads that the model's draws were made from: equally long columns, draw by draw, oldest first."""

    draw: Int64Array
    """Consecutive numbers from 0."""
    first: Float64Array
    """The other order calls the lead with the least of these first; among equals any."""
    chance: Float64Array
    """That it was drawn: logged where it was, else by the same key."""
    drawn: BoolArray
    called: BoolArray
    """Drawn, and dialed."""
    reward: Float64Array
    """What came of its calls; 0 where it had none, here and in the next."""
    seconds: Float64Array
    expected: Float64Array
    """The reward that the model expects of a dial."""
    expected_s: Float64Array

    def __len__(self) -> int:
        return int(self.draw.size)

    @cached_property
    def taken(self) -> Float64Array:
        """The other order's chance of each lead: it takes as many as were drawn; equals share a place."""
        order = np.lexsort((self.first, self.draw))
        draw, first = self.draw[order], self.first[order]
        opens = np.append([True], (draw[1:] != draw[:-1]) | (first[1:] != first[:-1]))[: len(self)]
        starts, tie = np.flatnonzero(opens), np.cumsum(opens) - 1
        size = np.bincount(tie).astype(np.float64)
        drawn = np.bincount(self.draw, self.drawn)
        begins = np.searchsorted(draw, draw[starts])
        share = np.clip((drawn[draw[starts]] - (starts - begins)) / size, 0, 1)
        out = np.empty(len(self))
        out[order] = share[tie]
        return out

    @cached_property
    def block(self) -> Int64Array:
        """Whole draws, some BLOCK leads drawn together: what varies independently."""
        before = np.cumsum(np.bincount(self.draw, self.drawn)) - np.bincount(self.draw, self.drawn)
        most = max(int(self.drawn.sum()) // BLOCK, 1)
        return np.asarray(np.minimum(before // BLOCK, most - 1)[self.draw], np.int64)

    @cached_property
    def weight(self) -> Float64Array:
        """Of the leads dialed: the other order's chance over the one they were drawn with; else 0."""
        return np.where(self.called, self.taken / self.chance, 0.0)

    @property
    def dialed(self) -> float:
        """The share of the leads handed out that were dialed; the same under any order."""
        return float(self.called.sum() / self.drawn.sum()) if self.drawn.any() else np.nan


@dataclass(frozen=True)
class Estimate:
    """What one estimator says of the other order."""

    per_lead: float
    """Of those it would have had dialed."""
    per_hour: float
    lift: Comparison | None
    """Per hour, over the draws as they were, less one; None where it is refused."""


@dataclass(frozen=True)
class FromPools:
    """The other order by every estimator of HOW, or why nobody can tell."""

    estimates: Mapping[str, Estimate]
    ips_per_lead: float
    """Inverse propensity: as `snips`, but over the leads it would have had, not over the sum of weights."""
    draws: int
    """Leads dialed whose pool is on record."""
    sample: float
    """Effective."""
    outside: float
    """Share of what the other order would do that was hardly ever tried, or never offered."""
    refusal: str = ""


def from_pools(pools: Pools, unseen: float, level: float = 0.95) -> FromPools:
    """Judge another order; `unseen` is the share of its choice that no pool offered, as far as is known.

    The model's expectations are scaled so that they are right on average of the leads dialed.
    """
    weight, wanted = pools.weight, float(pools.taken.sum() * pools.dialed)
    sample = effective_sample(weight)
    hardly = pools.taken @ (pools.chance < 1 / CLIP) / pools.taken.sum() if wanted > 0 else 1.0
    outside = max(float(hardly), unseen)
    blocks = int(pools.block.max(initial=-1)) + 1
    why = refusal(sample, outside, blocks, rewarded(weight, pools.reward))
    return FromPools(
        {name: _estimate(pools, name, why, level) for name in HOW} if wanted > 0 else {},
        float(weight @ pools.reward) / wanted if wanted > 0 else np.nan,
        int(pools.called.sum()),
        sample,
        outside,
        why,
    )


def _estimate(pools: Pools, how: str, why: str, level: float) -> Estimate:
    y = _other(pools, how, pools.reward, pools.expected)
    x = _other(pools, how, pools.seconds / 3600, pools.expected_s / 3600)
    own = [_by_block(pools, column) for column in (pools.reward, pools.seconds / 3600)]
    leads = float(pools.taken.sum() * pools.dialed)
    per_lead, per_hour = (float(y.sum() / total) if total else np.nan for total in (leads, x.sum()))
    return Estimate(per_lead, per_hour, None if why else paired((y, x), (own[0], own[1]), level))


def _other(pools: Pools, how: str, told: Float64Array, expected: Float64Array) -> Float64Array:
    """By block: what would have come of the leads dialed under the other order.

    That is what the model expects, and the weighted mean of its errors for each lead that weights tell of.
    """
    by_model, correct = HOW[how]
    said = float(expected[pools.called].sum())
    scale = float(told.sum()) / said if by_model and said > 0 else 0.0
    missed, weight = told - scale * expected, correct(pools.weight)
    hoped = pools.dialed * correct(pools.taken / pools.chance) * pools.chance
    weight = weight * (hoped.sum() / weight.sum() if weight.any() else 0.0)
    mean = float(weight @ missed / weight.sum()) if weight.any() else 0.0
    return _by_block(
        pools, pools.dialed * scale * pools.taken * expected + weight * (missed - mean) + mean * hoped
    )


def _by_block(pools: Pools, column: Float64Array) -> Float64Array:
    return np.bincount(pools.block, column).astype(np.float64)
