"""Rhythm: when of the week a lead answered so far."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..asked import Asked
from ..kernel import Float32Array, Float64Array, Int64Array, kernel, part
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
        apart = np.arange(48) % 24
        near = np.exp(-0.5 * (np.minimum(apart, 24 - apart) / self.width) ** 2)
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
    start, first, end, _ = seen
    counts, sums = np.zeros((2, 48)), np.zeros(2)
    for g in range(first.size):
        counted = first[g]
        for i in range(start[g], start[g + 1]):
            count_hours(first[g], counted, end[i], columns, state, counts)
            counted = end[i]
            sums[:] = 0.0
            if counted > first[g]:
                add_up_about(now[i], near, counts, sums)
            usual = (total(first[g], end[i], columns[0], state) + rate * size) / (
                total(first[g], end[i], columns[1], state) + size
            )
            # One taken back without word of when it was first seen may leave an hour below nothing.
            out[i] = (max(sums[0], 0.0) + usual * size) / (max(sums[1], 0.0) + size)
        if counted > first[g]:
            counts[:] = 0.0


@part
def count_hours(
    first: int, begin: int, end: int, columns: Int64Array, state: Int64Array, counts: Float64Array
) -> None:
    """Add the entries from `begin` to `end` to their hours: those of weekdays, then those of the weekend."""
    for j in range(begin, end):
        hour = state[j, columns[2]]
        place = hour % 24 + (24 if hour >= _SATURDAY else 0)
        counts[0, place] += own(j, first, columns[0], state)
        counts[1, place] += own(j, first, columns[1], state)


@part
def add_up_about(now: int, near: Float64Array, counts: Float64Array, sums: Float64Array) -> None:
    """Weigh the hours by how near they are to `now`, always in the same order."""
    weigh = 24 - now % 24
    same, other = (24, 0) if now >= _SATURDAY else (0, 24)
    marked = tried = 0.0
    for hour in range(24):
        close = near[weigh + hour]
        marked += close * (counts[0, same + hour] + OTHER_DAYS * counts[0, other + hour])
        tried += close * (counts[1, same + hour] + OTHER_DAYS * counts[1, other + hour])
    sums[0], sums[1] = marked, tried


@part
def total(first: int, end: int, column: int, state: Int64Array) -> int:
    """A running sum as of the entries before `end`."""
    return state[end - 1, column] if end > first else 0


KINDS = (Rhythm,)
