"""Why a KPI moved: the reference values, and parts that always add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from serving.kpi.decomposition import funnel, log_mix_and_rate, mix_and_rate, shapley, threefold
from tests.serving.kpi.test_intervals import exactly

PERIODS = (
    np.array([400.0, 100, 500]),
    np.array([32.0, 12, 15]),
    np.array([300.0, 200, 800]),
    np.array([27.0, 22, 20]),
)
BEFORE, AFTER = [52, 0.18, 0.06, 400], [58, 0.16, 0.072, 390]

counts = arrays(np.float64, 4, elements=st.integers(0, 1_000).map(float))
some = st.tuples(counts, counts, counts, counts).filter(lambda all_: all_[0].sum() > 0 and all_[2].sum() > 0)


def test_mix_and_rate_are_as_the_reference_says():
    found = mix_and_rate(*PERIODS)

    np.testing.assert_allclose(found.mix, [-0.0049011834, 0.0031748521, -0.0032928994], atol=6e-11)
    np.testing.assert_allclose(found.rate, [0.0031538462, -0.0012692308, -0.0027884615], atol=6e-11)
    assert found.mix.sum() == exactly(-0.0050192308)
    assert found.rate.sum() == exactly(-0.0009038462)


def test_the_threefold_and_the_logarithmic_split_are_as_the_reference_says():
    three, logarithmic = threefold(*PERIODS), log_mix_and_rate(*PERIODS)

    assert (three.endowment, three.coefficient, three.interaction) == (
        exactly(-0.0036153846),
        exactly(0.0005),
        exactly(-0.0028076923),
    )
    assert logarithmic.mix.sum() == exactly(-0.0049674270)
    assert logarithmic.rate.sum() == pytest.approx(-0.0009556500, abs=2e-10)


def test_a_funnels_factors_are_as_the_reference_says():
    logarithmic = funnel(BEFORE, AFTER)
    averaged = shapley(BEFORE, AFTER, lambda factors: float(factors.prod()))

    np.testing.assert_allclose(logarithmic, [26.44444479, -28.52314267, 44.15223081, -6.13113294], rtol=1e-8)
    np.testing.assert_allclose(averaged, [26.5404, -28.7068, 44.2724, -6.1636], rtol=1e-9)
    assert logarithmic.sum() == pytest.approx(35.9424, rel=1e-12)


@given(periods=some)
def test_the_parts_add_up_to_the_whole_move(periods):
    n0, y0, n1, y1 = periods
    y0, y1 = np.minimum(y0, n0), np.minimum(y1, n1)

    found, three = mix_and_rate(n0, y0, n1, y1), threefold(n0, y0, n1, y1)

    move = y1.sum() / n1.sum() - y0.sum() / n0.sum()
    assert found.mix.sum() + found.rate.sum() == pytest.approx(move, abs=1e-12)
    assert three.endowment + three.coefficient + three.interaction == pytest.approx(move, abs=1e-12)


@given(periods=some, order=st.permutations(range(4)))
def test_the_order_of_segments_changes_nothing_and_swapped_periods_turn_the_signs(periods, order):
    n0, y0, n1, y1 = periods
    y0, y1 = np.minimum(y0, n0), np.minimum(y1, n1)
    found = mix_and_rate(n0, y0, n1, y1)

    shuffled = mix_and_rate(n0[order], y0[order], n1[order], y1[order])
    swapped = mix_and_rate(n1, y1, n0, y0)

    np.testing.assert_allclose(shuffled.mix, found.mix[order], atol=1e-12)
    np.testing.assert_allclose(swapped.mix, -found.mix, atol=1e-12)
    np.testing.assert_allclose(swapped.rate, -found.rate, atol=1e-12)


def test_a_segment_that_appears_is_all_mix():
    found = mix_and_rate(*(np.array(column, float) for column in ([100, 0], [10, 0], [100, 100], [10, 50])))

    assert found.rate.tolist() == [0, 0]


def test_a_factor_of_zero_still_adds_up():
    assert funnel([2.0, 0.0], [2.0, 3.0]).sum() == pytest.approx(6.0)


def test_a_period_without_units_and_too_many_factors_are_errors():
    empty, one = np.zeros(1), np.ones(1)

    with pytest.raises(ValueError, match="without units"):
        mix_and_rate(empty, empty, one, one)
    with pytest.raises(ValueError, match="at most 6"):
        shapley([1] * 7, [2] * 7, lambda factors: float(factors.prod()))
