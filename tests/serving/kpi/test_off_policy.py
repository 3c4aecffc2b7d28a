"""What another order would have brought: the reference values, unbiasedness, and refusals."""

import numpy as np
import pytest

from serving.kpi import off_policy
from serving.kpi.off_policy import Logged, judge
from tests.serving.kpi.test_intervals import exactly

OWN = np.array([0.6, 0.3, 0.1])
TAKEN = np.array([0, 0, 1, 2, 0, 1])
REWARD = np.array([1.0, 0, 1, 0, 0, 1])
OTHER = np.array(
    [[0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.3, 0.5, 0.2], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1]]
)
EXPECTED = np.array(
    [[0.4, 0.5, 0.2], [0.3, 0.2, 0.6], [0.4, 0.6, 0.3], [0.2, 0.3, 0.4], [0.5, 0.4, 0.1], [0.3, 0.7, 0.2]]
)


def the_log() -> Logged:
    rows = np.arange(6)
    weight = off_policy.weights(OTHER[rows, TAKEN], OWN[TAKEN], np.ones(6, bool))
    return Logged(weight, REWARD, EXPECTED[rows, TAKEN], (OTHER * EXPECTED).sum(axis=1))


def test_every_estimate_is_as_the_reference_says():
    log = the_log()

    plain, robust = off_policy.inverse_propensity(log), off_policy.doubly_robust(log)

    np.testing.assert_allclose(log.weight, [1 / 3, 1 / 6, 5 / 3, 6, 5 / 6, 8 / 3])
    assert (plain.value, plain.error) == (exactly(0.7777777778), exactly(0.4608098079))
    assert off_policy.self_normalised(log) == exactly(0.4)
    assert off_policy.direct(log) == exactly(0.465)
    assert (robust.value, robust.error) == (exactly(0.265), exactly(0.5079798407))
    assert off_policy.self_normalised_robust(log) == exactly(0.3621428571)
    assert off_policy.switching(log, 2).value == exactly(0.5316666667)
    assert off_policy.doubly_robust(log, clip=2).value == exactly(0.4983333333)
    assert off_policy.effective_sample(log.weight) == exactly(2.9131985731)


def test_the_doubly_robust_value_is_right_whatever_the_model_expects():
    rng = np.random.default_rng(3)
    n, worth = 40_000, np.array([0.1, 0.3, 0.6])
    taken = rng.choice(3, n, p=OWN)
    reward = (rng.random(n) < worth[taken]).astype(float)
    other = np.array([0.2, 0.2, 0.6])
    wrong = np.array([0.9, 0.0, 0.2])
    log = Logged(other[taken] / OWN[taken], reward, wrong[taken], np.full(n, other @ wrong))

    found = off_policy.doubly_robust(log)

    assert abs(found.value - other @ worth) < 4 * found.error
    assert abs(off_policy.direct(log) - other @ worth) > 10 * found.error


def test_a_log_that_says_little_of_the_other_order_is_refused():
    verdict = judge(the_log(), outside=0.0)

    assert verdict.value is None
    assert verdict.refusal == "the effective sample is 3, less than 200"


def test_an_order_that_was_hardly_ever_tried_is_refused():
    ones = np.ones(500)

    verdict = judge(Logged(ones, ones, ones, ones), outside=0.2)

    assert verdict.refusal == "20% of the other order lies outside what was tried, more than 5%"


def test_a_log_with_overlap_gets_a_value():
    ones = np.ones(500)

    assert judge(Logged(ones, ones, ones, ones), outside=0.01).value == off_policy.Estimate(1.0, 0.0)


def test_a_decision_without_a_chance_is_an_error():
    with pytest.raises(ValueError, match="had no chance"):
        off_policy.weights(np.array([0.5]), np.array([0.0]), np.array([True]))
