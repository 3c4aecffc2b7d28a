"""ScoreSheet: what the model says of each lead, kept until it may have changed."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features import FeatureMatrix, Moments, Past, compute
from features.columns import Columns
from features.instants import HOUR, MINUTE
from features.kernel import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array, kernel
from features.served import ServedVector, encode
from training.bundle import Bundle

from .ranking.arms import places

REFRESH = 15 * MINUTE
"""No score is older than this when a lead is handed out."""

FRESH_REFRESH = MINUTE
"""Nor is that of a lead received within the last FRESH: its worth fades fast."""

FRESH = 2 * HOUR

MANY = 50_000
"""More leads than this are scored on two threads; for fewer a second one costs more than it brings."""

FEW = 200
"""What the model saw of leads scored so few at a time is kept: somebody is about to ask why."""

MOST_SEEN = 20_000
"""Of more leads than this nothing is kept."""


class Expected(NamedTuple):
    """Of each lead the chance of an answer, of a sale given one, seconds, a sale's value; NaN unscored."""

    p_answer: Float64Array
    p_convert: Float64Array
    seconds: Float64Array
    value: Float64Array


COLUMNS = Expected._fields


@dataclass(frozen=True)
class Seen:
    """What a bundle saw in one scoring, of the leads in the sample."""

    at: int
    seq: int
    """The change number up to which the store was known."""
    bundle: Bundle
    values: Float32Array


class ScoreSheet:
    """One row per lead: what is expected of a dial and of a sale, and when that was worked out."""

    def __init__(self, logged: float = 0.0) -> None:
        self.version = ""
        self.logged = logged
        """The share of leads whose vectors are kept, the same leads for ever."""
        kinds: dict[str, type[np.generic]] = {"scored_at": np.int64, "print": np.int64}
        self._columns = Columns({**dict.fromkeys(COLUMNS, np.float64), **kinds})
        self._seen: dict[int, tuple[Seen, int]] = {}
        """By lead row, where the vector of its score stands."""
        self._is_logged = np.empty(0, np.bool_)
        self.saw: dict[int, Float32Array] = {}
        """By lead row what the model saw for its score, of leads scored few at a time."""

    @property
    def scored_at(self) -> Int64Array:
        """When each lead was scored, 0 never or long ago."""
        return self._columns["scored_at"]

    def of(self, rows: Int64Array) -> Expected:
        """What is expected of some leads."""
        return Expected(*(self._columns[name][rows] for name in COLUMNS))

    def prints_of(self, rows: Int64Array) -> Int64Array:
        """The print of the features that the model saw of some leads; 0 unscored."""
        return self._columns["print"][rows]

    def reserve(self, leads: int) -> None:
        """Make room for new leads, unscored."""
        more = leads - len(self._columns)
        unscored, never = np.full(more, np.nan), np.zeros(more, np.int64)
        self._columns.append(**dict.fromkeys(COLUMNS, unscored), scored_at=never, print=never)

    def forget(self, rows: list[int]) -> None:
        """These leads changed: score them anew before they are handed out."""
        self.scored_at[rows] = 0
        for row in rows:
            self.saw.pop(row, None)

    def turn_to(self, bundle: Bundle) -> None:
        """What another bundle said serves no longer."""
        if bundle.version != self.version:
            self.scored_at[:] = 0
            self.saw.clear()
            self.version = bundle.version

    def score(self, past: Past, bundle: Bundle, rows: Int64Array, at: int, seq: int) -> None:
        """Score leads as of an instant; `seq` is the change number up to which the past knows the store."""
        self.turn_to(bundle)
        threads = 2 if rows.size > MANY else 1
        matrix = compute(past, Moments.at_once(rows, at), bundle.features, threads=threads)
        scores = bundle.predict(matrix, threads)
        said = Expected(scores.answer, scores.conversion, scores.handle_s, scores.sale_value)
        for name, column in said._asdict().items():
            self._columns[name][rows] = column
        self.scored_at[rows] = at
        self._columns["print"][rows] = prints(matrix.values)
        self._look_back(matrix, rows)
        self._keep(past, bundle, matrix, rows, at, seq)

    def _look_back(self, matrix: FeatureMatrix, rows: Int64Array) -> None:
        """Keep what the model saw of few leads; what it saw of them before is over."""
        if len(self.saw) + rows.size > MOST_SEEN:
            self.saw.clear()
        if rows.size <= FEW:
            self.saw.update(zip(rows.tolist(), matrix.values, strict=True))
        elif self.saw:
            for row in rows.tolist():
                self.saw.pop(row, None)

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

    def stale(self, rows: Int64Array, created_at: Int64Array, at: int) -> BoolArray:
        """Whether the scores of leads received then are missing or too old."""
        fresh = created_at > at - FRESH
        return np.asarray(self.scored_at[rows] <= at - np.where(fresh, FRESH_REFRESH, REFRESH), np.bool_)

    def stales_at(self, rows: Int64Array, created_at: Int64Array, at: int) -> Int64Array:
        """The first instant after `at` at which scores that serve at it may be too old."""
        young = created_at + FRESH > at
        soon = self.scored_at[rows] + FRESH_REFRESH
        return np.where(young & (soon > at), soon, self.scored_at[rows] + REFRESH)


def prints(values: Float32Array) -> Int64Array:
    """A 64-bit print of each row's bits, shape (rows, features) -> (rows,): FNV-1a, by words of 32 bits."""
    out = np.empty(values.shape[0], np.int64)
    fold(np.ascontiguousarray(values).view(np.int32), out)
    return out


@kernel
def fold(words: Int32Array, out: Int64Array) -> None:
    """Fill `out` with the print of each row."""
    for i in range(words.shape[0]):
        found = np.uint64(0xCBF29CE484222325)
        for j in range(words.shape[1]):
            found = (found ^ np.uint64(np.uint32(words[i, j]))) * np.uint64(0x100000001B3)
        out[i] = np.int64(found)
