"""Off-policy: what another order would have brought, from decisions whose chances were logged."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from features.kernel import BoolArray, Float64Array

LEAST_SAMPLE = 200.0
"""Below this effective sample size there is no verdict."""

MOST_OUTSIDE = 0.05
"""Nor where more than this share of what the other order would do was never tried."""

CLIP = 20.0


@dataclass(frozen=True)
class Logged:
    """Decisions, one row each, of independent draws.

    The predictions may be zeros: then the doubly robust estimates are the plain ones.
    """

    weight: Float64Array
    """The chance of this decision under the other order over that under the one that made it."""
    reward: Float64Array
    """What came of it: matured value over expected seconds, say."""
    predicted: Float64Array
    """What a model expects of it."""
    policy_value: Float64Array
    """What the model expects of the other order: the sum of its chances times predictions."""


@dataclass(frozen=True)
class Estimate:
    """A value per decision and its standard error."""

    value: float
    error: float


def inverse_propensity(logged: Logged) -> Estimate:
    """IPS: mean of w y (Horvitz, Thompson 1952)."""
    return _mean(logged.weight * logged.reward)


def self_normalised(logged: Logged) -> float:
    """SNIPS: sum of w y over sum of w (Swaminathan, Joachims 2015)."""
    return float(logged.weight @ logged.reward / logged.weight.sum())


def direct(logged: Logged) -> float:
    """DM: what the model alone expects."""
    return float(logged.policy_value.mean())


def doubly_robust(logged: Logged, clip: float = np.inf) -> Estimate:
    """DR: the model's value plus its weighted errors (Dudik, Langford, Li 2011); weights at most `clip`."""
    return _mean(logged.policy_value + clipped(logged.weight, clip) * _residual(logged))


def self_normalised_robust(logged: Logged) -> float:
    """SN-DR: the weighted errors over the sum of weights."""
    return direct(logged) + float(logged.weight @ _residual(logged) / logged.weight.sum())


def switching(logged: Logged, most: float) -> Estimate:
    """Switch-DR: no correction where the weight is above `most` (Wang, Agarwal, Dudik 2017)."""
    return _mean(logged.policy_value + switched(logged.weight, most) * _residual(logged))


def clipped(weight: Float64Array, most: float) -> Float64Array:
    """Weights at most so large."""
    return np.minimum(weight, most)


def switched(weight: Float64Array, most: float) -> Float64Array:
    """Weights, 0 where they are above `most`."""
    return np.where(weight <= most, weight, 0.0)


def effective_sample(weight: Float64Array) -> float:
    """(sum w)^2 / sum w^2: so many decisions of the other order itself would be as telling (Kish 1965)."""
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares else 0.0


@dataclass(frozen=True)
class Verdict:
    """The doubly robust value and lift, or why there is none."""

    value: Estimate | None
    sample: float
    """Effective."""
    outside: float
    refusal: str = ""


def judge(logged: Logged, outside: float) -> Verdict:
    """What the other order would have brought per decision; refused where the log can't tell.

    `outside` is the share of what it would do that the logged pools never offered.
    """
    sample = effective_sample(logged.weight)
    if sample < LEAST_SAMPLE:
        why = f"the effective sample is {sample:.0f}, less than {LEAST_SAMPLE:.0f}"
        return Verdict(None, sample, outside, why)
    if outside > MOST_OUTSIDE:
        why = f"{outside:.0%} of the other order lies outside what was tried, more than {MOST_OUTSIDE:.0%}"
        return Verdict(None, sample, outside, why)
    return Verdict(doubly_robust(logged, CLIP), sample, outside)


def weights(other: Float64Array, own: Float64Array, taken: BoolArray) -> Float64Array:
    """The weights of decisions taken, from both orders' chances; `ValueError` for one that couldn't be."""
    if np.any(own[taken] <= 0):
        raise ValueError("a decision was made that had no chance")
    return np.asarray(other[taken] / own[taken])


def _residual(logged: Logged) -> Float64Array:
    return np.asarray(logged.reward - logged.predicted)


def _mean(values: Float64Array) -> Estimate:
    error = float(values.std(ddof=1)) / sqrt(values.size) if values.size > 1 else np.nan
    return Estimate(float(values.mean()), error)
