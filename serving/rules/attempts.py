"""Attempts: how often, how soon again and how long after its receipt a lead may be called."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from features.kernel import Int64Array

from ..jurisdictions import jurisdictions
from ..rule import EARLY, Caps, Rule, Verdict, callback_due
from ..standing import Standing

_NO_CAP = 1_000_000


@dataclass(frozen=True)
class PerDay:
    """At most `caps.per_day` dials per number in any 24 hours, across campaigns; callbacks included."""

    id: str = "CAP"
    withheld: str = "attempt_cap"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid numbers at the cap until the oldest dial that counts leaves the 24 hours."""
        return Verdict.where(standing.calls_24h >= caps.per_day, standing.oldest_in_24h)


@dataclass(frozen=True)
class Lifetime:
    """At most `caps.lifetime` dials per lead, ever; callbacks included."""

    id: str = "CAP-LIFETIME"
    withheld: str = "attempt_cap"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid leads that used up their dials."""
        return Verdict.where(standing.attempts >= caps.lifetime)


@dataclass(frozen=True)
class Gap:
    """Least time between the starts of two dials; a due callback was asked for and needn't wait."""

    id: str = "GAP"
    withheld: str = "min_gap"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid numbers dialed just now until the gap is over or the callback is due."""
        over = standing.last_call_at + caps.min_gap
        forbidden = (over > at) & ~callback_due(standing, at)
        return Verdict.where(forbidden, np.minimum(over, standing.callback_at - EARLY))


@dataclass(frozen=True)
class Age:
    """A lead is called until `caps.max_age` after its receipt."""

    id: str = "AGE"
    withheld: str = "too_old"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid leads that are too old."""
        return Verdict.where(at >= too_old_from(standing, caps))


@dataclass(frozen=True)
class Frequency:
    """At most so many calls per person in any 24 hours where the law says so, whatever the caps."""

    id: str
    withheld: str = "attempt_cap"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid numbers at the place's limit until the oldest call that counts leaves the 24 hours."""
        limit = _limits(self.id)[standing.jurisdiction]
        return Verdict.where(standing.calls_24h >= limit, standing.oldest_in_24h)


def too_old_from(standing: Standing, caps: Caps) -> Int64Array:
    """The first instant at which each lead is too old."""
    return standing.created_at + caps.max_age + 1


def daily_caps(caps: Caps) -> Int64Array:
    """By place the least number of calls in 24 hours at which any rule stops: the k of `oldest_in_24h`."""
    return np.minimum(_limits(None), caps.per_day)


def daily_cap(jurisdiction: Int64Array, caps: Caps) -> Int64Array:
    """The same per lead."""
    return daily_caps(caps)[jurisdiction]


def members() -> tuple[Rule, ...]:
    """The four caps of a campaign, and one rule for each id in the table of frequencies."""
    ids = {row.id: None for place in jurisdictions().places for row in place.frequencies}
    return (PerDay(), Lifetime(), Gap(), Age(), *(Frequency(id) for id in ids))


@cache
def _limits(id: str | None) -> Int64Array:
    """The limit of each place by the rows of that id, or by all rows."""
    return np.array(
        [
            min([row.per_24h for row in place.frequencies if id in (None, row.id)], default=_NO_CAP)
            for place in jurisdictions().places
        ],
        np.int64,
    )
