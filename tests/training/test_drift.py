"""Drift: PSI by hand, its limit under no drift, and shifts of kept promises found as planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.instants import DAY, HOUR
from tests.builders import MONDAY
from training.drift import SMALL, Days, days_of, psi, psi_limit, psi_noise, shift
from training.reference import STEADY, Wobble

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=12).filter(lambda counts: sum(counts) > 0)


def test_psi_by_hand():
    """Of 98 and 48 rows in two bins; one row more in each."""
    before, now = np.array([49.0, 49.0]), np.array([39.0, 9.0])

    assert psi(before, now) == pytest.approx((0.8 - 0.5) * np.log(1.6) + (0.2 - 0.5) * np.log(0.4))


@given(COUNTS, st.data())
def test_psi_is_never_negative_and_the_same_both_ways(counts, data):
    other = data.draw(st.lists(st.integers(0, 500), min_size=len(counts), max_size=len(counts)))
    before, now = np.array(counts, float), np.array(other, float)

    assert psi(before, now) >= 0
    assert psi(before, now) == pytest.approx(psi(now, before))
    assert psi(before, before) == 0


@given(COUNTS, st.randoms())
def test_psi_does_not_know_the_order_of_bins(counts, random):
    now = np.array([random.randint(0, 90) for _ in counts], float)
    order = random.sample(range(len(counts)), len(counts))
    before = np.array(counts, float)

    assert psi(before[order], now[order]) == pytest.approx(psi(before, now))


@given(COUNTS)
def test_the_further_rows_move_from_one_bin_to_another_the_larger_psi(counts):
    before = np.array(counts, float) + 50
    moved = [
        psi(before, before + np.eye(before.size)[0] * by - np.eye(before.size)[1] * by) for by in (0, 10, 40)
    ]

    assert moved[0] <= moved[1] <= moved[2]


@pytest.mark.parametrize(("n", "m"), [(100, 400), (300, 20_000), (2_000, 2_000)])
@pytest.mark.parametrize("bins", [2, 11])
def test_without_drift_psi_passes_its_limit_as_rarely_as_asked(n, m, bins):
    """2,000 pairs of samples of the same shares: about 20 pass a limit of 1 in 100, never many more."""
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.full(bins, 8.0))
    pairs = zip(rng.multinomial(m, shares, 2_000), rng.multinomial(n, shares, 2_000), strict=True)

    passed = sum(psi(a * 1.0, b * 1.0) > psi_noise(a * 1.0, b * 1.0, 0.01) for a, b in pairs)

    assert passed <= 36


def test_the_usual_limits_would_alarm_on_small_samples_alone():
    """.25 and 60 vectors a day against 60: noise alone passes it in one of three, ours in none."""
    rng = np.random.default_rng(6)
    pairs = rng.multinomial(60, np.full(11, 1 / 11), (2_000, 2)).astype(float)

    usual = np.mean([psi(a, b) > 0.25 for a, b in pairs])
    ours = np.mean([psi(a, b) > psi_limit(a, b, 1e-5) for a, b in pairs])

    assert usual > 0.2
    assert ours == 0


def test_a_limit_grows_with_the_wobble_and_falls_with_the_rows_but_never_below_the_least():
    few, many = np.array([40.0, 60.0]), np.array([40_000.0, 60_000.0])

    calm = psi_limit(many, few, 1e-4, STEADY)

    assert psi_limit(many, few, 1e-4, Wobble(5.0, 30)) > 5 * calm
    assert psi_limit(many, many, 1e-4, STEADY) == SMALL
    assert psi_limit(many, few, 1e-4, Wobble(1.0, 0)) == np.inf
    assert psi_limit(np.zeros(2), few, 1e-4, STEADY) == np.inf


def some_days(count: int, planted: float, last: int, rng: np.random.Generator) -> Days:
    """200 calls a day with honest chances, but for the last days, whose log-odds are shifted."""
    at = MONDAY + np.repeat(np.arange(count), 200) * DAY + HOUR
    odds = rng.normal(-1.0, 0.8, at.size)
    moved = odds + planted * (at >= MONDAY + (count - last) * DAY)
    label = (rng.random(at.size) < 1 / (1 + np.exp(-moved))).astype(float)
    return days_of(at, label, 1 / (1 + np.exp(-odds)))


def test_days_are_counted_without_what_nobody_knows():
    at = np.array([MONDAY, MONDAY + HOUR, MONDAY + DAY, MONDAY + DAY])
    label, chance = np.array([1.0, np.nan, 0.0, 1.0]), np.array([0.5, 0.5, 0.2, np.nan])

    found = days_of(at, label, chance)

    assert found.day.tolist() == [MONDAY // DAY, MONDAY // DAY + 1]
    assert (found.calls.tolist(), found.marked.tolist()) == ([1, 1], [1, 0])
    assert found.information.tolist() == pytest.approx([0.25, 0.16])


@pytest.mark.parametrize("planted", [-0.6, 0.5])
def test_a_planted_shift_is_found_at_about_its_size(planted):
    days = some_days(28, planted, 7, np.random.default_rng(7))

    found = shift(days, int(days.day[-7]))

    assert found.by == pytest.approx(planted, abs=0.15)
    assert abs(found.by) > found.limit(1e-4)


def test_without_a_shift_its_limit_is_passed_as_rarely_as_asked():
    """300 floors of 28 days, asked at 1 in 50: 6 expected."""
    rng = np.random.default_rng(8)
    floors = (some_days(28, 0.0, 7, rng) for _ in range(300))

    found = [shift(days, int(days.day[-7])) for days in floors]

    assert sum(abs(one.by) > one.limit(0.02) for one in found) <= 14


def test_days_that_scatter_by_themselves_need_a_larger_shift():
    """Days whose log-odds wander by .5 of themselves: the chances alone would be far too sure."""
    rng = np.random.default_rng(9)
    calm = some_days(28, 0.0, 7, rng)
    wild = Days(
        calm.day,
        calm.calls,
        calm.marked + calm.information * rng.normal(0, 0.5, 28),
        calm.expected,
        calm.information,
    )

    assert shift(wild, int(wild.day[-3])).error > 2 * shift(calm, int(calm.day[-3])).error
