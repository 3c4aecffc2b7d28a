"""Calibration: honest where there is evidence, and never a tie that the model didn't make."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.calibration import AS_IT_IS, calibrate, log_odds, probability, smeared, straight_line


@given(
    scores=st.lists(st.floats(-8, 8).map(lambda x: round(x, 3)), min_size=4, max_size=120),
    marks=st.integers(0, 2**32),
)
@settings(deadline=None)
def test_the_order_of_scores_always_stays(scores, marks):
    score = np.array(scores)
    label = np.array([float((marks >> (place % 32)) & 1) for place in range(score.size)])
    asked = np.unique(np.round(np.append(score, np.linspace(-9, 9, 200)), 3))

    said = calibrate(score, label, np.ones(score.size)).apply(asked)

    assert np.all(np.diff(said) > 0)
    assert np.all((said > 0) & (said < 1))


def test_a_boastful_model_is_brought_down_to_what_came_true():
    rng = np.random.default_rng(3)
    truth = rng.normal(-2, 1, 20_000)
    label = (rng.random(truth.size) < probability(truth)).astype(float)

    said = calibrate(3 * truth + 1, label, np.ones(label.size)).apply(3 * truth + 1)

    assert np.abs(said - probability(truth)).mean() < 0.01


def test_a_bent_model_is_straightened_where_a_line_could_not():
    rng = np.random.default_rng(4)
    score = rng.uniform(-3, 3, 30_000)
    truth = np.where(score < 0, 0.05, 0.05 + 0.1 * score)
    label = (rng.random(score.size) < truth).astype(float)
    weight = np.ones(score.size)

    said = calibrate(score, label, weight).apply(score)
    intercept, slope = straight_line(score, label, weight)

    assert np.abs(said - truth).mean() < 0.5 * np.abs(probability(intercept + slope * score) - truth).mean()


def test_a_handful_of_sales_moves_the_level_but_keeps_every_lead_apart():
    rng = np.random.default_rng(5)
    score = rng.normal(0, 1, 400)
    label = np.zeros(400)
    label[rng.choice(400, 6, replace=False)] = 1

    said = calibrate(score, label, np.ones(400)).apply(score)

    assert np.unique(said).size == np.unique(score).size
    assert 0.005 < said.mean() < 0.05


def test_labels_of_one_kind_change_nothing():
    assert calibrate(np.arange(3.0), np.zeros(3), np.ones(3)) is AS_IT_IS


@given(st.floats(-30, 30))
def test_log_odds_undo_probability(score):
    assert abs(float(log_odds(probability(np.array(score)))) - score) < 1e-3 * max(1, abs(score))


def test_amounts_said_add_up_to_those_seen_once_examples_are_many():
    rng = np.random.default_rng(5)
    score = rng.normal(3, 0.5, 50_000)
    label = score + rng.normal(0, 0.8, score.size)

    line = smeared(score, label, np.ones(score.size))

    assert np.exp(line.line(score)).sum() == pytest.approx(np.exp(label).sum(), rel=0.001)
    assert line.line(np.array([4.0]))[0] - 4.0 == pytest.approx(0.8**2 / 2, abs=0.03)


def test_few_amounts_shift_little():
    twice = smeared(np.zeros(5), np.full(5, np.log(2)), np.ones(5))

    assert np.exp(twice.line(np.zeros(1)))[0] == pytest.approx((5 * 2 + 20) / (5 + 20))
    assert smeared(np.empty(0), np.empty(0), np.empty(0)) is AS_IT_IS
