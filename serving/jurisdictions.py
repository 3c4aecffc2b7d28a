"""Jurisdictions: the table of calling hours and frequencies by place, read from rules/jurisdictions.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files

import numpy as np

from features.instants import DAY, HOUR, MINUTE
from features.kernel import BoolArray, Int64Array
from features.whereabouts import country_of

QUARTER = 15 * MINUTE
QUARTERS_A_WEEK = 7 * DAY // QUARTER
MONDAY = 4 * DAY  # 1970-01-01 was a Thursday
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Hours:
    """One row of hours: when a place may be called, by its own wall clock."""

    id: str
    open_quarters: BoolArray
    """One entry per quarter of an hour of the week, from Monday 00:00."""
    holidays: Int64Array
    """Local days since the epoch on which it is closed, ascending."""

    def allow(self, wall: Int64Array) -> BoolArray:
        """Whether the row allows a call at wall-clock instants."""
        quarter = (wall - MONDAY) % (7 * DAY) // QUARTER
        allowed: BoolArray = self.open_quarters[quarter] & ~np.isin(wall // DAY, self.holidays)
        return allowed


@dataclass(frozen=True)
class Frequency:
    """One row of frequency: at most `per_24h` calls per person in any 24 hours."""

    id: str
    per_24h: int


@dataclass(frozen=True)
class Abandonment:
    """One row of abandonment: over what time the abandoned share of live answers counts, and its limit."""

    id: str
    within: int
    """Up to now, in microseconds."""
    most: float
    """A share that no campaign's own cap exceeds."""


@dataclass(frozen=True)
class Place:
    """A country, or one state of it, with every row that holds there."""

    country: str
    region: str
    hours: tuple[Hours, ...]
    frequencies: tuple[Frequency, ...]
    abandonment: int
    """Which row of abandonment holds, -1 none."""


@dataclass(frozen=True)
class Jurisdictions:
    """All places with rows of their own; a place's code is its position, 0 is the place without any."""

    places: tuple[Place, ...]
    codes: Mapping[tuple[str, str], int]
    states: Mapping[str, str]
    """State by the three digits of a North American area code."""
    abandonments: tuple[Abandonment, ...]

    def code(self, country: str | None, region: str | None, phone: str | None) -> int:
        """The place where somebody is reached: as declared, else as the number says."""
        if not country and not phone:
            return 0
        land = (country or country_of(phone or "") or "*").upper()
        land = "GB" if land == "UK" else land
        state = (region or "").upper().removeprefix(f"{land}-")
        if land == "US" and len(state) != _LETTERS:
            state = self.states.get((phone or "")[2:5], "")
        return self.codes.get((land, state), self.codes.get((land, ""), 0))


_LETTERS = 2
"""A state's code has as many; what else a lead calls its region tells no state."""


@lru_cache(maxsize=1)
def jurisdictions() -> Jurisdictions:
    """The table as shipped."""
    text = files(__package__).joinpath("rules/jurisdictions.toml").read_text(encoding="utf-8")
    return _read(tomllib.loads(text))


def _read(table: Mapping[str, object]) -> Jurisdictions:
    hours, frequencies = _rows(table["hours"]), _rows(table["frequency"])
    holidays = _mapping(table["holidays"])
    caps = _rows(table["abandonment"])
    of_country = {row["country"]: number for number, row in enumerate(caps)}
    names = {(row["country"], "") for row in hours} | {_place(row) for row in (*hours, *frequencies)}
    ordered = [("*", ""), *sorted(name for name in names if name != ("*", ""))]
    places = [
        Place(
            country,
            region,
            tuple(_hours(row, holidays) for row in hours if _holds(row, country, region)),
            tuple(
                Frequency(str(row["id"]), int(str(row["per_24h"])))
                for row in frequencies
                if _holds(row, country, region)
            ),
            of_country.get(country, -1),
        )
        for country, region in ordered
    ]
    areas = _mapping(table["area_codes"])
    states = {str(code): state for state, codes in areas.items() for code in codes}
    codes = {name: code for code, name in enumerate(ordered)}
    return Jurisdictions(tuple(places), codes, states, tuple(_abandonment(row) for row in caps))


def _abandonment(row: Mapping[str, str]) -> Abandonment:
    return Abandonment(row["id"], int(row["within_h"]) * HOUR, float(row.get("most", 1.0)))


def _rows(found: object) -> Sequence[Mapping[str, str]]:
    assert isinstance(found, list)
    return found


def _mapping(found: object) -> Mapping[str, Sequence[date]]:
    assert isinstance(found, dict)
    return found


def _place(row: Mapping[str, str]) -> tuple[str, str]:
    return row["country"], row.get("region", "")


def _holds(row: Mapping[str, str], country: str, region: str) -> bool:
    return _place(row) in {(country, ""), (country, region)}


def _hours(row: Mapping[str, str], holidays: Mapping[str, Sequence[date]]) -> Hours:
    week = np.zeros(QUARTERS_A_WEEK, np.bool_)
    for key, spells in row.items():
        first, _, last = key.partition("-")
        if first in _DAYS and (last or first) in _DAYS:
            for day in range(_DAYS.index(first), _DAYS.index(last or first) + 1):
                for spell in _spells(spells):
                    _open(week, day, spell)
    closed = [(day - date(1970, 1, 1)).days for day in holidays.get(row.get("holidays", ""), ())]
    return Hours(row["id"], week, np.array(sorted(closed), np.int64))


def _spells(spells: object) -> Sequence[str]:
    return spells if isinstance(spells, list) else [str(spells)]


def _open(week: BoolArray, day: int, spell: str) -> None:
    first, last = (int(hour) * 4 + int(minute) // 15 for hour, minute in _clock(spell))
    week[day * 96 + first : day * 96 + last] = True


def _clock(spell: str) -> list[tuple[str, str]]:
    return [(hour, minute) for hour, _, minute in (edge.partition(":") for edge in spell.split("-"))]
