"""Duel: how far one learner ranks ahead of another on the same calls, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array

from .evaluate import Resampling, auc

RESAMPLES = 300


@dataclass(frozen=True)
class Duel:
    """AUC of one learner less that of another."""

    ahead: float
    error: float
    """Standard error: paired bootstrap of blocks of consecutive calls, since calls of one time are alike."""

    @property
    def errors(self) -> float:
        """How many standard errors it is ahead."""
        return self.ahead / self.error if self.error else float("nan")


def duel(label: Float64Array, chance: Float64Array, other: Float64Array, rng: np.random.Generator) -> Duel:
    """Compare two learners' probabilities or keys of the same calls, in the order of time."""
    draws = Resampling.drawn(label.size, RESAMPLES, rng)
    found = draws.aucs(label, chance) - draws.aucs(label, other)
    return Duel(auc(label, chance) - auc(label, other), float(np.nanstd(found, ddof=1)))
