"""Drift: how far a day is from what was before, and how far it may be by chance alone.

The population stability index of two samples that fall into B bins alike is by chance about chi-square with
B - 1 degrees of freedom, times 1/n + 1/m (Yurdakul and Naranjo, "Statistical properties of the population
stability index", Journal of Risk Model Validation 14, 2020). So the usual limits of .1 and .25 are noise to
small samples and blind to large ones: here the limit follows n, m, B and how many columns are asked at once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtri, stdtrit

from features.instants import DAY
from features.kernel import BoolArray, Float64Array, Int64Array

from .reference import STEADY, Wobble

SMALL = 0.1
"""A PSI below this is no alarm, however many rows prove it."""


def psi(before: Float64Array, now: Float64Array) -> float:
    """Population stability index of counts by bin: sum of (q - p) ln(q / p); each bin holds one row more."""
    p, q = _shares(before), _shares(now)
    return float(np.sum((q - p) * np.log(q / p)))


def psi_limit(before: Float64Array, now: Float64Array, chance: float, wobble: Wobble = STEADY) -> float:
    """What a PSI must exceed to be no noise, and no trifle either."""
    return max(SMALL, psi_noise(before, now, chance, wobble))


def psi_noise(before: Float64Array, now: Float64Array, chance: float, wobble: Wobble = STEADY) -> float:
    """What a PSI exceeds with this chance if nothing changed but as weeks do; infinite where none can tell.

    Chi-square over its degrees of freedom, times a wobble that is itself estimated: an F quantile.
    """
    bins = int(np.count_nonzero(before + now))
    if bins < 2 or not wobble.freedom or not before.sum() or not now.sum():
        return float("inf")
    noise = wobble.times * (1 / before.sum() + 1 / now.sum())
    return float((bins - 1) * fdtri(bins - 1, wobble.freedom, 1 - chance) * noise)


def _shares(counts: Float64Array) -> Float64Array:
    return np.asarray((counts + 1) / (counts + 1).sum())


@dataclass(frozen=True)
class Days:
    """What became of a day's calls beside what was said of them: equally long columns, oldest day first."""

    day: Int64Array
    """Days since 1970-01-01, UTC."""
    calls: Float64Array
    marked: Float64Array
    expected: Float64Array
    """The sum of the probabilities."""
    information: Float64Array
    """The sum of p (1 - p): the variance of `marked` if every probability is right."""

    @property
    def missed(self) -> Float64Array:
        """By how many log-odds each day missed its promises, to first order (a Newton step from none)."""
        return np.asarray((self.marked - self.expected) / self.information)

    def take(self, rows: BoolArray) -> "Days":
        """Some of the days."""
        return Days(
            self.day[rows],
            self.calls[rows],
            self.marked[rows],
            self.expected[rows],
            self.information[rows],
        )


def days_of(at: Int64Array, label: Float64Array, chance: Float64Array) -> Days:
    """By day; rows without a label or a chance are left out."""
    told = ~(np.isnan(label) | np.isnan(chance))
    day, place = np.unique(at[told] // DAY, return_inverse=True)

    def total(values: Float64Array) -> Float64Array:
        return np.bincount(place, values[told], day.size).astype(np.float64)

    return Days(day, total(np.ones(at.size)), total(label), total(chance), total(chance * (1 - chance)))


@dataclass(frozen=True)
class Shift:
    """How the last days differ from those before, in log-odds."""

    by: float
    error: float
    """Standard error, from the chances themselves, or from how the days before scatter if that is more."""
    freedom: int
    """Degrees of freedom of that scatter."""

    def limit(self, chance: float) -> float:
        """What |by| exceeds with this chance if nothing changed (Student's t)."""
        return float(-stdtrit(self.freedom, chance / 2)) * self.error


def shift(days: Days, first: int) -> Shift:
    """By how many log-odds marks are missed from the day `first` on, against the days before.

    A day's (marked - expected) / information is its shift to first order (a Newton step from none), with
    variance 1 / information. Days are weighted by information. At least two must lie before `first`.
    """
    now = days.day >= first
    recent, before = days.take(now), days.take(~now)
    middle = _missed(before)
    scatter = (before.marked - before.expected - middle * before.information) ** 2 / before.information
    freedom = before.day.size - 1
    spread = max(1.0, float(scatter.sum()) / freedom)
    error = np.sqrt(spread * (1 / recent.information.sum() + 1 / before.information.sum()))
    return Shift(_missed(recent) - middle, float(error), freedom)


def _missed(days: Days) -> float:
    return float((days.marked - days.expected).sum() / days.information.sum())
