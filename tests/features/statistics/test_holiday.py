"""Holidays: those of the lead's own country, region and clock, against the package asked day by day."""

import sys
from subprocess import run

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import compute
from features.instants import HOUR, parse
from features.statistics.holiday import Holiday, UntilHoliday, holidays_of
from tests.builders import MONDAY, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.strategies import ZONES

TODAY, AHEAD = Holiday("today"), UntilHoliday("ahead")
years = st.integers(parse("2010-01-01T00:00:00Z"), parse("2030-12-31T23:00:00Z"))


@settings(deadline=None, max_examples=60)
@given(
    at=years,
    country=st.sampled_from(["DE", "US", "GB", "XX", None]),
    region=st.sampled_from(["BY", "CA", "SCT", "red", None]),
    zone=st.sampled_from(ZONES),
)
def test_holidays_are_their_slow_twins(at: int, country: str | None, region: str | None, zone: str | None):
    past = a_past(leads=a_lead_table(a_lead(country=country, region=region, zone=zone)))

    matrix = compute(past, moments((0, -1, at)), [TODAY, AHEAD])

    for place, feature in enumerate(matrix.features):
        twin = reference.column(past, feature, [(0, -1, at)])
        np.testing.assert_array_equal(matrix.values[:, place], twin)


def test_epiphany_is_a_holiday_in_bavaria_but_not_in_berlin():
    regions = ("BY", "DE-BY", "Bayern", "BE", None)
    leads = a_lead_table(*[a_lead(country="DE", region=region) for region in regions])
    epiphany = parse("2026-01-06T12:00:00Z")

    matrix = compute(a_past(leads=leads), moments(*[(n, -1, epiphany) for n in range(5)]), [TODAY])

    assert matrix.values[:, 0].tolist() == [1, 1, 1, 0, 0]


def test_new_year_begins_by_the_leads_own_clock():
    leads = a_lead_table(a_lead(country="US", zone="America/Los_Angeles"), a_lead(country="US"))
    at = parse("2026-01-01T07:00:00Z")

    matrix = compute(
        a_past(leads=leads), moments((0, -1, at), (1, -1, at), (0, -1, at + HOUR)), [TODAY, AHEAD]
    )

    assert matrix.values.tolist() == [[0, 1], [1, 0], [1, 0]]


def test_a_far_holiday_is_at_most_two_weeks_away():
    leads = a_lead_table(a_lead(country="DE"))

    matrix = compute(a_past(leads=leads), moments((0, -1, parse("2026-08-01T12:00:00Z"))), [AHEAD])

    assert matrix.values.tolist() == [[14]]


@pytest.mark.parametrize("country", [None, "XX"])
def test_nothing_is_said_of_a_country_that_is_unknown(country: str | None):
    leads = a_lead_table(a_lead(country=country), a_lead(country="US"))

    matrix = compute(a_past(leads=leads), moments((0, -1, MONDAY), (1, -1, MONDAY)), [TODAY, AHEAD])

    assert np.isnan(matrix.values[0]).all()
    assert not np.isnan(matrix.values[1]).any()


def test_a_year_of_a_place_is_looked_up_once():
    assert holidays_of("DE", "BY", 2026) is holidays_of("DE", "BY", 2026)


def test_the_tables_are_not_loaded_before_a_country_is_known():
    code = "import sys; from features.compute import warm_up; warm_up(); sys.exit('holidays' in sys.modules)"

    assert run([sys.executable, "-c", code], check=False).returncode == 0
