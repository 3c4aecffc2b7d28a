"""Instants: read and written exactly, always with a zone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND, of, parse, render, to_datetime

years = st.integers(of(datetime(1, 1, 2, tzinfo=UTC)), of(datetime(9999, 12, 30, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-02T05:30:00+05:30", DAY),
        ("1969-12-31T20:00:00-05:00", HOUR),
        ("1970-01-01t00:01:00z", MINUTE),
        ("1970-01-01T00:00:01.500Z", SECOND * 3 // 2),
    ],
)
def test_an_instant_is_read_in_any_offset(text: str, instant: int):
    assert parse(text) == instant


@pytest.mark.parametrize(
    "text", ["2026-01-05T09:00:00", "2026-01-05", "yesterday", "", "2026-13-01T00:00:00Z"]
)
def test_what_names_no_instant_is_refused(text: str):
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_an_instant_without_a_fraction_is_written_without_one():
    assert render(0) == "1970-01-01T00:00:00Z"
    assert render(1) == "1970-01-01T00:00:00.000001Z"


@settings(deadline=None)
@given(at=years)
def test_what_is_written_is_read_back_to_the_microsecond(at: int):
    assert parse(render(at)) == at
    assert of(to_datetime(at)) == at


def test_never_is_later_than_every_year():
    assert of(datetime(9999, 12, 31, tzinfo=UTC)) < NEVER
