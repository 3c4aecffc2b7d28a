"""The slow, obvious twins of the calling rules: one lead, one instant, plain Python one can check by eye."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import serving
from features.instants import HOUR, MINUTE, NEVER, to_datetime
from serving.rule import Caps

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True)
class Person:
    """One lead as the twins see it; `calls` are the starts of its number's dials, oldest first."""

    zones: tuple[str, ...]
    country: str
    region: str
    calls: tuple[int, ...]
    closed: str
    callback_at: int
    not_before: int
    leased_until: int
    created_at: int
    has_phone: bool


@cache
def table() -> dict[str, Any]:
    return tomllib.loads((Path(serving.__path__[0]) / "rules/jurisdictions.toml").read_text())


def hours_row(id: str, person: Person) -> dict[str, Any] | None:
    """The row of that id that holds where the person is."""
    countries = {row["country"] for row in table()["hours"]}
    country = person.country if person.country in countries else "*"
    rows: list[dict[str, Any]] = table()["hours"]
    for row in rows:
        if (row["id"], row["country"]) == (id, country) and row.get("region", person.region) == person.region:
            return row
    return None


def open_here(row: dict[str, Any], zone: str, at: int) -> bool:
    """Whether the row allows a call at the wall clock of one zone."""
    wall = to_datetime(at).astimezone(ZoneInfo(zone))
    if wall.date() in table()["holidays"].get(row.get("holidays"), []):
        return False
    for key, spells in row.items():
        first, _, last = key.partition("-")
        if first not in DAYS or not DAYS.index(first) <= wall.weekday() <= DAYS.index(last or first):
            continue
        for spell in [spells] if isinstance(spells, str) else spells:
            low, high = (60 * int(edge.split(":")[0]) + int(edge.split(":")[1]) for edge in spell.split("-"))
            if low <= wall.hour * 60 + wall.minute < high:
                return True
    return False


def hours(id: str) -> Callable[[Person, Caps, int], bool]:
    def forbids(person: Person, caps: Caps, at: int) -> bool:
        row = hours_row(id, person)
        return row is not None and not all(open_here(row, zone, at) for zone in person.zones)

    return forbids


def calls_of_a_day(person: Person, at: int) -> int:
    return sum(at - 24 * HOUR < call <= at for call in person.calls)


def gap(person: Person, caps: Caps, at: int) -> bool:
    due = person.callback_at < NEVER and at >= person.callback_at - 15 * MINUTE
    return bool(person.calls) and at < person.calls[-1] + caps.min_gap and not due


def three_a_day(person: Person, caps: Caps, at: int) -> bool:
    return person.country == "US" and person.region in ("FL", "OK", "MD") and calls_of_a_day(person, at) >= 3


TWINS: dict[str, Callable[[Person, Caps, int], bool]] = {
    "NO-TIMEZONE": lambda person, caps, at: not person.zones,
    "CAP": lambda person, caps, at: calls_of_a_day(person, at) >= caps.per_day,
    "CAP-LIFETIME": lambda person, caps, at: len(person.calls) >= caps.lifetime,
    "GAP": gap,
    "AGE": lambda person, caps, at: (
        to_datetime(at) - to_datetime(person.created_at) > timedelta(microseconds=caps.max_age)
    ),
    "US-FL-3x24": three_a_day,
    "US-DNC": lambda person, caps, at: person.closed == "dnc" and person.country == "US",
    "DNC": lambda person, caps, at: person.closed == "dnc" and person.country != "US",
    "EU-OBJECT": lambda person, caps, at: person.closed == "objected",
    "CONVERTED": lambda person, caps, at: person.closed == "converted",
    "UNWORKABLE": lambda person, caps, at: person.closed == "unworkable",
    "NO-PHONE": lambda person, caps, at: not person.has_phone,
    "NOT-BEFORE": lambda person, caps, at: person.not_before > at,
    "LEASED": lambda person, caps, at: person.leased_until > at,
    **{row["id"]: hours(row["id"]) for row in table()["hours"]},
}
"""By rule id: does the rule forbid to call this person at this instant?"""
