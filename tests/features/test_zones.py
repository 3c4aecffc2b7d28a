"""Local time: tables of offsets must agree with the standard library, on the days clocks change above all."""

from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.instants import DAY, HOUR, MINUTE, SECOND, parse
from features.zones import local, offsets
from tests.features import reference

AWKWARD = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Boa_Vista",
    "America/St_Johns",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Antarctica/Casey",
    "Etc/GMT+8",
    "UTC",
)
"""Summer times of both halves of the world, half and quarter hours, a skipped day, weeks of Ramadan."""

instants = st.integers(parse("1990-01-01T00:00:00Z"), parse("2050-01-01T00:00:00Z") - 1)


def hours_of(day: str, next_day: str, zone: str) -> float:
    """How long a local day is."""
    middays = np.array([parse(f"{day}T12:00:00Z"), parse(f"{next_day}T12:00:00Z")])
    wall = local(middays, np.zeros(2, np.int64), [zone])
    return (2 * DAY - int(wall[1] - wall[0])) / HOUR


@pytest.mark.parametrize(
    ("day", "next_day", "zone", "hours"),
    [
        ("2026-03-28", "2026-03-29", "Europe/Berlin", 23),
        ("2026-10-24", "2026-10-25", "Europe/Berlin", 25),
        ("2026-03-07", "2026-03-08", "America/New_York", 23),
        ("2026-10-31", "2026-11-01", "America/New_York", 25),
        ("2026-10-03", "2026-10-04", "Australia/Sydney", 23),
        ("2026-04-04", "2026-04-05", "Australia/Sydney", 25),
        ("2026-10-03", "2026-10-04", "Australia/Lord_Howe", 23.5),
        ("2026-06-01", "2026-06-02", "Asia/Kolkata", 24),
    ],
)
def test_the_days_on_which_clocks_change_are_shorter_or_longer(day, next_day, zone, hours):
    assert hours_of(day, next_day, zone) == hours


@settings(deadline=None, max_examples=400)
@given(at=instants, zone=st.sampled_from(AWKWARD))
@example(at=parse("2000-10-11T12:00:00Z"), zone="America/Boa_Vista")
@example(at=parse("2011-12-30T09:59:59Z"), zone="Pacific/Apia")
@example(at=parse("2011-12-30T10:00:00Z"), zone="Pacific/Apia")
def test_the_wall_clock_is_the_standard_librarys(at: int, zone: str):
    wall = local(np.array([at]), np.zeros(1, np.int64), [zone])

    assert wall.tolist() == [reference.local(at, zone)]


@pytest.mark.parametrize("zone", AWKWARD)
def test_every_change_of_offset_is_found_to_the_second(zone: str):
    since, shift = offsets(zone)

    for start, offset, before in zip(
        since[1:].tolist(), shift[1:].tolist(), shift[:-1].tolist(), strict=True
    ):
        assert reference.local(start, zone) - start == offset
        assert reference.local(start - SECOND, zone) - (start - SECOND) == before


def test_in_spring_an_hour_is_skipped_and_in_autumn_one_comes_twice():
    spring, autumn = parse("2026-03-29T01:00:00Z"), parse("2026-10-25T01:00:00Z")
    at = np.array([spring - 1, spring, autumn - 1, autumn])

    wall = local(at, np.zeros(4, np.int64), ["Europe/Berlin"])

    assert wall[1] - wall[0] == HOUR + 1
    assert wall[3] - wall[2] == 1 - HOUR


def test_half_hours_and_quarters_are_kept():
    wall = local(np.zeros(2, np.int64), np.array([0, 1]), ["Asia/Kolkata", "Pacific/Chatham"])
    later = local(np.array([parse("2026-07-01T00:00:00Z")]), np.array([0]), ["Asia/Kathmandu"])

    assert wall[0] == 5 * HOUR + 30 * MINUTE
    assert later[0] - parse("2026-07-01T00:00:00Z") == 5 * HOUR + 45 * MINUTE


def test_zones_mix_in_a_column_and_an_unknown_one_reads_utc():
    at = np.full(3, parse("2026-07-01T12:00:00Z"))

    wall = local(at, np.array([1, -1, 0]), ["America/New_York", "Europe/Berlin"])

    assert ((wall - at) / HOUR).tolist() == [2, 0, -4]


def test_the_column_asked_about_is_left_as_it_was():
    at = np.zeros(1, np.int64)

    local(at, np.zeros(1, np.int64), ["Asia/Kolkata"])

    assert at.tolist() == [0]


def test_a_zone_nobody_knows_is_an_error():
    with pytest.raises(ZoneInfoNotFoundError):
        offsets("Mars/Olympus_Mons")
