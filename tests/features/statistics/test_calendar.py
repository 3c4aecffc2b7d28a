"""Calendar: the lead's own clock, against the standard library's and around the week's edges."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import compute
from features.instants import DAY, HOUR, MINUTE, parse
from features.statistics.calendar import Calendar, part_of
from tests.builders import MONDAY, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.strategies import ZONES

parts = st.sampled_from(("hour", "weekday", "hour_of_week"))
years = st.integers(parse("1990-01-02T00:00:00Z"), parse("2049-12-30T00:00:00Z"))


@settings(deadline=None, max_examples=300)
@given(
    at=years,
    created_at=years,
    part=parts,
    when=st.sampled_from(("moment", "arrival")),
    zone=st.sampled_from(ZONES),
)
def test_a_calendar_is_its_slow_twin(
    at: int,
    created_at: int,
    part: Literal["hour", "weekday", "hour_of_week"],
    when: Literal["moment", "arrival"],
    zone: str | None,
):
    past = a_past(leads=a_lead_table(a_lead(created_at=created_at, zone=zone)))
    feature = Calendar("clock", part, when)

    matrix = compute(past, moments((0, -1, at)), [feature])

    np.testing.assert_array_equal(matrix.values[:, 0], reference.column(past, feature, [(0, -1, at)]))


@pytest.mark.parametrize(
    ("after_monday", "hour", "weekday", "hour_of_week"),
    [
        (0, 0, 0, 0),
        (90 * MINUTE, 1.5, 0, 1),
        (DAY, 0, 1, 24),
        (7 * DAY - HOUR, 23, 6, 167),
        (7 * DAY, 0, 0, 0),
    ],
)
def test_the_week_begins_on_monday_at_midnight(after_monday, hour, weekday, hour_of_week):
    wall = np.array([MONDAY + after_monday])

    assert part_of(wall, "hour").tolist() == [hour]
    assert part_of(wall, "weekday").tolist() == [weekday]
    assert part_of(wall, "hour_of_week").tolist() == [hour_of_week]


def test_before_1970_the_week_is_the_same():
    assert part_of(np.array([MONDAY - 7 * 4000 * DAY]), "hour_of_week").tolist() == [0]


def test_one_instant_reads_differently_by_zone():
    leads = a_lead_table(a_lead(zone="Asia/Kolkata"), a_lead(zone="Etc/GMT+8"), a_lead())
    features = [Calendar("hour", "hour"), Calendar("weekday", "weekday")]

    matrix = compute(a_past(leads=leads), moments(*[(lead, -1, MONDAY) for lead in range(3)]), features)

    assert matrix.values.tolist() == [[5.5, 0], [16, 6], [0, 0]]
