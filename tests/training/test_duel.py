"""Duels: the difference is exact, its error is that of the calls' own chance, and it is paired."""

import numpy as np
import pytest

from training.duel import duel
from training.evaluate import auc

RNG = np.random.default_rng(3)
LABEL = (RNG.random(5_000) < 0.3).astype(float)
GOOD = LABEL + RNG.normal(size=5_000)
POOR = LABEL / 2 + RNG.normal(size=5_000)


def test_a_learner_is_as_far_ahead_as_its_auc():
    found = duel(LABEL, GOOD, POOR, np.random.default_rng(1))

    assert found.ahead == pytest.approx(auc(LABEL, GOOD) - auc(LABEL, POOR))
    assert found.errors > 5


def test_the_error_is_what_other_calls_would_show():
    found = duel(LABEL, GOOD, POOR, np.random.default_rng(1))

    others = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        label = (rng.random(5_000) < 0.3).astype(float)
        good, poor = label + rng.normal(size=5_000), label / 2 + rng.normal(size=5_000)
        others.append(auc(label, good) - auc(label, poor))
    assert found.error == pytest.approx(np.std(others), rel=0.35)


def test_a_learner_ties_with_itself_for_sure():
    found = duel(LABEL, GOOD, GOOD, np.random.default_rng(1))

    assert (found.ahead, found.error) == (0.0, 0.0)
    assert np.isnan(found.errors)
