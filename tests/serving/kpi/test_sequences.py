"""Always-valid intervals: the reference values, and what is promised of daily looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.kernel import Float64Array
from serving.kpi.balance import detectable
from serving.kpi.intervals import compare, compare_relatively, share_figure
from serving.kpi.sequences import (
    FewUnits,
    Sequence,
    always_valid,
    mixture_boundary,
    mixture_ratio,
    mixture_scale,
)
from tests.serving.kpi.test_intervals import exactly

DAILY = Sequence()
FEW = FewUnits(tightest=28)


def test_the_sequence_of_two_shares_is_as_the_reference_says():
    control, treatment = share_figure(48, 1200), share_figure(540, 10800)
    plain, relative = compare(control, treatment), compare_relatively(control, treatment)

    around = DAILY.around(plain.difference, 12_000, plain.error)
    in_percent = DAILY.around(relative.difference, 12_000, relative.error)

    assert DAILY.rho2 == exactly(0.0015872309203475)
    assert DAILY.margin(12_000, plain.error) == exactly(0.0185575113800)
    assert (around.low, around.high) == (exactly(-0.0085575114), exactly(0.0285575114))
    assert (in_percent.low, in_percent.high) == (exactly(-0.3171685721), exactly(0.8171685721))
    assert DAILY.p(plain.difference, 12_000, plain.error) == 1.0


@pytest.mark.parametrize(
    ("n", "margin"),
    [
        (100, 0.6694388617),
        (1_000, 0.1063754701),
        (5_000, 0.0429243372),
        (12_000, 0.0280795063),
        (100_000, 0.0105520700),
    ],
)
def test_the_margin_of_a_units_spread_of_one_is_as_the_reference_says(n: int, margin: float):
    assert DAILY.margin(n, n**-0.5) == exactly(margin)


def test_at_its_tightest_it_is_1_55_times_a_fixed_interval():
    assert DAILY.margin(5_000, 1.0) / 1.959963984540054 == pytest.approx(1.549, abs=5e-4)


@given(n=st.floats(10, 1e6), z=st.floats(0.1, 8))
def test_p_falls_below_the_level_just_where_the_interval_leaves_zero(n: float, z: float):
    interval = DAILY.around(z, n, 1.0)

    assert (DAILY.p(z, n, 1.0) < 0.05) == (interval.low > 0)


def test_before_anything_was_seen_nothing_is_excluded():
    assert DAILY.margin(0, 1.0) == np.inf
    assert DAILY.p(3.0, 0, 1.0) == 1.0


def test_a_one_sided_end_is_nearer_than_the_two_sided_one():
    assert DAILY.around(1.0, 400, 0.1).low < DAILY.below(1.0, 400, 0.1) < 1.0


def test_the_normal_mixture_is_as_the_reference_says():
    rho = mixture_scale(0.05, 1_000)

    assert rho == pytest.approx(121.7734887, rel=1e-9)
    assert mixture_boundary(100, 0.05, rho) == exactly(38.2321833304)
    assert mixture_boundary(1_000, 0.05, rho) == exactly(95.9789980260)
    assert mixture_boundary(10_000, 0.05, rho) == exactly(324.6310754613)


@pytest.mark.parametrize(
    ("n", "ratio"), [(1_000, 0.9142458141), (5_000, 3.6475971041), (20_000, 4925.952077)]
)
def test_the_mixture_ratio_is_as_the_reference_says(n: int, ratio: float):
    assert mixture_ratio(0.01, n, 0.0475, 1e-4) == pytest.approx(ratio, rel=1e-9)


def test_a_p_value_of_every_look_never_rises():
    assert always_valid(np.array([0.4, 0.1, 0.3, 0.02])).tolist() == [0.4, 0.1, 0.1, 0.02]


LOOKS, AGENTS, RUNS = 30, 30, 1_000


def daily(rng: np.random.Generator, lift: float) -> tuple[Float64Array, Float64Array]:
    """(runs, looks): the difference of two arms' sales per agent-hour so far, and its error.

    Every agent serves both arms each day; agents differ, and so do their hours.
    """
    skill = rng.lognormal(0, 0.35, (RUNS, 1, AGENTS))
    arms = []
    for factor in (1.0, 1.0 + lift):
        hours = rng.uniform(2, 5, (RUNS, LOOKS, AGENTS))
        arms.append((rng.poisson(0.8 * factor * skill * hours).astype(float), hours))
    n = AGENTS * np.arange(1, LOOKS + 1)
    found = []
    for sales, hours in arms:
        y, x = sales.sum(axis=2).cumsum(axis=1), hours.sum(axis=2).cumsum(axis=1)
        yy, xx = (sales**2).sum(axis=2).cumsum(axis=1), (hours**2).sum(axis=2).cumsum(axis=1)
        xy, rate = (sales * hours).sum(axis=2).cumsum(axis=1), y / x
        found.append((rate, (yy - 2 * rate * xy + rate**2 * xx) * n / (n - 1) / x**2))
    return found[1][0] - found[0][0], np.sqrt(found[0][1] + found[1][1])


def margins() -> Float64Array:
    """The factor on the error at each day's look, tuned to the month."""
    sequence = Sequence(tightest=2 * AGENTS * LOOKS)
    return np.array([sequence.margin(2 * AGENTS * (day + 1), 1.0) for day in range(LOOKS)])


