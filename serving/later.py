"""Later: the windows in which leads could be dialed instead of now, and what they would answer then."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from features import FeatureMatrix, Past
from features.instants import DAY, HOUR, MINUTE, SECOND
from features.kernel import BoolArray, Float64Array, Int64Array
from training.bundle import Bundle

from .rule import Caps
from .rules.attempts import daily_cap
from .rules.hours import ahead
from .standing import Standing

WAITS = np.array([30 * MINUTE, *(hours * HOUR for hours in (2, 4, 8, 18, 24, 30))])

NO_WINDOW = -1.0

AT_ONCE = 1_000
"""So many leads' weeks are worked out at a time."""


@dataclass(frozen=True)
class Later:
    """By lead and wait, as `ranking.waiting.index_of` asks."""

    answer: Float64Array
    faded: Float64Array
    again: BoolArray


@dataclass(frozen=True)
class Asked:
    """Leads that may be called now, and what was computed of them."""

    past: Past
    rows: Int64Array
    matrix: FeatureMatrix
    standing: Standing
    p_answer: Float64Array
    at: int

    def take(self, some: Int64Array) -> "Asked":
        """Some of them."""
        standing, matrix = self.standing.take(some), self.matrix.take(some)
        return replace(
            self, rows=self.rows[some], matrix=matrix, standing=standing, p_answer=self.p_answer[some]
        )


def later(bundle: Bundle, asked: Asked, caps: Caps) -> Later:
    """What the bundle's timing says; where it has no evidence there are no windows: nobody waits for any."""
    size, at = asked.rows.size, asked.at
    answer = np.full((size, WAITS.size), NO_WINDOW)
    if bundle.timing.proven:
        for first in range(0, size, AT_ONCE):
            some = np.arange(first, min(first + AT_ONCE, size))
            answer[some] = _answer(bundle, asked.take(some))
        answer[asked.standing.created_at[:, None] + caps.max_age < at + WAITS] = NO_WINDOW
    faded = np.exp(-bundle.fading(asked.matrix)[:, None] * (WAITS / SECOND))
    return Later(answer, faded, _again(asked.standing, caps))


def _answer(bundle: Bundle, asked: Asked) -> Float64Array:
    """The chance in each window: as the timing says, but no more than the hour alone makes of the one now.

    The timing knows that a fresh lead won't be fresh later, the model how good this lead is now.
    """
    weeks, week = (
        bundle.timing.weeks(asked.past, asked.matrix, asked.rows, asked.at),
        ahead(asked.standing, asked.at),
    )
    place = (asked.at + WAITS - week.starts[:, :1]) // HOUR
    hour, now = np.take_along_axis(week.hour, place, axis=1), week.hour[:, :1]
    then, here = (np.take_along_axis(weeks.log_odds, hours, axis=1) for hours in (hour, now))
    moved = expit(logit(np.clip(asked.p_answer, 1e-9, 1 - 1e-9))[:, None] + then - here)
    may = np.take_along_axis(week.open, place, axis=1) & weeks.tried[hour] & weeks.tried[now]
    return np.where(may, np.minimum(expit(then), moved), NO_WINDOW)


def _again(standing: Standing, caps: Caps) -> BoolArray:
    """Whether the caps and the gap leave a lead a window after a dial now."""
    in_a_day = standing.calls_24h + 1 < daily_cap(standing.jurisdiction, caps)
    after_all = standing.attempts + 1 < caps.lifetime
    return np.asarray(
        (caps.min_gap <= WAITS) & (in_a_day[:, None] | (WAITS >= DAY)) & after_all[:, None], np.bool_
    )
