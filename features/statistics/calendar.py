"""Calendar: where a moment stands in the lead's own day, week, month and year."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..calls import Moments
from ..instants import DAY, HOUR
from ..kernel import Float32Array, Float64Array, Int64Array
from ..past import Past
from ..zones import local

Part = Literal["hour", "weekday", "hour_of_week", "month_day", "year_sin", "year_cos"]

_MONDAY = 4 * DAY  # 1970-01-01 was a Thursday
_YEAR = 365.2425 * DAY


@dataclass(frozen=True)
class Calendar:
    """Local `hour` (0 to 24, with fraction), `weekday` (0 = Monday), `hour_of_week`, `month_day` or season.

    The season is the turn of a mean year since 1970 as two numbers, so that New Year's Eve is close to New
    Year's Day: `year_cos` is highest at New Year, `year_sin` a quarter later. The clock is the lead's own
    (its IANA zone); a lead without a zone reads UTC. `when="arrival"` asks it of the lead's receipt.
    """

    name: str
    part: Part
    when: Literal["moment", "arrival"] = "moment"
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the part of the local clock."""
        now, lead = moments.at, moments.lead
        at = now if self.when == "moment" else past.leads.received(lead, now)
        zone = past.leads.words("zone", moments.lead, moments.at)
        out[:] = part_of(local(at, zone, past.leads.coded["zone"].levels), self.part)


def part_of(wall: Int64Array, part: Part) -> Float32Array:
    """The part of wall-clock instants."""
    if part == "hour":
        return np.asarray(wall % DAY / HOUR, np.float32)
    if part == "month_day":
        return np.asarray(_month_day(wall), np.float32)
    if part in ("year_sin", "year_cos"):
        turn = _turn(wall)
        return np.asarray(np.sin(turn) if part == "year_sin" else np.cos(turn), np.float32)
    week = (wall - _MONDAY) % (7 * DAY)
    return np.asarray(week // DAY if part == "weekday" else week // HOUR, np.float32)


def _month_day(wall: Int64Array) -> Int64Array:
    """1 for the first of a month."""
    day = (wall // DAY).astype("datetime64[D]")
    return np.asarray((day - day.astype("datetime64[M]")).astype(np.int64) + 1)


def _turn(wall: Int64Array) -> Float64Array:
    """How far the year has turned, in radians."""
    return np.asarray(2 * np.pi * (wall % _YEAR) / _YEAR, np.float64)


KINDS = (Calendar,)
