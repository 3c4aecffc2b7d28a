"""Decomposition: why a KPI moved between two periods, in parts that add up to the whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial, log

import numpy as np

from features.kernel import Float64Array

TINY = 1e-12
"""Takes the place of a factor that is 0: the logarithmic mean needs positive ones."""

MOST_FACTORS = 6


@dataclass(frozen=True)
class Mix:
    """A rate's move by segment: `mix` + `rate` summed over all segments is the whole move."""

    mix: Float64Array
    """More or fewer units in segments that are better or worse than the whole."""
    rate: Float64Array
    """Segments that became better or worse themselves."""


@dataclass(frozen=True)
class Threefold:
    """The same move with the interaction by itself: endowment + coefficient + interaction."""

    endowment: float
    coefficient: float
    interaction: float


def mix_and_rate(n0: Float64Array, y0: Float64Array, n1: Float64Array, y1: Float64Array) -> Mix:
    """Split the move of sum(y)/sum(n) by segment (Kitagawa 1955; for two factors also Shapley's split).

    The mix is centred on the whole's mean rate, so that each segment's sign means something. A segment that
    appears or vanishes has its other period's rate: all of it is mix.
    """
    (w0, r0), (w1, r1) = _shares(n0, y0, n1, y1)
    whole = (w0 @ r0 + w1 @ r1) / 2
    return Mix((w1 - w0) * ((r0 + r1) / 2 - whole), (r1 - r0) * (w0 + w1) / 2)


def threefold(n0: Float64Array, y0: Float64Array, n1: Float64Array, y1: Float64Array) -> Threefold:
    """Endowment at the first period's rates, coefficient at its mix, and both together."""
    (w0, r0), (w1, r1) = _shares(n0, y0, n1, y1)
    return Threefold(float((w1 - w0) @ r0), float(w0 @ (r1 - r0)), float((w1 - w0) @ (r1 - r0)))


def log_mix_and_rate(n0: Float64Array, y0: Float64Array, n1: Float64Array, y1: Float64Array) -> Mix:
    """The same by logarithmic means of each segment's part (LMDI; Ang 2004)."""
    (w0, r0), (w1, r1) = _shares(n0, y0, n1, y1)
    w0, r0, w1, r1 = (np.maximum(part, TINY) for part in (w0, r0, w1, r1))
    means = np.array([_log_mean(a, b) for a, b in zip(w1 * r1, w0 * r0, strict=True)])
    return Mix(means * np.log(w1 / w0), means * np.log(r1 / r0))


def funnel(before: Sequence[float], after: Sequence[float]) -> Float64Array:
    """What each factor adds to the move of their product: L(K1, K0) ln(x1/x0), exact (LMDI; Ang 2004)."""
    old, new = (np.maximum(np.asarray(factors, np.float64), TINY) for factors in (before, after))
    return np.asarray(_log_mean(float(new.prod()), float(old.prod())) * np.log(new / old))


def shapley(
    before: Sequence[float], after: Sequence[float], of: Callable[[Float64Array], float]
) -> Float64Array:
    """What each factor adds to the move of any function, averaged over the orders in which they change.

    `ValueError` above MOST_FACTORS: the orders are all gone through.
    """
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if old.size > MOST_FACTORS:
        raise ValueError(f"{old.size} factors, at most {MOST_FACTORS}")
    added = np.zeros(old.size)
    for turn in permutations(range(old.size)):
        now = old.copy()
        for factor in turn:
            was = of(now)
            now[factor] = new[factor]
            added[factor] += of(now) - was
    return np.asarray(added / factorial(old.size))


def _shares(
    n0: Float64Array, y0: Float64Array, n1: Float64Array, y1: Float64Array
) -> tuple[tuple[Float64Array, Float64Array], tuple[Float64Array, Float64Array]]:
    """(weights, rates) of both periods; `ValueError` where a period is empty."""
    if not n0.sum() or not n1.sum():
        raise ValueError("a period without units has no rate")
    with np.errstate(divide="ignore", invalid="ignore"):
        r0, r1 = y0 / n0, y1 / n1
    r0, r1 = np.where(n0 > 0, r0, r1), np.where(n1 > 0, r1, r0)
    r0, r1 = np.nan_to_num(r0), np.nan_to_num(r1)
    return (n0 / n0.sum(), r0), (n1 / n1.sum(), r1)


def _log_mean(a: float, b: float) -> float:
    return a if abs(a - b) <= TINY * max(a, b) else (a - b) / log(a / b)
