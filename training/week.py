"""The week as curves: 168 hours of a lead's own clock, and the smooth shapes of which a curve is a sum."""

from functools import lru_cache

import numpy as np

from features.kernel import Float64Array, Int64Array

HOURS = 168
"""Of a week, from Monday 00:00."""
WIDTH = 2.0
"""Hours: how far what is seen at one hour of the day tells of its neighbours."""
KEPT = 0.02
"""A wave of the day is left out where its share of a curve's variance is below this."""


@lru_cache(maxsize=1)
def shapes() -> tuple[Float64Array, ...]:
    """Three kinds of shape, (168, k) each: the hour of the day, the day of the week, the weekend's own hours.

    Weights of variance v make a curve of variance v at an average hour.
    """
    day, hour = np.divmod(np.arange(HOURS), 24)
    waves, weekend = _waves()[hour], (day >= 5)[:, None]
    flat = np.ones((HOURS, 1))
    return waves, np.eye(7)[day], np.hstack([flat, waves]) * weekend


@lru_cache(maxsize=1)
def design() -> tuple[Float64Array, Int64Array]:
    """All shapes side by side after a constant, (168, k), and the kind of each column: 0 is the constant."""
    kinds = (np.ones((HOURS, 1)), *shapes())
    of = np.repeat(np.arange(len(kinds)), [kind.shape[1] for kind in kinds])
    return np.hstack(kinds), of


def _waves() -> Float64Array:
    """The waves of a day (24, k): eigenvectors of a Gaussian kernel round the clock, without the constant."""
    apart = np.abs(np.arange(24)[:, None] - np.arange(24))
    near = np.exp(-0.5 * (np.minimum(apart, 24 - apart) / WIDTH) ** 2)
    share, wave = np.linalg.eigh(near)
    share, wave = share[-2::-1], wave[:, -2::-1]  # the largest is the constant
    kept = share > KEPT * share.sum()
    return np.asarray(wave[:, kept] * np.sqrt(24 * share[kept] / share[kept].sum()), np.float64)
