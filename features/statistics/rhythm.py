"""Rhythm: when of the week a lead answered so far."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..asked import Asked
from ..kernel import Float32Array, Float64Array, Int64Array, kernel
from ..past import Past, Who
from ..scan import Seen, actors_asked, blank_nobody, own, seen_by
from ..tape import Tape

OTHER_DAYS = 0.5
"""What a call on a weekday tells of the weekend, and the other way round, beside 1 for days of a kind."""

_SATURDAY = 5 * 24


@dataclass(frozen=True)
class Rhythm:
    """A lead's own rate of `of` per `per` about this hour of its day, shrunk to its rate at all hours.

    (Σ k·of + r·n) / (Σ k·per + n) over its facts, where k = exp(-½ (d / width)²), half of it between weekday
    and weekend; d is the distance of the hours on the lead's clock, round the day, and r the rate at all
    hours, (Σ of + p·n) / (Σ per + n) with `prior=(p, n)`.
    """

    name: str
    prior: tuple[float, float]
    of: str = "answered"
    per: str = "calls"
    width: float = 2.0
    """Hours."""
    by: ClassVar[str] = "lead"
    copies: ClassVar[tuple[str, ...]] = ("week_hour",)
    categorical: ClassVar[bool] = False

    @property
    def sums(self) -> tuple[str, ...]:
        """Both marks."""
        return (self.of, self.per)

    def scan(self, tape: Tape, asked: Asked, ends: Int64Array, past: Past, out: Float32Array) -> None:
        """Write the rates."""
        spec, lead = tape.spec, np.minimum(actors_asked(asked), len(past.leads) - 1)
        now = past.week_hour(Who(lead, lead, asked.at, asked.at))
        near = np.exp(-0.5 * (np.arange(13) / self.width) ** 2)
        columns = np.array([spec.column(self.of), spec.column(self.per), spec.column("week_hour")])
        rate, size = map(float, self.prior)
        rate_about(seen_by(tape, asked, ends), tape.entries.state, columns, now, near, rate, size, out)
        blank_nobody(asked, out)


@kernel
def rate_about(
    seen: Seen,
    state: Int64Array,
    columns: Int64Array,
    now: Int64Array,
    near: Float64Array,
    rate: float,
    size: float,
    out: Float32Array,
) -> None:
    """Fill `out[i]` with the rate about the hour of the week `now[i]`."""
    first, end, _ = seen
    for i in range(first.size):
        marked = tried = all_marked = all_tried = 0.0
        for j in range(first[i], end[i]):
            of = own(j, first[i], columns[0], state)
            per = own(j, first[i], columns[1], state)
            close = closeness(state[j, columns[2]], now[i], near)
            marked += close * of
            tried += close * per
            all_marked += of
            all_tried += per
        usual = (all_marked + rate * size) / (all_tried + size)
        # A fact is taken back at the hour of the zone that was known then: never below nothing.
        out[i] = (max(marked, 0.0) + usual * size) / (max(tried, 0.0) + size)


@kernel
def closeness(hour: int, now: int, near: Float64Array) -> float:
    """How much a fact of one hour of the week tells of another."""
    apart = abs(hour % 24 - now % 24)
    close: float = near[min(apart, 24 - apart)]
    return close if (hour >= _SATURDAY) == (now >= _SATURDAY) else close * OTHER_DAYS


KINDS = (Rhythm,)
