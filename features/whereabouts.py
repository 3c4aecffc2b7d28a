"""Whereabouts: the time zones a lead may be in, from what it declares, its number and its region."""

from functools import lru_cache

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

_UNKNOWN = "Etc/Unknown"
_FREE_OF_PLACE = 8
"""A North American number whose prefix allows more zones than this (toll-free, say) tells no place."""


@lru_cache(maxsize=262144)
def zones_of(
    phone: str | None, country: str | None, region: str | None, declared: str | None
) -> tuple[str, ...]:
    """The IANA zones that must all allow a call, sorted; empty where none is derivable.

    A declared zone stands alone. Else every zone of the number's prefix and of the region counts, also where
    they disagree. A postal code adds nothing yet: no table of them ships.
    """
    if declared:
        return (declared,)
    return tuple(sorted({*_of_number(phone or ""), *_of_region(country, region, phone)}))


@lru_cache(maxsize=65536)
def country_of(phone: str) -> str | None:
    """The ISO code of the country whose (whole) number this is, or None."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None


def _of_number(phone: str) -> tuple[str, ...]:
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ()
    zones = tuple(zone for zone in time_zones_for_number(number) if zone != _UNKNOWN)
    return () if number.country_code == 1 and len(zones) > _FREE_OF_PLACE else zones


def _of_region(country: str | None, region: str | None, phone: str | None) -> tuple[str, ...]:
    land = (country or ("US" if (phone or "").startswith("+1") else "")).upper()
    name = (region or "").upper().removeprefix(f"{land}-")
    return _REGIONS.get(land, {}).get(name, ())


def _spread(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """By region what the table says by zone."""
    regions = sorted({region for names in table.values() for region in names.split()})
    return {
        region: tuple(zone for zone, names in table.items() if region in names.split()) for region in regions
    }


# A state that two zones share stands in both lines: both must allow.
_REGIONS = {
    "US": _spread(
        {
            "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC TN VA VT WV",
            "America/Chicago": "AL AR FL IA IL IN KS KY LA MI MN MO MS ND NE OK SD TN TX WI",
            "America/Denver": "CO ID KS MT ND NE NM OR SD TX UT WY",
            "America/Phoenix": "AZ",
            "America/Los_Angeles": "CA ID NV OR WA",
            "America/Anchorage": "AK",
            "America/Adak": "AK",
            "Pacific/Honolulu": "HI",
            "America/Puerto_Rico": "PR",
            "Pacific/Guam": "GU",
        }
    ),
    "CA": _spread(
        {
            "America/St_Johns": "NL",
            "America/Halifax": "NB NL NS PE",
            "America/Toronto": "NU ON QC",
            "America/Winnipeg": "MB NU ON",
            "America/Regina": "SK",
            "America/Edmonton": "AB BC NT NU",
            "America/Vancouver": "BC",
            "America/Whitehorse": "YT",
        }
    ),
}
