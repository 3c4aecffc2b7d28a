"""Sequences: intervals and p-values that stay true however often one looks (always valid)."""

from dataclasses import dataclass, replace
from math import e, exp, inf, log, sqrt

import numpy as np
from scipy.special import lambertw

from features.kernel import Float64Array

from .intervals import Interval

TIGHTEST = 5_000
"""By default a sequence is tightest, beside a fixed interval, at so many units."""


@dataclass(frozen=True)
class Sequence:
    """A confidence sequence of level 1 - alpha, tuned to be tightest at `tightest` units.

    Asymptotic: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2021), arXiv 2103.06476, with their rho for a
    chosen time.
    """

    alpha: float = 0.05
    tightest: float = TIGHTEST

    @property
    def rho2(self) -> float:
        """The squared scale of the mixing normal."""
        surprise = -2 * log(self.alpha)
        return (surprise + log(surprise + 1)) / self.tightest

    def margin(self, n: float, error: float) -> float:
        """Half the width after `n` units of an estimate with that standard error; infinite before any."""
        if n <= 0:
            return inf
        spread = n * self.rho2
        return error * sqrt(2 * (spread + 1) / spread * log(sqrt(spread + 1) / self.alpha))

    def around(self, estimate: float, n: float, error: float) -> Interval:
        """The interval after `n` units."""
        half = self.margin(n, error)
        return Interval(estimate - half, estimate + half, 1 - self.alpha)

    def below(self, estimate: float, n: float, error: float) -> float:
        """A one-sided lower end: a guardrail is broken once it passes the limit."""
        return estimate - replace(self, alpha=min(2 * self.alpha, 0.999)).margin(n, error)

    def p(self, estimate: float, n: float, error: float) -> float:
        """The level at which the interval after `n` units would just reach 0; the scale stays as tuned."""
        if n <= 0 or error <= 0:
            return 1.0
        spread = n * self.rho2
        return min(1.0, sqrt(spread + 1) * exp(-((estimate / error) ** 2) * spread / (2 * (spread + 1))))


class FewUnits(Sequence):
    """A confidence sequence for few units: exact where they are normal, of a variance that nobody knows.

    `error` is Student's, with n - 1 degrees of freedom. It mixes over effects as `Sequence` does, measured in
    the units' own spread (Lai 1976; Lindon, Ham, Tingley, Bojinov 2022, arXiv 2210.08589).
    """

    def margin(self, n: float, error: float) -> float:
        """Half the width after `n` units; infinite while they are too few for any."""
        spread = n * self.rho2
        left = ((spread + 1) / self.alpha**2) ** (-1 / n) if n > 1 else 0.0
        if left * (spread + 1) <= 1:
            return inf
        return error * sqrt((n - 1) * (spread + 1) * (1 - left) / (left * (spread + 1) - 1))

    def p(self, estimate: float, n: float, error: float) -> float:
        """The level at which the interval after `n` units would just reach 0; the scale stays as tuned."""
        if n <= 1 or error <= 0:
            return 1.0
        spread, surprise = n * self.rho2, (estimate / error) ** 2 / (n - 1)
        unlikely = (1 + surprise / (spread + 1)) / (1 + surprise)
        return min(1.0, sqrt(spread + 1) * float(unlikely ** (n / 2)))


def always_valid(p: Float64Array) -> Float64Array:
    """A p-value of every look from those of single looks: the least so far."""
    return np.minimum.accumulate(p)


def mixture_scale(alpha: float, tightest: float) -> float:
    """The rho of `mixture_boundary` that makes it tightest at the variance `tightest`, two-sided."""
    return tightest / (-float(lambertw(-(alpha**2) / e, -1).real) - 1)


def mixture_boundary(variance: float, alpha: float, rho: float) -> float:
    """How far a sum of that variance may stray, at any time, with chance alpha (two-sided normal mixture).

    Howard, Ramdas, McAuliffe, Sekhon (2021), Annals of Statistics 49(2); Robbins (1970).
    """
    return sqrt((variance + rho) * log((variance + rho) / (rho * alpha**2)))


def mixture_ratio(difference: float, n: float, variance: float, effect: float) -> float:
    """Lambda of the mixture sequential ratio test of two arms of `n` units each; 1/Lambda bounds p.

    `variance` is a unit's, `effect` the variance of the effects mixed over (Johari, Koomen, Pekelis, Walsh
    2017).
    """
    both = 2 * variance + n * effect
    return sqrt(2 * variance / both) * exp(n**2 * effect * difference**2 / (4 * variance * both))
