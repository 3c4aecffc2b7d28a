"""Balance: whether the arms got the shares they were promised, and how small a lift a test can see."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import chdtrc, ndtri

from .sequences import Sequence as ConfidenceSequence

ALARM = 0.001
"""A mismatch less likely than this by chance blocks a verdict."""


@dataclass(frozen=True)
class Mismatch:
    """Pearson's chi-square of the arms' counts against their shares (sample ratio mismatch)."""

    chi2: float
    p: float

    @property
    def blocks(self) -> bool:
        """Whether no lift may be read."""
        return self.p < ALARM


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> Mismatch:
    """Compare counts with the shares that were meant; `ValueError` where an arm was meant to have none."""
    seen, meant = np.asarray(counts, np.float64), np.asarray(shares, np.float64)
    if np.any(meant <= 0):
        raise ValueError("every arm needs a share above 0")
    expected = seen.sum() * meant / meant.sum()
    if not seen.sum():
        return Mismatch(0.0, 1.0)
    chi2 = float(((seen - expected) ** 2 / expected).sum())
    return Mismatch(chi2, float(chdtrc(seen.size - 1, chi2)))


def detectable(
    rate: float, n: float, holdout: float, sequence: ConfidenceSequence | None = None, alpha: float = 0.05
) -> float:
    """The smallest relative lift of a rate per lead that a test on `n` leads finds four times in five.

    (z of the level + z of that power) standard errors of the difference, over the rate; with a `sequence` its
    margin after n leads takes the place of the first. `holdout`: one arm's share of the leads.
    """
    error = sqrt(rate * (1 - rate) / n * (1 / holdout + 1 / (1 - holdout)))
    level = sequence.margin(n, 1.0) if sequence else float(ndtri(1 - alpha / 2))
    return (level + float(ndtri(0.8))) * error / rate
