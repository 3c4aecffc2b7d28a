"""Goals: each definition of what is hot, late or short, by examples one can check by eye."""

import numpy as np
import pytest

from features.instants import DAY, HOUR, MINUTE, SECOND, parse
from serving.goals import Goals, chance, elapsed, hottest, late, period_of, sold_leads

MONDAY = parse("2026-01-05T00:00:00Z")
OFFICE = {day: [{"start": "09:00", "end": "17:00"}] for day in ("mon", "tue", "wed", "thu", "fri")}


def test_the_best_twentieth_is_hot():
    score = np.arange(100, dtype=float)

    assert np.flatnonzero(hottest(score)).tolist() == [95, 96, 97, 98, 99]


def test_of_few_leads_the_best_one_is_hot_and_unscored_ones_never():
    assert hottest(np.array([np.nan, 1.0, 3.0, 2.0])).tolist() == [False, False, True, False]
    assert not hottest(np.array([np.nan, np.nan])).any()
    assert hottest(np.empty(0)).size == 0


def test_a_lead_is_at_risk_from_four_fifths_of_the_goal_until_twice_it_unless_called():
    waited = np.array([239, 240, 599, 600, 300]) * SECOND

    risky = late(MONDAY - waited, np.array([0, 0, 0, 0, 1]), 300 * SECOND, MONDAY)

    assert risky.tolist() == [False, True, True, False, False]


@pytest.mark.parametrize(("period", "since", "until"), [
    ("day", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    ("week", "2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
    ("month", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
])  # fmt: skip
def test_periods_are_local_even_over_a_change_of_clocks(period: str, since: str, until: str):
    at = parse("2026-03-29T12:00:00Z")

    assert period_of(period, "Europe/Berlin", at) == (parse(since), parse(until))


def test_december_ends_with_the_year():
    since, until = period_of("month", "UTC", parse("2026-12-31T23:59:59Z"))

    assert (since, until) == (parse("2026-12-01T00:00:00Z"), parse("2027-01-01T00:00:00Z"))


def test_time_goes_by_while_the_site_works():
    week = MONDAY, MONDAY + 7 * DAY

    def gone(after):
        return elapsed(OFFICE, "UTC", week[0], MONDAY + after, week[1])

    assert gone(9 * HOUR) == 0
    assert gone(13 * HOUR) == pytest.approx(4 / 40)
    assert gone(DAY) == pytest.approx(8 / 40)
    assert gone(5 * DAY) == gone(6 * DAY) == 1
    assert elapsed(None, "UTC", *week[:1], MONDAY + DAY, week[1]) == pytest.approx(1 / 7)
    assert elapsed({}, "UTC", week[0], MONDAY + DAY, week[1]) == pytest.approx(1 / 7)


def test_a_day_may_be_worked_until_its_end():
    hours = {"mon": [{"start": "20:00", "end": "24:00"}]}

    assert elapsed(hours, "UTC", MONDAY, MONDAY + 22 * HOUR, MONDAY + DAY) == pytest.approx(0.5)


def test_a_chance_agrees_with_drawing_rates_and_sales():
    """The slow twin: a rate from what is known so far, then sales at that rate."""
    rng = np.random.default_rng(1)
    rates = rng.gamma(20.5, 1 / 0.5, 200_000)
    coming = rng.poisson(rates * 0.5)

    assert chance(20, 45, 0.5) == pytest.approx(np.mean(coming >= 25), abs=0.005)


def test_a_chance_at_the_ends():
    assert chance(50, 50, 0.1) == 1
    assert chance(49, 50, 1.0) == 0
    assert chance(0, 50, 0.0) == 1
    assert chance(0, 50, 0.01) > 0.1  # too early to say
    assert chance(0, 50, 0.5) < 0.001
    assert chance(25, 50, 0.5) > 0.4


def test_a_sale_counts_once_and_not_when_it_was_taken_back():
    called, recorded, cancelled = np.array([1, 2, 2]), np.array([2, 3]), np.array([3])

    assert sold_leads(called, recorded, cancelled, confirmation=False).tolist() == [1, 2]
    assert sold_leads(called, recorded, cancelled, confirmation=True).tolist() == [2]


def test_a_campaign_that_sets_no_goal_has_none():
    assert (Goals.of({}).response, Goals.of({}).target) == (None, None)
    assert Goals.of({"response_goal_s": 300}).response == 5 * MINUTE
