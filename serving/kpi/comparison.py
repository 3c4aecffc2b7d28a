"""Comparison: how policies fared on the same days, per agent-hour, with intervals over days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from features.kernel import Float64Array, Int64Array

DRAWS = 4000
LEVEL = 0.95


@dataclass(frozen=True)
class Days:
    """What one policy cost and brought, one row per day; rows of all policies compared are the same days."""

    hours: Float64Array
    """Paid agent hours."""
    sales: Float64Array
    """Confirmed conversions, on the day of their call."""
    value: Float64Array
    """Their value."""
    calls: Float64Array

    def joined(self, other: "Days") -> "Days":
        """The days of both, one after the other: another seed's, another week's."""
        mine, theirs = vars(self), vars(other)
        return Days(**{name: np.concatenate([mine[name], theirs[name]]) for name in mine})

    def per_hour(self, name: str) -> float:
        """`sales`, `value` or `calls` per agent-hour."""
        return float(getattr(self, name).sum() / self.hours.sum())


@dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval over days (percentiles of `LEVEL`)."""

    value: float
    low: float
    high: float


def redrawn(days: int, rng: Generator, draws: int = DRAWS) -> Int64Array:
    """Days drawn with replacement, shape (draws, days): one for all policies, so that they stay paired."""
    return rng.integers(0, days, (draws, days))


def rate(policy: Days, name: str, drawn: Int64Array) -> Estimate:
    """`name` per agent-hour."""
    return _estimate(policy.per_hour(name), _rates(policy, name, drawn))


def lift(policy: Days, rival: Days, name: str, drawn: Int64Array) -> Estimate:
    """By how much of the rival's rate the policy's is higher, both on the same drawn days."""
    ratio = policy.per_hour(name) / rival.per_hour(name) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = _rates(policy, name, drawn) / _rates(rival, name, drawn) - 1
    return _estimate(ratio, ratios[np.isfinite(ratios)])


def gap_closed(policy: Days, chance: Days, oracle: Days, name: str, drawn: Int64Array) -> Estimate:
    """The share of the way from calling at random to the oracle: (J - J_random) / (J_oracle - J_random)."""
    low, high = chance.per_hour(name), oracle.per_hour(name)
    lows, highs = _rates(chance, name, drawn), _rates(oracle, name, drawn)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (_rates(policy, name, drawn) - lows) / (highs - lows)
    return _estimate((policy.per_hour(name) - low) / (high - low), shares[np.isfinite(shares)])


def pooled(runs: Sequence[Mapping[str, Days]]) -> dict[str, Days]:
    """All runs' days by policy; every run must have the same policies."""
    first, *rest = runs
    found = dict(first)
    for run in rest:
        found = {name: days.joined(run[name]) for name, days in found.items()}
    return found


def _rates(policy: Days, name: str, drawn: Int64Array) -> Float64Array:
    brought: Float64Array = getattr(policy, name)
    return np.asarray(brought[drawn].sum(axis=1) / policy.hours[drawn].sum(axis=1))


def _estimate(value: float, draws: Float64Array) -> Estimate:
    if not draws.size:
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))
