"""Where a lead may be: declared, by number, by region."""

from zoneinfo import ZoneInfo

import pytest

from features.whereabouts import _REGIONS, zones_of


def test_a_declared_zone_stands_alone():
    assert zones_of("+12125550123", "US", "CA", "Europe/Berlin") == ("Europe/Berlin",)


@pytest.mark.parametrize(
    ("phone", "country", "region", "zones"),
    [
        ("+12125550123", None, None, ("America/New_York",)),
        ("+12125550123", "US", "CA", ("America/Los_Angeles", "America/New_York")),
        ("+12125550123", None, "CA", ("America/Los_Angeles", "America/New_York")),
        ("+12125550123", "US", "US-NY", ("America/New_York",)),
        ("+4915112345678", "DE", "BY", ("Europe/Berlin",)),
        (None, "US", "FL", ("America/Chicago", "America/New_York")),
        ("+18005550123", "US", None, ()),
        ("+18005550123", "US", "AZ", ("America/Phoenix",)),
        ("+19995550123", None, None, ()),
        ("not a number", None, None, ()),
        (None, None, None, ()),
    ],
)
def test_number_and_region_each_add_their_zones(phone, country, region, zones):
    assert zones_of(phone, country, region, None) == zones


def test_every_zone_of_the_region_table_exists():
    for regions in _REGIONS.values():
        for zones in regions.values():
            assert all(ZoneInfo(zone) for zone in zones)
