"""Goals: what a campaign wants by when, and how one sees in time that it will not get it; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
from scipy.special import betainc

from features.instants import SECOND, to_datetime
from features.kernel import BoolArray, Float64Array, Int64Array
from features.site import Hours, Site, midnight

BEST = 0.05
"""Hot leads are among this share of those that may be called."""
WARNED = 0.8
"""A lead is at risk once it has waited for this share of the response goal ..."""
MISSED = 2.0
"""... and no news any more once it has waited for so many times the goal."""
UNLIKELY = 0.1
"""A goal is at risk while the chance to reach it is below this."""


@dataclass(frozen=True)
class Goals:
    """What a campaign set itself; None where it didn't."""

    response: int | None = None
    """From a lead's receipt to its first call, in microseconds."""
    target: int | None = None
    """Sales in each period."""
    period: str = "month"
    goal: str = "sale"
    confirmation: bool = False
    zone: str = "UTC"
    hours: Hours | None = None

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "Goals":
        """Read a campaign's stored settings."""
        response, target = settings.get("response_goal_s"), settings.get("goal_target")
        return cls(
            None if response is None else int(cast("float", response) * SECOND),
            None if target is None else int(cast("int", target)),
            str(settings.get("goal_period") or "month"),
            str(settings.get("goal") or "sale"),
            bool(settings.get("confirmation")),
            str(settings.get("timezone") or "UTC"),
            cast("Hours | None", settings.get("business_hours")),
        )


def hottest(score: Float64Array) -> BoolArray:
    """Which leads are among the best share of all that may be called; unscored ones never, one at least."""
    known = score[~np.isnan(score)]
    if not known.size:
        return np.zeros(score.size, np.bool_)
    best = max(1, int(known.size * BEST))
    return np.asarray(score >= np.partition(known, known.size - best)[known.size - best], np.bool_)


def late(created_at: Int64Array, attempts: Int64Array, goal: int, at: int) -> BoolArray:
    """Which leads nobody called yet and somebody must call now, or the response goal is missed."""
    waited = at - created_at
    return np.asarray((attempts == 0) & (waited >= WARNED * goal) & (waited < MISSED * goal), np.bool_)


def period_of(period: str, zone: str, at: int) -> tuple[int, int]:
    """The local day, week (from Monday) or month that an instant is in: from, until (not included)."""
    today = to_datetime(at).astimezone(ZoneInfo(zone)).date()
    if period == "day":
        first, after = today, today + timedelta(days=1)
    elif period == "week":
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    else:
        first = today.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return midnight(first, zone), midnight(after, zone)


def elapsed(hours: Hours | None, zone: str, since: int, at: int, until: int) -> float:
    """The share of [since, until) that has gone by at `at`: of its working hours, where there are any."""
    if hours is None or not (spells := Site(zone, hours=hours).spells(since, until)):
        return (at - since) / (until - since)
    worked = sum(max(min(end, at) - start, 0) for start, end in spells)
    return worked / sum(end - start for start, end in spells)


def chance(sold: int, target: int, gone: float) -> float:
    """The chance to reach a target when so much was sold in a share `gone` of the period.

    Sales come one by one at a steady rate of which nothing is known before (Jeffreys' prior): those still to
    come are negative binomial with sold + 1/2 successes and success probability `gone`.
    """
    missing = target - sold
    if missing <= 0:
        return 1.0
    return float(betainc(missing, sold + 0.5, 1 - gone)) if 0 < gone < 1 else float(gone <= 0)


def sold_leads(
    called: Int64Array, recorded: Int64Array, cancelled: Int64Array, confirmation: bool
) -> Int64Array:
    """The leads of a period's sales, each once.

    `called` sold on a call, `recorded` had the goal recorded, of `cancelled` it was taken back. Where sales
    are confirmed, a recorded goal is what counts.
    """
    gross = recorded if confirmation else np.union1d(called, recorded)
    return np.setdiff1d(gross, cancelled)
