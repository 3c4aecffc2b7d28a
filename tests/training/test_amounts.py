"""Amounts: measures that ask for the mean, and the rival that every head of amounts must beat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import FeatureMatrix
from features.statistics.attribute import Worth
from training.amounts import (
    deviance,
    deviances,
    evaluate_amounts,
    log_error,
    said_over_seen,
    tenths_error,
    the_mean,
)
from training.gate import Opponent, compare_amounts

AMOUNTS = np.exp(np.random.default_rng(3).normal(0, 0.7, 4_000))


def a_matrix(*said: float) -> FeatureMatrix:
    """What leads are said to be worth."""
    return FeatureMatrix((Worth("lead_value"),), np.array(said, np.float32)[:, None])


@given(st.floats(0.3, 3))
def test_no_other_figure_than_the_mean_costs_least(times):
    label, mean = np.log(AMOUNTS), np.full(AMOUNTS.size, AMOUNTS.mean())

    assert deviance(label, mean) <= deviance(label, times * mean) + 1e-12


@given(st.floats(0.01, 1e6))
def test_the_deviance_knows_no_unit(unit):
    label, said = np.log(AMOUNTS), np.full(AMOUNTS.size, 2.0)

    assert deviance(label + np.log(unit), said * unit) == pytest.approx(deviance(label, said))


def test_who_says_the_amounts_themselves_makes_no_error():
    found = evaluate_amounts(np.log(AMOUNTS), AMOUNTS)

    assert found["said_over_seen"] == pytest.approx(1)
    assert [found[key] for key in ("deviance", "log_error", "tenths_error")] == pytest.approx(
        [0, 0, 0], abs=1e-12
    )


def test_errors_by_hand():
    label, said = np.log([1.0, 4.0]), np.array([2.0, 2.0])

    assert deviances(label, said).tolist() == pytest.approx([0.5 + np.log(2) - 1, 2 - np.log(2) - 1])
    assert log_error(label, said) == pytest.approx(np.log(2))
    assert said_over_seen(label, said) == pytest.approx(0.8)
    assert tenths_error(label, said) == pytest.approx((1 + 2) / 5)


def test_the_mean_believes_what_is_said_and_is_shrunk_to_it_elsewhere():
    predict = the_mean("lead_value").fit(a_matrix(50, 50, np.nan), np.log([80.0, 80.0, 80.0]), 1)

    assert predict(a_matrix(30, np.nan)).tolist() == pytest.approx([30, (3 * 80 + 20 * 50) / 23])


def test_the_mean_of_what_nobody_says_is_shrunk_to_one():
    predict = the_mean("").fit(a_matrix(np.nan, np.nan), np.log([2.0, 2.0]), 1)

    assert predict(a_matrix(7)).tolist() == pytest.approx([(2 * 2 + 20) / 22])


def test_a_head_of_amounts_beats_the_mean_where_it_knows_more():
    rng = np.random.default_rng(5)
    level = np.repeat([1.0, 3.0], 300)
    label = np.log(level) + rng.normal(0, 0.3, level.size)
    known, mean = np.exp(0.045) * level, np.full(level.size, np.exp(label).mean())

    (ahead,) = compare_amounts("value", label, known, [Opponent("the mean", mean)], rng)
    (behind,) = compare_amounts("value", label, mean, [Opponent("who knows", known)], rng)

    assert ahead.won
    assert behind.lost
    assert ahead.ahead == pytest.approx(-behind.ahead)
    assert "deviance" in behind.sentence


def test_few_amounts_compare_nothing():
    rng = np.random.default_rng(5)
    assert compare_amounts("value", np.zeros(19), np.ones(19), [Opponent("one", np.ones(19))], rng) == ()
