"""A site's clock: local days, shifts over midnight, hours of business, on days of 23 and 25 hours too."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, SECOND, parse, to_datetime
from features.site import Site

NIGHT = {"name": "night", "start": "22:00", "end": "06:00"}
LATE = {"name": "late", "start": "14:00", "end": "22:00"}
WEEK = {day: [{"start": "09:00", "end": "17:00"}] for day in ("mon", "tue", "wed", "thu", "fri")}
NEW_YORK = Site("America/New_York", (NIGHT, LATE), WEEK)
ZONE = ZoneInfo("America/New_York")
LONG = parse("2026-11-01T04:00Z")
"""Midnight in New York, before the night in which the clocks go back."""


def at(*told: str) -> np.ndarray:
    return np.array([parse(text) for text in told])


def test_a_local_day_lasts_as_long_as_the_clocks_say():
    days = [NEW_YORK.day(parse(f"{day}T12:00Z")) for day in ("2026-03-08", "2026-11-01", "2026-11-02")]

    lengths = [(NEW_YORK.begins(day + 1) - NEW_YORK.begins(day)) // HOUR for day in days]

    assert lengths == [23, 25, 24]


def test_a_shift_over_midnight_holds_both_evenings_and_mornings():
    found = NEW_YORK.shift(
        at("2026-03-09T02:30Z", "2026-03-09T09:59Z", "2026-03-09T10:00Z", "2026-03-09T19:00Z")
    )

    assert [found.levels[code] if code >= 0 else None for code in found.codes.tolist()] == [
        "night", "night", None, "late",
    ]  # fmt: skip


def test_nights_and_weekends_are_no_hours_of_business():
    friday, monday = parse("2026-10-30T20:30Z"), parse("2026-11-02T14:15Z")

    found = NEW_YORK.open_s(np.array([friday]), np.array([monday]))

    assert found.tolist() == [(30 + 15) * 60]


def test_a_site_without_hours_of_business_says_nothing_of_them():
    assert np.isnan(Site().open_s(at("2026-11-01T04:00Z"), at("2026-11-02T04:00Z"))).all()


def test_spells_that_overlap_count_once():
    twice = {"sun": [{"start": "08:00", "end": "12:00"}, {"start": "10:00", "end": "13:00"}]}

    found = Site(hours=twice).open_s(at("2026-11-01T00:00Z"), at("2026-11-02T00:00Z"))

    assert found.tolist() == [5 * 3600]


@settings(deadline=None, max_examples=40)
@given(
    since=st.integers(LONG - 9 * DAY, LONG + 9 * DAY).map(lambda when: when // MINUTE * MINUTE),
    minutes=st.integers(0, 4 * 24 * 60),
)
def test_hours_of_business_are_those_counted_minute_by_minute(since: int, minutes: int):
    when = since + np.arange(minutes) * MINUTE
    clocks = [to_datetime(int(one)).astimezone(ZONE) for one in when]
    open_ = sum(one.weekday() < 5 and 9 <= one.hour < 17 for one in clocks)

    found = NEW_YORK.open_s(np.array([since]), np.array([since + minutes * MINUTE]))

    assert found[0] == pytest.approx(open_ * MINUTE / SECOND)


@pytest.mark.parametrize(
    ("spells", "hours"),
    [
        ([("22:00", "02:00")], {22, 23, 0, 1}),
        ([("09:00", "09:00")], set(range(24))),
        ([("00:00", "24:00")], set(range(24))),
        ([("22:00", "02:00"), ("01:00", "03:00"), ("24:30", "05:30")], {22, 23, 0, 1, 2, 3, 4, 5}),
    ],
)
def test_a_spell_that_does_not_end_after_its_start_goes_on_into_the_next_day(spells, hours):
    said = [{"start": start, "end": end} for start, end in spells]
    site = Site("America/New_York", hours=dict.fromkeys((*WEEK, "sat", "sun"), said))
    starts = LONG + 2 * DAY + np.arange(24) * HOUR

    found = site.open_s(starts, starts + HOUR // 2)

    clocks = [to_datetime(int(one)).astimezone(ZONE).hour for one in starts]
    assert found.tolist() == [1800.0 * (clock in hours) for clock in clocks]


def test_a_night_of_business_belongs_to_the_weekday_on_which_it_begins():
    """25 October is a Sunday; on 1 November, at two, New York's clocks go back to one."""
    site = Site("America/New_York", hours={"sat": [{"start": "22:00", "end": "03:00"}]})

    found = site.spells(parse("2026-10-25T05:00Z"), parse("2026-11-08T04:00Z"))

    assert found == [
        (parse("2026-10-25T05:00Z"), parse("2026-10-25T07:00Z")),
        (parse("2026-11-01T02:00Z"), parse("2026-11-01T08:00Z")),
        (parse("2026-11-08T03:00Z"), parse("2026-11-08T04:00Z")),
    ]
