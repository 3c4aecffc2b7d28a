"""Other order: what another order of calls would have brought, from draws whose chances were logged.

The log has the chance of each lead handed out, not the leads that were not. Where another order would cut is
therefore estimated: each lead handed out stands for as many of its pool as one over its chance.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from features.kernel import Float64Array, Int64Array

from .intervals import Comparison, Figure, Interval, Sums
from .off_policy import CLIP, LEAST_SAMPLE, MOST_OUTSIDE, effective_sample

LEAST_REWARDED = 10
"""Fewer leads of the other order that brought something tell nothing: errors would be those of luck."""

BLOCK = 200
"""Leads of consecutive batches, so many together, show where another order would cut."""


@dataclass(frozen=True)
class Drawn:
    """Leads drawn by the model and dialed, oldest first: equally long columns."""

    batch: Int64Array
    """Consecutive numbers, ascending."""
    pool: Float64Array
    """How many leads its batch was drawn from."""
    chance: Float64Array
    """That it was drawn."""
    first: Float64Array
    """The other order calls the lead with the least of these first; among equals any."""
    reward: Float64Array
    seconds: Float64Array
    """Of an agent, that its calls took."""

    def __len__(self) -> int:
        return int(self.batch.size)


@dataclass(frozen=True)
class OtherOrder:
    """What an order would have brought per agent-hour, beside the model's draws; or why nobody can tell."""

    own: Figure
    """Of the draws as they were made; over blocks of batches."""
    other: Figure
    """Self-normalised inverse propensity (SNIPS)."""
    per_draw: float
    """What a lead of the other order would have brought: inverse propensity (IPS)."""
    lift: Comparison | None
    """The other one over the own one, less one; None where it is refused."""
    sample: float
    """Effective number of draws."""
    outside: float
    """Share of what the other order would do that was hardly ever tried, or never offered."""
    refusal: str = ""


def what_if(drawn: Drawn, unseen: float, level: float = 0.95) -> OtherOrder:
    """Judge another order; `unseen` is the share of its choice that no pool offered, as far as is known."""
    block = _blocks(drawn)
    taken = _taken(drawn, block)
    weight = taken / drawn.chance
    sample = effective_sample(weight)
    hardly = float(weight @ (drawn.chance < 1 / CLIP) / weight.sum()) if weight.sum() else 1.0
    outside = max(hardly, unseen)
    blocks = int(block.max(initial=-1)) + 1
    own = _per_hour(block, blocks, drawn.reward, drawn.seconds)
    other = _per_hour(block, blocks, weight * drawn.reward, weight * drawn.seconds)
    told = own.figures(0), other.figures(0)
    ips = float(weight @ drawn.reward / weight.sum()) if weight.sum() else np.nan
    why = refusal(sample, outside, blocks, rewarded(weight, drawn.reward))
    sums = [np.bincount(block, column, blocks).astype(np.float64) for column in _columns(drawn, weight)]
    lift = None if why else paired((sums[0], sums[1]), (sums[2], sums[3]), level)
    return OtherOrder(*told, ips, lift, sample, outside, why)


def _blocks(drawn: Drawn) -> Int64Array:
    """Whole batches, BLOCK draws or more together; what is left at the end joins the last one."""
    starts = np.flatnonzero(np.diff(drawn.batch, prepend=-1))
    block = np.zeros(len(drawn), np.int64)
    current, since = 0, 0
    for start in starts.tolist():
        if start - since >= BLOCK and len(drawn) - start >= BLOCK:
            current, since = current + 1, start
        block[start:] = current
    return block


def _taken(drawn: Drawn, block: Int64Array) -> Float64Array:
    """How much of each lead the other order takes: all before its cut, nothing after it; equals share.

    The cut leaves it as many leads of the pools as were drawn.
    """
    taken = np.zeros(len(drawn))
    sizes = np.diff(np.append(np.flatnonzero(np.diff(drawn.batch, prepend=-1)), len(drawn)))
    pools = drawn.pool[np.cumsum(sizes) - sizes] if len(drawn) else np.empty(0)
    owner = block[np.cumsum(sizes) - sizes] if len(drawn) else np.empty(0, np.int64)
    for number in range(int(block.max(initial=-1)) + 1):
        rows = np.flatnonzero(block == number)
        rank = np.unique(drawn.first[rows], return_inverse=True)[1]
        stand_for = np.bincount(rank, 1 / drawn.chance[rows])
        share = rows.size / max(float(pools[owner == number].sum()), rows.size)
        before = np.cumsum(stand_for) - stand_for
        taken[rows] = np.clip((share * stand_for.sum() - before) / stand_for, 0, 1)[rank]
    return taken


def _columns(drawn: Drawn, weight: Float64Array) -> list[Float64Array]:
    """Rewards and hours under the other order, then as they were."""
    hours = drawn.seconds / 3600
    return [weight * drawn.reward, weight * hours, drawn.reward, hours]


def _per_hour(block: Int64Array, blocks: int, y: Float64Array, seconds: Float64Array) -> Sums:
    per_block = [np.bincount(block, column, blocks).astype(np.float64) for column in (y, seconds / 3600)]
    return Sums.of(np.zeros(blocks, np.int64), 1, *per_block)


def paired(
    other: tuple[Float64Array, Float64Array], own: tuple[Float64Array, Float64Array], level: float
) -> Comparison:
    """A ratio of sums over another one less one, by the delta method over blocks, which have all four.

    Each is (numerators, denominators) by block.
    """
    told, told_own = (float(y.sum() / x.sum()) for y, x in (other, own))
    moved = (other[0] - told * other[1]) / other[1].mean() / told_own
    moved -= told / told_own**2 * (own[0] - told_own * own[1]) / own[1].mean()
    error = float(np.sqrt(moved.var(ddof=1) / moved.size))
    return _student(told / told_own - 1, error, moved.size - 1, level)


def _student(difference: float, error: float, freedom: int, level: float) -> Comparison:
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(difference) / error)) if error > 0 else float("nan")
    return Comparison(difference, error, Interval(difference - half, difference + half, level), p)


def refusal(sample: float, outside: float, blocks: int, rewards: int) -> str:
    """Why an order can't be judged; empty where it can."""
    if sample < LEAST_SAMPLE:
        return f"the effective sample is {sample:.0f} draws, less than {LEAST_SAMPLE:.0f}"
    if outside > MOST_OUTSIDE:
        return f"{outside:.0%} of what it would do was hardly ever tried or never offered"
    if blocks < 2:
        return "there are too few batches"
    if rewards < LEAST_REWARDED:
        return f"{rewards} of the draws that it shares brought anything, less than {LEAST_REWARDED}"
    return ""


def rewarded(weight: Float64Array, reward: Float64Array) -> int:
    """How many of the leads that the other order takes brought something."""
    return int(np.count_nonzero((weight > 0) & (reward > 0)))
