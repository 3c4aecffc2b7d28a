"""Calendar: where a moment stands in the lead's own day and week."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..calls import Moments
from ..instants import DAY, HOUR
from ..kernel import Float32Array, Int64Array
from ..past import Past
from ..zones import local

_MONDAY = 4 * DAY  # 1970-01-01 was a Thursday


@dataclass(frozen=True)
class Calendar:
    """Local `hour` (0 to 24, with fraction), `weekday` (0 = Monday) or `hour_of_week` (0 to 167).

    The clock is the lead's own (its IANA zone); a lead without a zone reads UTC. `when="arrival"` asks it of
    the instant at which the lead was received.
    """

    name: str
    part: Literal["hour", "weekday", "hour_of_week"]
    when: Literal["moment", "arrival"] = "moment"
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the part of the local clock."""
        at = moments.at if self.when == "moment" else past.leads.created_at[moments.lead]
        zone = past.leads.words("zone", moments.lead, moments.at)
        out[:] = part_of(local(at, zone, past.leads.coded["zone"].levels), self.part)


def part_of(wall: Int64Array, part: Literal["hour", "weekday", "hour_of_week"]) -> Float32Array:
    """The part of wall-clock instants."""
    week = (wall - _MONDAY) % (7 * DAY)
    found = {"hour": wall % DAY / HOUR, "weekday": week // DAY, "hour_of_week": week // HOUR}[part]
    return np.asarray(found, np.float32)


KINDS = (Calendar,)
