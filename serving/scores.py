"""ScoreSheet: what the model says of each lead, kept until it may have changed."""

from dataclasses import dataclass

import numpy as np

from features import Moments, Past, compute
from features.instants import HOUR, MINUTE
from features.kernel import BoolArray, Float64Array, Int64Array
from training.bundle import Bundle

REFRESH = 15 * MINUTE
"""No score is older than this when a lead is handed out."""

FRESH_REFRESH = MINUTE
"""Nor is that of a lead received within the last FRESH: its worth fades fast."""

FRESH = 2 * HOUR


@dataclass
class ScoreSheet:
    """One row per lead: calibrated chances and expected seconds of a dial, and when they were worked out."""

    p_answer: Float64Array
    p_convert: Float64Array
    seconds: Float64Array
    scored_at: Int64Array
    version: str = ""

    @classmethod
    def empty(cls) -> "ScoreSheet":
        """A sheet without leads."""
        return cls(np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64))

    @property
    def columns(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Chance of an answer, chance of a sale given one, seconds."""
        return self.p_answer, self.p_convert, self.seconds

    def reserve(self, leads: int) -> None:
        """Make room for new leads, unscored."""
        more = leads - self.scored_at.size
        if more > 0:
            for name in ("p_answer", "p_convert", "seconds"):
                setattr(self, name, np.concatenate([getattr(self, name), np.full(more, np.nan)]))
            self.scored_at = np.concatenate([self.scored_at, np.zeros(more, np.int64)])

    def forget(self, rows: list[int]) -> None:
        """These leads changed: score them anew before they are handed out."""
        self.scored_at[rows] = 0

    def refresh(self, past: Past, bundle: Bundle, rows: Int64Array, at: int) -> int:
        """Score those of `rows` whose scores are missing or too old; return how many."""
        if bundle.version != self.version:
            self.scored_at[:] = 0
            self.version = bundle.version
        stale = rows[self._stale(past, rows, at)]
        if stale.size:
            scores = bundle.predict(compute(past, Moments.at_once(stale, at), bundle.features))
            self.p_answer[stale] = scores["answer"]
            self.p_convert[stale] = scores["conversion"]
            self.seconds[stale] = scores.handle_s
            self.scored_at[stale] = at
        return int(stale.size)

    def _stale(self, past: Past, rows: Int64Array, at: int) -> BoolArray:
        fresh = past.leads.created_at[rows] > at - FRESH
        return np.asarray(self.scored_at[rows] <= at - np.where(fresh, FRESH_REFRESH, REFRESH), np.bool_)
