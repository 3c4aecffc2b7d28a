"""Adjustment by what was known before: the reference values, and statsmodels as oracle."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.kpi.adjustment import Arm, ancova, cuped, hc2, lin
from serving.kpi.intervals import Figure, compare
from tests.serving.kpi.test_intervals import exactly

BASE = Arm(np.array([3.0, 6, 4, 7, 2, 8, 3, 5]), np.array([2.0, 4, 3, 5, 1, 6, 2, 3]))
OTHER = Arm(np.array([5.0, 8, 4, 9, 3, 7, 3, 6]), np.array([3.0, 5, 2, 6, 1, 4, 2, 4]))


def test_cuped_is_as_the_reference_says():
    theta, found = cuped(BASE, OTHER)

    assert theta == exactly(1.2947702060)
    assert (found.difference, found.error) == (exactly(0.7131537242), exactly(0.2021731673))
    assert found.interval.low == pytest.approx(0.2745679555, rel=1e-7)  # its freedom was rounded: 12.49072
    assert found.interval.high == pytest.approx(1.1517394880, rel=1e-7)
    assert found.p == exactly(0.0039314442)


def test_without_adjustment_the_same_units_tell_nothing():
    base, other = (
        Figure(float(arm.outcome.mean()), float(arm.outcome.var(ddof=1)) / 8, 8) for arm in (BASE, OTHER)
    )

    found = compare(base, other)

    assert (found.difference, found.error, found.p) == (
        exactly(0.875),
        exactly(1.0968705484),
        exactly(0.4384077960),
    )


def test_regressions_are_as_the_reference_says():
    plain, crossed = ancova(BASE, OTHER), lin(BASE, OTHER)

    assert (plain.value, plain.error) == (exactly(0.7142857143), exactly(0.2102928834))
    assert (crossed.value, crossed.error) == (exactly(0.7143202709), exactly(0.2159570351))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), rows=st.integers(6, 40))
def test_errors_are_those_of_statsmodels(seed: int, rows: int):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(rows), rng.normal(size=(rows, 2))])
    outcome = rng.normal(size=rows)

    weights, errors = hc2(design, outcome)

    oracle = sm.OLS(outcome, design).fit(cov_type="HC2")
    np.testing.assert_allclose(weights, oracle.params, rtol=1e-8)
    np.testing.assert_allclose(errors, oracle.bse, rtol=1e-8)


def test_something_known_that_never_varies_changes_nothing():
    base, other = Arm(BASE.outcome, np.ones(8)), Arm(OTHER.outcome, np.ones(8))

    theta, found = cuped(base, other)

    assert (theta, found.difference) == (0.0, exactly(0.875))
