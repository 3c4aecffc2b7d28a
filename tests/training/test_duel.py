"""Duels: the difference is exact, its error is that of the calls' own chance, and it is paired."""

import numpy as np
import pytest

from training.duel import duel
from training.evaluate import Resampling, auc

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


def test_an_interval_is_that_of_the_drawn_calls_themselves():
    """The twin: put the blocks of each draw together, call by call, and measure them."""
    keys = np.round(GOOD[:1_030], 1)
    label = LABEL[:1_030]

    found = Resampling.drawn(1_030, 30, np.random.default_rng(2))

    for times, share, order in zip(found.times, found.means(keys), found.aucs(label, keys), strict=True):
        rows = np.repeat(np.arange(1_030), times[found.block].astype(int))
        assert share == pytest.approx(keys[rows].mean())
        assert order == pytest.approx(auc(label[rows], keys[rows]))


@pytest.mark.parametrize(("calls", "blocks"), [(7, 7), (600, 20), (13_729, 54), (900_000, 200)])
def test_blocks_are_of_consecutive_calls_neither_too_few_nor_too_many(calls, blocks):
    found = Resampling.drawn(calls, 2, np.random.default_rng(2))

    assert np.unique(found.block).size == blocks
    assert np.all(np.diff(found.block) >= 0)
    assert found.times.sum(axis=1).tolist() == [blocks, blocks]


def test_a_draw_without_a_marked_call_has_no_order():
    label = np.zeros(100)
    label[3] = 1

    found = Resampling.drawn(100, 50, np.random.default_rng(2)).aucs(label, np.arange(100.0))

    assert 0 < np.isnan(found).sum() < 50
