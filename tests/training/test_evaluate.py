"""Measures: worked out by hand, and equal to scikit-learn's where it has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as log_loss_of_sklearn

from training.evaluate import BLOCK, MEASURES, bins_of, evaluate, evaluate_order, gain

LABEL = np.array([0.0, 1.0, 0.0, 1.0])
CHANCE = np.array([0.1, 0.4, 0.6, 0.8])


def test_all_measures_of_four_calls_worked_out_by_hand():
    found = evaluate(LABEL, CHANCE)

    assert found["auc"] == pytest.approx(3 / 4)
    assert found["auc_at_a_time"] == pytest.approx(3 / 4)
    assert found["average_precision"] == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.04) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.4, 0.8]).mean())
    assert found["ece"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.2) / 4)
    assert found["alift"] == pytest.approx(3 / 4 * 1 / 2 + 1 / 4)
    assert found["lift_at_10"] == pytest.approx(0.4 * 0.5 / 0.1)
    assert found["top_half_gain"] == pytest.approx(0.5)


def test_telling_good_weeks_from_bad_ones_is_no_merit_among_calls_of_one_time():
    weeks = np.repeat([0.1, 0.9], BLOCK)
    label = np.concatenate([np.arange(BLOCK) % 10 == 0, np.arange(BLOCK) % 10 != 0]).astype(float)

    found = evaluate(label, weeks)

    assert found["auc"] == pytest.approx(0.9)
    assert found["auc_at_a_time"] == pytest.approx(0.5)


def test_a_stretch_without_a_marked_call_has_no_order_to_judge():
    label = np.append(LABEL, np.zeros(BLOCK))
    last = np.r_[np.zeros(BLOCK), LABEL]

    assert np.isnan(evaluate(np.zeros(9), np.linspace(0, 1, 9))["auc_at_a_time"])
    assert evaluate(label, np.append(CHANCE, np.zeros(BLOCK)))["auc_at_a_time"] > 0.75
    assert evaluate(last, np.append(np.zeros(BLOCK), CHANCE))["auc_at_a_time"] == pytest.approx(3 / 4)


def test_ties_at_the_cut_count_in_proportion():
    label, level = np.array([1.0, 0.0, 0.0, 0.0]), np.full(4, 0.3)

    assert [gain(label, level, share) for share in (0.25, 0.5, 1.0)] == pytest.approx([0.25, 0.5, 1.0])


def test_bins_hold_equally_many_calls():
    assert [rows.size for rows in bins_of(np.linspace(0, 1, 45))] == [3] * 15


def test_a_label_that_never_varies_has_no_order():
    found = evaluate(np.zeros(5), np.linspace(0, 1, 5))

    assert np.isnan(found["auc"])
    assert np.isnan(found["top_half_gain"])
    assert np.isfinite(found["brier"])


@given(
    calls=st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.9])), min_size=2, max_size=60
    )
)
@settings(deadline=None)
def test_ours_equal_those_of_scikit_learn(calls):
    label, chance = np.array(calls, np.float64).T.copy()
    if label.min() == label.max():
        label[0] = 1 - label[0]

    found = evaluate(label, chance)

    assert found["auc"] == pytest.approx(roc_auc_score(label, chance))
    assert found["average_precision"] == pytest.approx(average_precision_score(label, chance))
    assert found["brier"] == pytest.approx(brier_score_loss(label, chance))
    assert found["log_loss"] == pytest.approx(log_loss_of_sklearn(label, chance))


@pytest.mark.parametrize("key", MEASURES)
def test_a_perfect_order_is_never_worse_than_a_reversed_one(key):
    rng = np.random.default_rng(1)
    label = (rng.random(200) < 0.2).astype(float)
    good = 0.1 + 0.5 * label + 0.1 * rng.random(200)
    measure = MEASURES[key]

    better, worse = measure.of(label, good), measure.of(label, 0.9 - good)

    assert better > worse if measure.more_is_better else better < worse


def test_keys_are_measured_by_their_order_alone():
    found, same = evaluate_order(LABEL, CHANCE * 70 - 20), evaluate(LABEL, CHANCE)

    assert {key for key, value in found.items() if np.isnan(value)} == {"brier", "log_loss", "ece"}
    assert all(found[key] == pytest.approx(same[key]) for key, one in MEASURES.items() if one.ranks)
