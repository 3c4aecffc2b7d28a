"""Hours: nobody is called outside the hours of their own place, on the clock of every zone they may be in."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.instants import DAY, HOUR, NEVER
from features.kernel import BoolArray, Int64Array
from features.zones import local

from ..jurisdictions import MONDAY, QUARTER, Hours, jurisdictions
from ..rule import Caps, Rule, Verdict
from ..standing import Standing

HOURS_A_WEEK = 168
_BLOCK = 14 * DAY
_AHEAD = 14 * DAY
"""Longer than any row stays closed, holidays included."""


@dataclass(frozen=True)
class CallingHours:
    """All zones of a lead must show an hour that the row `id` of its place allows."""

    id: str
    withheld: str = "outside_hours"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid the leads whose place is closed by this row, until it opens."""
        opens = _per_site(standing, at, self.id, wanted=True)
        return Verdict.silent(len(standing)) if opens is None else Verdict.where(opens > at, opens)


@dataclass(frozen=True)
class Ahead:
    """The coming 168 whole hours of some leads, (leads, 168), by the clock of their (first) zone."""

    starts: Int64Array
    """The first one is the hour in which it is now."""
    hour: Int64Array
    """Of the lead's week: 0 is Monday midnight."""
    open: BoolArray
    """Whether a call may begin in all of it; nowhere without a zone."""


@dataclass(frozen=True)
class KnownZone:
    """Without a time zone nobody knows the hour."""

    id: str = "NO-TIMEZONE"
    withheld: str = "no_timezone"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid the leads without a zone."""
        return Verdict.where(standing.zone < 0)


def open_until(standing: Standing, at: int) -> Int64Array:
    """When the present window closes, by every row of the place; `at` itself where it is closed now."""
    closes = _per_site(standing, at, None, wanted=False)
    assert closes is not None
    return closes


def open_from(standing: Standing, at: int) -> Int64Array:
    """When all rows of the place allow, now or next; NEVER without a zone."""
    opens = _per_site(standing, at, None, wanted=True)
    assert opens is not None
    return np.where(standing.zone < 0, NEVER, opens)


def ahead(standing: Standing, at: int) -> Ahead:
    """The hours that lie ahead of each lead."""
    sites, site = standing.sites
    found = [_ahead(standing.zones[zone], place, at) for zone, place in sites]
    starts = at - at % HOUR + HOUR * np.arange(HOURS_A_WEEK)
    nowhere = Ahead(starts, (starts - MONDAY) // HOUR % HOURS_A_WEEK, np.zeros(HOURS_A_WEEK, np.bool_))
    each = [*found, nowhere]  # the last is for those without a site: -1
    columns = (np.stack([getattr(one, name) for one in each])[site] for name in ("starts", "hour", "open"))
    return Ahead(*columns)


def _ahead(zones: tuple[str, ...], place: int, at: int) -> Ahead:
    """Those of a site, each column (168,)."""
    now = _wall(np.array([at]), zones[0])[0]
    starts = at - now % HOUR + HOUR * np.arange(HOURS_A_WEEK)
    since, is_open = _spells(zones, place, None, int(starts[0]) // _BLOCK)
    quarters = starts[:, None] + QUARTER * np.arange(HOUR // QUARTER)
    spell = np.maximum(np.searchsorted(since, quarters, side="right") - 1, 0)
    hour = (_wall(starts, zones[0]) - MONDAY) // HOUR % HOURS_A_WEEK
    return Ahead(starts, hour, is_open[spell].all(axis=1))


def _wall(at: Int64Array, zone: str) -> Int64Array:
    return local(at, np.zeros(at.size, np.int64), (zone,))


def members() -> tuple[Rule, ...]:
    """One rule for each id in the table of hours, and the one about zones."""
    ids = {row.id: None for place in jurisdictions().places for row in place.hours}
    return (KnownZone(), *(CallingHours(id) for id in ids))


def _per_site(standing: Standing, at: int, id: str | None, *, wanted: bool) -> Int64Array | None:
    """For each lead the first instant from `at` on when it is open (or isn't); `at` where it has no zone.

    None where no lead stands in a place with a row of that id.
    """
    sites, site = standing.sites
    places = jurisdictions().places
    if id is not None and not any(row.id == id for _, place in sites for row in places[place].hours):
        return None
    answers = [_next(standing.zones[zone], place, id, at, wanted=wanted) for zone, place in sites]
    return np.array([*answers, at])[site]  # the last answers for those without a site: -1


def _next(zones: tuple[str, ...], place: int, id: str | None, at: int, *, wanted: bool) -> int:
    """The first instant from `at` on when the pair is open (`wanted`) or closed."""
    since, is_open = _spells(zones, place, id, at // _BLOCK)
    now = int(np.searchsorted(since, at, side="right")) - 1
    if bool(is_open[now]) == wanted:
        return at
    return int(since[now + 1]) if now + 1 < since.size else NEVER


@lru_cache(maxsize=16384)
def _spells(zones: tuple[str, ...], place: int, id: str | None, block: int) -> tuple[Int64Array, BoolArray]:
    """When a pair opens and closes in a block of days and some ahead: instants, and if open from then.

    Rows change at quarters of an hour and so do offsets, hence nothing happens inside a quarter.
    """
    grid = np.arange(block * _BLOCK, (block + 1) * _BLOCK + _AHEAD, QUARTER)
    rows = [row for row in jurisdictions().places[place].hours if id in (None, row.id)]
    is_open = np.logical_and.reduce([_allow(rows, grid, zone) for zone in zones])
    edges = np.flatnonzero(np.diff(is_open, prepend=~is_open[:1]))
    return grid[edges], is_open[edges]


def _allow(rows: list[Hours], grid: Int64Array, zone: str) -> BoolArray:
    wall = _wall(grid, zone)
    open_quarters: BoolArray = np.logical_and.reduce(
        [np.ones(grid.size, np.bool_), *(row.allow(wall) for row in rows)]
    )
    return open_quarters
