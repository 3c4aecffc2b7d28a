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
    why = _refusal(sample, outside, blocks)
    lift = None if why else _paired(drawn, weight, block, blocks, level)
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


def _per_hour(block: Int64Array, blocks: int, y: Float64Array, seconds: Float64Array) -> Sums:
    per_block = [np.bincount(block, column, blocks).astype(np.float64) for column in (y, seconds / 3600)]
    return Sums.of(np.zeros(blocks, np.int64), 1, *per_block)


def _paired(drawn: Drawn, weight: Float64Array, block: Int64Array, blocks: int, level: float) -> Comparison:
    """The ratio of both figures less one, by the delta method over blocks, which have both."""

    def total(column: Float64Array) -> Float64Array:
        return np.bincount(block, column, blocks).astype(np.float64)

    hours = drawn.seconds / 3600
    parts = [total(weight * drawn.reward), total(weight * hours), total(drawn.reward), total(hours)]
    other, own = parts[0].sum() / parts[1].sum(), parts[2].sum() / parts[3].sum()
    moved = (parts[0] - other * parts[1]) / parts[1].mean() / own
    moved -= other / own**2 * (parts[2] - own * parts[3]) / parts[3].mean()
    error = float(np.sqrt(moved.var(ddof=1) / blocks))
    return _student(float(other / own - 1), error, blocks - 1, level)


def _student(difference: float, error: float, freedom: int, level: float) -> Comparison:
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(difference) / error)) if error > 0 else float("nan")
    return Comparison(difference, error, Interval(difference - half, difference + half, level), p)


def _refusal(sample: float, outside: float, blocks: int) -> str:
    if sample < LEAST_SAMPLE:
        return f"the effective sample is {sample:.0f} draws, less than {LEAST_SAMPLE:.0f}"
    if outside > MOST_OUTSIDE:
        return f"{outside:.0%} of what it would do was hardly ever tried or never offered"
    return "" if blocks > 1 else "there are too few batches"
