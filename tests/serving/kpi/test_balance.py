"""Arms that got other shares than promised, and how small a lift can be seen."""

import pytest

from serving.kpi.balance import detectable, sample_ratio
from serving.kpi.sequences import Sequence
from tests.serving.kpi.test_intervals import exactly


def test_a_mismatch_is_as_the_reference_says():
    found = sample_ratio([1_290, 10_710], [10, 90])

    assert (found.chi2, found.p) == (exactly(7.5), exactly(0.0061698993))
    assert not found.blocks


def test_a_gross_mismatch_blocks_a_verdict():
    assert sample_ratio([1_500, 10_500], [10, 90]).blocks


def test_nobody_yet_is_no_mismatch():
    assert sample_ratio([0, 0], [10, 90]).p == 1.0


def test_an_arm_meant_to_have_nobody_is_an_error():
    with pytest.raises(ValueError, match="share above 0"):
        sample_ratio([3, 4], [0, 1])


@pytest.mark.parametrize(
    ("leads", "holdout", "lift"),
    [(20_000, 0.1, 0.46), (50_000, 0.1, 0.29), (100_000, 0.1, 0.21), (100_000, 0.5, 0.12)],
)
def test_the_detectable_lift_of_two_sales_in_a_hundred_is_as_published(
    leads: int, holdout: float, lift: float
):
    assert detectable(0.02, leads, holdout) == pytest.approx(lift, abs=0.006)


def test_daily_looks_cost_power():
    assert detectable(0.02, 20_000, 0.1, sequence=Sequence()) > 1.3 * detectable(0.02, 20_000, 0.1)
