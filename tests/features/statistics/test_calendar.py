"""Calendar: the lead's own clock, against the standard library's and around the week's edges."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import compute
from features.instants import DAY, HOUR, MINUTE, parse
from features.statistics.calendar import Calendar, Part, part_of
from tests.builders import MONDAY, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.strategies import ZONES

parts = st.sampled_from(("hour", "weekday", "hour_of_week", "month_day", "year_sin", "year_cos"))
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
    part: Part,
    when: Literal["moment", "arrival"],
    zone: str | None,
):
    past = a_past(leads=a_lead_table(a_lead(created_at=created_at, zone=zone)))
    feature = Calendar("clock", part, when)

    matrix = compute(past, moments((0, -1, at)), [feature])

    twin = reference.column(past, feature, [(0, -1, at)])
    np.testing.assert_allclose(matrix.values[:, 0], twin, rtol=1e-6, atol=1e-6)


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


def test_a_month_begins_with_its_first_and_a_leap_day_is_the_29th():
    wall = np.array(
        [parse("2026-01-31T23:59:59Z"), parse("2026-02-01T00:00:00Z"), parse("2028-02-29T12:00:00Z")]
    )

    assert part_of(wall, "month_day").tolist() == [31, 1, 29]


def test_new_years_eve_lies_beside_new_years_day_and_midsummer_opposite():
    wall = np.array(
        [parse("2025-12-31T12:00:00Z"), parse("2026-01-01T12:00:00Z"), parse("2026-07-02T00:00:00Z")]
    )

    turn = np.stack([part_of(wall, "year_sin"), part_of(wall, "year_cos")], axis=1)

    assert np.linalg.norm(turn[0] - turn[1]) < 0.02
    assert turn[1] @ turn[2] < -0.99
