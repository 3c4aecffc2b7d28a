"""The week ahead: which hours lie before a lead, and how they become windows with evidence."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, parse
from features.kernel import BoolArray, Float64Array
from serving.rule import Caps
from serving.rules.hours import Ahead, ahead, open_until
from serving.week_ahead import best_windows, grade, windows_of_week
from tests.builders import MONDAY

from .rules.people import a_new_yorker, instants, people, standing_of


@dataclass(frozen=True)
class SureWeeks:
    """Weeks whose chances are given; `sure` of whatever is better than the mean."""

    p_answer: Float64Array
    sure: float = 0.97
    tried: BoolArray = field(default_factory=lambda: np.ones(168, np.bool_))

    doubt: float | Float64Array = 0.05

    def interval(self) -> tuple[Float64Array, Float64Array]:
        """So many points either way."""
        return self.p_answer - self.doubt, self.p_answer + self.doubt

    def sureness(self, hours: BoolArray, among: BoolArray) -> Float64Array:
        """The same for every window."""
        inside = (hours * self.p_answer[:, None]).sum(axis=2) / hours.sum(axis=2).clip(1)
        usual = (among * self.p_answer).sum(axis=1) / among.sum(axis=1).clip(1)
        return np.where(inside > usual[:, None], self.sure, 1 - self.sure)


def utc(at: int = MONDAY, first: int = 8, last: int = 21) -> Ahead:
    """The hours ahead of one lead in UTC, who may be called from `first` to `last`."""
    starts = at - at % HOUR + HOUR * np.arange(168)
    hour = (starts - MONDAY) // HOUR % 168
    may = (hour % 24 >= first) & (hour % 24 < last)
    return Ahead(starts[None], hour[None], may[None])


def a_week(**good: float) -> Float64Array:
    """One lead's chances: .1, but at some hours of every day, as in `h10=.4`."""
    p = np.full((1, 168), 0.1)
    for name, chance in good.items():
        p[0, int(name[1:]) :: 24] = chance
    return p


def test_of_windows_about_as_good_the_one_with_the_best_hour_is_told():
    p = a_week(h10=0.4)
    p[0, 3 * 24 + 10] = 0.405

    (window,) = best_windows(SureWeeks(p), utc(), MONDAY)

    assert window is not None
    assert window.start == MONDAY + 3 * DAY + 10 * HOUR


def test_of_equal_windows_the_next_one_is_told_with_the_hours_that_are_about_as_good():
    (window,) = best_windows(SureWeeks(a_week(h10=0.4, h11=0.4, h12=0.3)), utc(), MONDAY)

    assert window is not None
    assert (window.start, window.end) == (MONDAY + 10 * HOUR, MONDAY + 12 * HOUR)
    assert window.p_answer == pytest.approx(0.4)
    assert (window.interval.low, window.interval.high) == pytest.approx((0.35, 0.45))
    assert window.evidence == "moderate"


def test_hours_when_nobody_may_be_called_are_never_recommended():
    (window,) = best_windows(SureWeeks(a_week(h7=0.9, h9=0.3, h21=0.9)), utc(), MONDAY)

    assert window is not None
    assert (window.start, window.end) == (MONDAY + 9 * HOUR, MONDAY + 10 * HOUR)


def test_hours_at_which_nobody_was_ever_called_are_never_recommended():
    tried = np.arange(168) % 24 != 10

    (window,) = best_windows(SureWeeks(a_week(h10=0.9, h11=0.3), tried=tried), utc(), MONDAY)

    assert window is not None
    assert window.start == MONDAY + 11 * HOUR


def test_an_hour_that_looks_best_but_is_hardly_known_gives_way_to_one_that_is_known():
    doubt = np.where(np.arange(168) % 24 == 18, 0.2, 0.05)[None]

    (window,) = best_windows(SureWeeks(a_week(h10=0.4, h18=0.45), doubt=doubt), utc(), MONDAY)
    (sure,) = best_windows(SureWeeks(a_week(h10=0.4, h18=0.45)), utc(), MONDAY)

    assert window is not None
    assert sure is not None
    assert (window.start, sure.start) == (MONDAY + 10 * HOUR, MONDAY + 18 * HOUR)


def test_without_enough_evidence_nothing_is_recommended():
    weeks = SureWeeks(a_week(h10=0.4), sure=0.79)

    assert best_windows(weeks, utc(), MONDAY) == [None]
    assert windows_of_week(weeks, utc(), MONDAY) == ()


def test_a_lead_that_may_never_be_called_has_no_window():
    assert best_windows(SureWeeks(a_week(h10=0.4)), utc(first=0, last=0), MONDAY) == [None]


def test_a_window_that_has_begun_begins_now():
    at = MONDAY + 10 * HOUR + 20 * MINUTE

    (window,) = best_windows(SureWeeks(a_week(h10=0.4, h11=0.4)), utc(at), at)

    assert window is not None
    assert (window.start, window.end) == (at, MONDAY + 12 * HOUR)


def test_the_windows_of_a_week_hold_each_open_hour_once_in_order():
    weeks = SureWeeks(a_week(h10=0.4, h11=0.38, h15=0.25))

    told = windows_of_week(weeks, utc(), MONDAY)

    assert sum(window.end - window.start for window in told) == 7 * 13 * HOUR
    assert all(one.end <= other.start for one, other in pairwise(told))
    assert told[1].evidence == "moderate"
    assert max(told, key=lambda window: window.p_answer).start % DAY == 10 * HOUR


@pytest.mark.parametrize(
    ("sureness", "told"),
    [(0.995, "strong"), (0.95, "moderate"), (0.8, "weak"), (0.5, "none"), (0.002, "strong")],
)
def test_evidence_is_graded_by_how_sure_a_difference_is(sureness, told):
    assert grade(sureness) == told


@settings(deadline=None)
@given(at=instants, chosen=st.data())
def test_an_open_hour_ahead_is_open_by_the_rules_from_end_to_end(at, chosen):
    person = chosen.draw(people(at))
    hours = ahead(standing_of([person], Caps(), at), at)

    assert hours.starts.shape == hours.hour.shape == hours.open.shape == (1, 168)
    assert hours.starts[0, 0] <= at < hours.starts[0, 1]
    for start in hours.starts[0, hours.open[0]][::9].tolist():
        assert open_until(standing_of([person], Caps(), start), start)[0] >= start + HOUR
    assert person.zones or not hours.open.any()


def test_hours_ahead_are_those_of_the_leads_own_week_through_a_change_of_clocks():
    at = parse("2026-03-07T17:30Z")

    hours = ahead(standing_of([a_new_yorker()], Caps(), at), at)

    assert hours.starts[0, 0] == parse("2026-03-07T17:00Z")
    assert hours.hour[0, 0] == 5 * 24 + 12
    assert hours.hour[0, 24] == 6 * 24 + 13  # the night lost an hour
