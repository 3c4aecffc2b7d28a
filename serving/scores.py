"""ScoreSheet: what the model says of each lead, kept until it may have changed."""

from dataclasses import dataclass, field

import numpy as np

from features import FeatureMatrix, Moments, Past, compute
from features.instants import HOUR, MINUTE
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array
from features.served import ServedVector, encode
from training.bundle import Bundle

from .ranking.arms import places

REFRESH = 15 * MINUTE
"""No score is older than this when a lead is handed out."""

FRESH_REFRESH = MINUTE
"""Nor is that of a lead received within the last FRESH: its worth fades fast."""

FRESH = 2 * HOUR

COLUMNS = ("p_answer", "p_convert", "seconds", "value")
"""What is kept of a lead's scores."""

MANY = 50_000
"""More leads than this are scored on two threads; for fewer a second one costs more than it brings."""


@dataclass(frozen=True)
class Seen:
    """What a bundle saw in one scoring, of the leads in the sample."""

    at: int
    seq: int
    """The change number up to which the store was known."""
    bundle: Bundle
    values: Float32Array


@dataclass
class ScoreSheet:
    """One row per lead: what is expected of a dial and of a sale, and when that was worked out."""

    p_answer: Float64Array
    p_convert: Float64Array
    seconds: Float64Array
    value: Float64Array
    scored_at: Int64Array
    version: str = ""
    logged: float = 0.0
    """The share of leads whose vectors are kept, the same leads for ever."""
    _seen: dict[int, tuple[Seen, int]] = field(default_factory=dict)
    """By lead row, where the vector of its score stands."""
    _is_logged: BoolArray = field(default_factory=lambda: np.empty(0, np.bool_))

    @classmethod
    def empty(cls, logged: float = 0.0) -> "ScoreSheet":
        """A sheet without leads."""
        return cls(np.empty(0), np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64), logged=logged)

    @property
    def columns(self) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
        """Chance of an answer, chance of a sale given one, seconds, value of a sale."""
        return self.p_answer, self.p_convert, self.seconds, self.value

    def reserve(self, leads: int) -> None:
        """Make room for new leads, unscored."""
        more = leads - self.scored_at.size
        if more > 0:
            for name in COLUMNS:
                setattr(self, name, np.concatenate([getattr(self, name), np.full(more, np.nan)]))
            self.scored_at = np.concatenate([self.scored_at, np.zeros(more, np.int64)])

    def forget(self, rows: list[int]) -> None:
        """These leads changed: score them anew before they are handed out."""
        self.scored_at[rows] = 0

    def refresh(self, past: Past, bundle: Bundle, rows: Int64Array, at: int, seq: int) -> int:
        """Score those of `rows` whose scores are missing or too old; return how many.

        `seq` is the change number up to which the past knows the store.
        """
        if bundle.version != self.version:
            self.scored_at[:] = 0
            self.version = bundle.version
        stale = rows[self._stale(past, rows, at)]
        if stale.size:
            matrix = compute(
                past, Moments.at_once(stale, at), bundle.features, threads=2 if stale.size > MANY else 1
            )
            scores = bundle.predict(matrix)
            self.p_answer[stale] = scores["answer"]
            self.p_convert[stale] = scores["conversion"]
            self.seconds[stale] = scores.handle_s
            self.value[stale] = scores.sale_value
            self.scored_at[stale] = at
            self._keep(past, bundle, matrix, stale, at, seq)
        return int(stale.size)

    def served(self, row: int) -> ServedVector | None:
        """Exactly what the model saw for a lead's score; None for leads outside the sample."""
        if row not in self._seen:
            return None
        seen, place = self._seen[row]
        bundle, vector = seen.bundle, encode(seen.values[place])
        return ServedVector(seen.at, seen.seq, bundle.features, bundle.fingerprint, bundle.version, vector)

    def _keep(
        self, past: Past, bundle: Bundle, matrix: FeatureMatrix, rows: Int64Array, at: int, seq: int
    ) -> None:
        """Keep the vectors of the leads in the sample."""
        if not self.logged:
            return
        new = places(b"", "served vectors", past.leads.lead_id[self._is_logged.size :])
        self._is_logged = np.concatenate([self._is_logged, new < self.logged])
        kept = np.flatnonzero(self._is_logged[rows])
        seen = Seen(at, seq, bundle, matrix.values[kept])
        self._seen.update((row, (seen, place)) for place, row in enumerate(rows[kept].tolist()))

    def _stale(self, past: Past, rows: Int64Array, at: int) -> BoolArray:
        fresh = past.leads.created_at[rows] > at - FRESH
        return np.asarray(self.scored_at[rows] <= at - np.where(fresh, FRESH_REFRESH, REFRESH), np.bool_)
