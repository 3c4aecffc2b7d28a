"""Site: the clock of a campaign's floor: its local days, its named shifts, its hours of business."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np

from .instants import DAY, MINUTE, SECOND, of, to_datetime
from .kernel import Float64Array, Int64Array
from .leads import Coded
from .zones import local

Hours = Mapping[str, Sequence[Mapping[str, str]]]
"""By weekday the spells in which a site works, as `{start, end}` of local clocks.

A spell that doesn't end after its start goes on into the next day.
"""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Site:
    """Where and when a campaign's floor works."""

    zone: str = "UTC"
    shifts: Sequence[Mapping[str, str]] = ()
    """Each with `name`, `start` and `end`; one that doesn't end after its start goes over midnight."""
    hours: Hours | None = None

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "Site":
        """Read a campaign's stored settings."""
        return cls(
            str(settings.get("timezone") or "UTC"),
            cast("Sequence[Mapping[str, str]]", settings.get("shifts") or ()),
            cast("Hours | None", settings.get("business_hours")),
        )

    def day(self, at: int) -> int:
        """The local day of an instant, counted from 1970-01-01."""
        return int(self.days(np.array([at]))[0])

    def days(self, at: Int64Array) -> Int64Array:
        """The local days of instants."""
        return self._wall(at) // DAY

    def begins(self, day: int) -> int:
        """The instant at which a local day begins; it may last 23 or 25 hours."""
        return midnight(_EPOCH + timedelta(days=day), self.zone)

    def shift(self, at: Int64Array) -> Coded:
        """The first shift that each instant's wall clock is in."""
        clock = self._wall(at) % DAY
        codes = np.full(at.size, -1)
        for code, shift in reversed(list(enumerate(self.shifts))):
            start, end = _minutes(shift["start"]) * MINUTE, _minutes(shift["end"]) * MINUTE
            after, before = clock >= start, clock < end
            codes[(after & before) if start < end else (after | before)] = code
        return Coded(tuple(shift["name"] for shift in self.shifts), codes)

    def open_s(self, since: Int64Array, until: Int64Array) -> Float64Array:
        """Seconds of business between pairs of instants; NaN where no hours of business are set."""
        if not self.hours or not since.size:
            return np.full(since.size, np.nan)
        knots = np.array(self.spells(int(since.min()), int(until.max())), np.int64).reshape(-1, 2)
        worked = np.zeros(knots.shape, np.int64)
        worked[:, 1] = np.cumsum(knots[:, 1] - knots[:, 0])
        worked[1:, 0] = worked[:-1, 1]
        if not knots.size:
            return np.zeros(since.size)
        gone = [np.interp(at, knots.ravel(), worked.ravel()) for at in (since, until)]
        return np.asarray((gone[1] - gone[0]) / SECOND)

    def spells(self, since: int, until: int) -> list[tuple[int, int]]:
        """The working spells within [since, until), oldest first, none overlapping another."""
        found, last = list[tuple[int, int]](), since
        for start, end in sorted(self._told(since, until)):
            if max(start, last) < min(end, until):
                found.append((max(start, last), min(end, until)))
                last = min(end, until)
        return found

    def _told(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """The spells of all days that reach into [since, until), and of a few more."""
        day = to_datetime(since).astimezone(ZoneInfo(self.zone)).date() - timedelta(days=2)
        while midnight(day, self.zone) < until:
            for spell in (self.hours or {}).get(_WEEKDAYS[day.weekday()]) or ():
                start, end = _minutes(spell["start"]), _minutes(spell["end"])
                yield self._clock(day, start), self._clock(day, end if start < end else end + DAY // MINUTE)
            day += timedelta(days=1)

    def _wall(self, at: Int64Array) -> Int64Array:
        return local(at, np.zeros(at.size, np.int64), (self.zone,))

    def _clock(self, day: date, minutes: int) -> int:
        """A local time as an instant; minutes 1440 and later are the next day's."""
        days, minutes = divmod(minutes, DAY // MINUTE)
        clock = time(*divmod(minutes, 60))
        return of(datetime.combine(day + timedelta(days=days), clock, ZoneInfo(self.zone)))


def midnight(day: date, zone: str) -> int:
    """The instant at which a date begins on a zone's clocks."""
    return of(datetime.combine(day, time(), ZoneInfo(zone)))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)