def test_of_a_thousand_months_of_equals_looked_at_daily_few_claim_a_lift():
    difference, error = daily(np.random.default_rng(5), lift=0.0)

    claimed = (np.abs(difference) > margins() * error).any(axis=1).mean()
    claimed_naively = (np.abs(difference) > 1.96 * error).any(axis=1).mean()

    assert claimed <= 0.05 < claimed_naively


def test_the_true_lift_stays_inside_on_every_day_of_most_months():
    difference, error = daily(np.random.default_rng(6), lift=0.1)
    truth = 0.08 * np.exp(0.35**2 / 2)

    inside = (np.abs(difference - truth) <= margins() * error).all(axis=1).mean()

    assert inside >= 0.93


def test_a_planted_tenth_is_found_as_often_as_was_said():
    rng, arm = np.random.default_rng(7), 77_000
    base, other = (rng.binomial(arm, rate, 4_000) / arm for rate in (0.02, 0.022))
    error = np.sqrt((base * (1 - base) + other * (1 - other)) / arm)

    found = ((other - base) / error > 1.96).mean()

    assert detectable(0.02, 2 * arm, holdout=0.5) == pytest.approx(0.1, abs=1e-3)
    assert found == pytest.approx(0.8, abs=0.03)


@given(n=st.integers(8, 2_000), z=st.floats(0.1, 40))
def test_of_few_units_p_falls_below_the_level_just_where_the_interval_leaves_zero(n: int, z: float):
    interval = FEW.around(z, n, 1.0)

    assert (FEW.p(z, n, 1.0) < 0.05) == (interval.low > 0)


def test_for_many_units_the_band_for_few_is_the_one_for_many():
    assert FEW.margin(10**7, 1.0) == pytest.approx(Sequence(tightest=28).margin(10**7, 1.0), rel=1e-5)


def test_units_too_few_for_a_band_have_none():
    assert FEW.margin(3, 1.0) == np.inf
    assert FEW.p(2.0, 1, 1.0) == 1.0


def test_the_band_for_few_units_strays_from_normal_ones_of_any_spread_no_more_than_it_says():
    """2,000 series of 60 units, looked at after each from the third on; nobody knows their spread."""
    units = np.random.default_rng(1).normal(0, 3.0, (2_000, 60))
    n = np.arange(1, 61)
    mean = units.cumsum(axis=1) / n
    squares = (units**2).cumsum(axis=1) - n * mean**2
    strayed = np.zeros(2_000, np.bool_)
    for look in range(2, 60):
        error = np.sqrt(squares[:, look] / look / (look + 1))
        strayed |= np.abs(mean[:, look]) > FEW.margin(look + 1, 1.0) * error

    assert 0.005 < strayed.mean() <= 0.05
