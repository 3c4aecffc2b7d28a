"""Intervals: how sure a figure is, from its mergeable sums."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from features.kernel import Float64Array


@dataclass(frozen=True)
class Sums:
    """Sums over units of a numerator y and a denominator x, per group; those of disjoint units add up."""

    n: Float64Array
    """Units: attempts, leads or agent-days."""
    y: Float64Array
    x: Float64Array
    yy: Float64Array
    xx: Float64Array
    xy: Float64Array

    @classmethod
    def of(cls, group: np.typing.NDArray[np.int64], groups: int, y: Float64Array, x: Float64Array) -> "Sums":
        """Sum units into their groups."""

        def total(column: Float64Array) -> Float64Array:
            return np.bincount(group, column, groups).astype(np.float64)

        return cls(total(np.ones(y.size)), total(y), total(x), total(y * y), total(x * x), total(x * y))

    def __add__(self, other: "Sums") -> "Sums":
        """The sums of both, group by group."""
        mine, theirs = vars(self), vars(other)
        return Sums(**{name: mine[name] + theirs[name] for name in mine})

    def figures(self, group: int) -> "Figure":
        """The ratio of one group and its variance by the delta method."""
        n, y, x = float(self.n[group]), float(self.y[group]), float(self.x[group])
        if x == 0:
            return Figure(nan, nan, n)
        ratio = y / x
        residual = float(self.yy[group] - 2 * ratio * self.xy[group] + ratio**2 * self.xx[group])
        variance = max(residual, 0.0) / (n - 1) * n / x**2 if n > 1 else nan
        return Figure(ratio, variance, n)


@dataclass(frozen=True)
class Figure:
    """An estimate, the variance of the estimate, and how many units it rests on; NaN where there is none."""

    value: float
    variance: float
    n: float


@dataclass(frozen=True)
class Interval:
    """Two ends with their level of confidence."""

    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Comparison:
    """What one figure has over another, with Welch's interval and two-sided p."""

    difference: float
    error: float
    interval: Interval
    p: float


def wilson(hits: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's interval of a share of independent trials; NaN ends where there are no trials."""
    if n <= 0 or hits > n:
        return Interval(nan, nan, level)
    z = float(ndtri(0.5 + level / 2))
    share, slack = hits / n, z * z / n
    centre = (share + slack / 2) / (1 + slack)
    half = z / (1 + slack) * sqrt(share * (1 - share) / n + slack / (4 * n))
    return Interval(max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), level)


def around(figure: Figure, level: float = 0.95) -> Interval:
    """Student's interval of a figure over its units; NaN ends below two units."""
    if not figure.n > 1:
        return Interval(nan, nan, level)
    half = float(stdtrit(figure.n - 1, 0.5 + level / 2)) * sqrt(figure.variance)
    return Interval(figure.value - half, figure.value + half, level)


def share_figure(hits: float, n: float) -> Figure:
    """A share of independent trials with its plain variance p(1-p)/n."""
    share = hits / n
    return Figure(share, share * (1 - share) / n, n)


def compare(base: Figure, other: Figure, level: float = 0.95) -> Comparison:
    """`other` minus `base`."""
    error = sqrt(base.variance + other.variance)
    return _welch(other.value - base.value, error, _freedom(base, other), level)


def compare_relatively(base: Figure, other: Figure, level: float = 0.95) -> Comparison:
    """`other` over `base`, minus one."""
    ratio = other.value / base.value
    error = sqrt(other.variance + ratio**2 * base.variance) / abs(base.value)
    return _welch(ratio - 1, error, _freedom(base, other), level)


def _freedom(base: Figure, other: Figure) -> float:
    parts = base.variance**2 / (base.n - 1) + other.variance**2 / (other.n - 1)
    return (base.variance + other.variance) ** 2 / parts if parts > 0 else np.inf


def _welch(difference: float, error: float, freedom: float, level: float) -> Comparison:
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(difference) / error)) if error > 0 else nan
    return Comparison(difference, error, Interval(difference - half, difference + half, level), p)
