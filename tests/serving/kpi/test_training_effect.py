"""What a training did: the reference values, statsmodels as oracle, and fair comparisons of cohorts."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import ttest_ind

from serving.kpi.training_effect import difference_in_differences, segmented, staggered
from tests.serving.kpi.test_intervals import exactly

SERIES = np.array(
    [50.0, 52, 51, 53, 54, 53, 55, 56, 55, 57, 58, 57, 63, 64, 66, 65, 67, 69, 68, 70, 71, 72, 73, 74]
)


def test_a_segmented_series_is_as_the_reference_says():
    found, shifted = segmented(SERIES, change=12, lags=2), segmented(SERIES, change=12, lags=2, origin=1)

    np.testing.assert_allclose(
        found.weights, [49.9090909091, 0.6678321678, 4.1678321678, 0.3181818182], atol=6e-11
    )
    assert found.plain[2] == pytest.approx(0.5931163157, rel=1e-8)  # to 12 digits: 0.593116317385
    assert found.robust[2] == pytest.approx(0.2428465601, rel=1e-7)
    assert (shifted.weights[2], shifted.robust[2]) == (
        exactly(4.4860139860),
        pytest.approx(0.2643341138, rel=1e-7),
    )
    assert found.weights[2] + 12 * found.weights[3] == exactly(7.9860139860)


def test_the_robust_errors_are_those_of_statsmodels():
    t = np.arange(1.0, 25)
    after = (t > 12).astype(float)
    design = np.column_stack([np.ones(24), t, after, (t - 12) * after])

    oracle = sm.OLS(SERIES, design).fit(cov_type="HAC", cov_kwds={"maxlags": 3, "use_correction": True})

    np.testing.assert_allclose(segmented(SERIES, 12, 3).robust, oracle.bse, rtol=1e-9)


BEFORE = np.array([0.50, 0.55, 0.45, 0.52, 0.48, 0.51, 0.47, 0.50])
AFTER = np.array([0.54, 0.57, 0.50, 0.55, 0.60, 0.66, 0.58, 0.64])
TREATED = np.arange(8) >= 4


def test_a_difference_in_differences_is_as_the_reference_says():
    found = difference_in_differences(BEFORE, AFTER, TREATED, np.random.default_rng(1))

    assert found.effect == exactly(0.095)
    assert (found.p, found.splits) == (exactly(2 / 70), 70)


def test_the_errors_that_it_does_without_are_far_too_small_for_eight_agents():
    """By the reference clustered errors are a third of the plain ones, and Welch's test claims p .0003."""
    effect = difference_in_differences(BEFORE, AFTER, TREATED, np.random.default_rng(1)).effect
    post, treated = np.repeat([0.0, 1.0], 8), np.tile(TREATED, 2).astype(float)
    panel = sm.OLS(
        np.concatenate([BEFORE, AFTER]), np.column_stack([np.ones(16), treated, post, treated * post])
    )
    agents = {"groups": np.tile(np.arange(8), 2)}

    plain, clustered = panel.fit(), panel.fit(cov_type="cluster", cov_kwds=agents)
    welch = ttest_ind((AFTER - BEFORE)[TREATED], (AFTER - BEFORE)[~TREATED], equal_var=False)

    assert plain.params[3] == exactly(effect)
    assert (plain.bse[3], clustered.bse[3]) == (exactly(0.0327871926), exactly(0.0115727513))
    assert (welch.statistic, welch.df) == (pytest.approx(8.4970583, rel=1e-8), pytest.approx(5.4))
    assert welch.pvalue == pytest.approx(0.00025231, rel=1e-4)


def test_many_agents_are_split_at_random():
    rng = np.random.default_rng(2)
    treated = np.arange(40) < 20
    before = rng.normal(size=40)

    found = difference_in_differences(before, before + 2.0 * treated + rng.normal(size=40), treated, rng)

    assert found.splits == 20_000
    assert found.p < 0.01
    assert found.effect == pytest.approx(2.0, abs=1.0)


def test_nobody_treated_is_an_error():
    with pytest.raises(ValueError, match="some agents must be treated"):
        difference_in_differences(np.ones(3), np.ones(3), np.zeros(3, bool), np.random.default_rng(1))


def test_cohorts_are_compared_with_agents_not_yet_trained():
    """Effects that grow: agents trained earlier would make the later training look harmful."""
    level = np.linspace(0, 1, 6)[:, None] + np.linspace(0, 2, 8)
    since = np.array([2, 2, 5, 5, np.inf, np.inf])
    grown = np.maximum(np.arange(8) - since[:, None] + 1, 0)

    effect, cohorts = staggered(level + grown, since)

    assert [(cohort.since, cohort.agents) for cohort in cohorts] == [(2, 2), (5, 2)]
    assert [cohort.effect for cohort in cohorts] == [exactly(3.5), exactly(2.0)]
    assert effect == exactly(2.75)


def test_a_panel_in_which_all_are_trained_at_once_is_an_error():
    with pytest.raises(ValueError, match="not yet trained"):
        staggered(np.ones((3, 4)), np.full(3, 2.0))
