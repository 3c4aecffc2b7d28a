"""ScoreSheet: what the model says of each lead, kept until it may have changed."""

from typing import NamedTuple

import numpy as np

from features import FeatureMatrix, Moments, Past, compute
from features.columns import Columns
from features.instants import HOUR, MINUTE, NEVER
from features.kernel import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array, kernel
from features.served import ServedVector, encode
from training.bundle import Bundle

from .ranking.arms import places

REFRESH = 15 * MINUTE
"""No score is older than this when a lead is handed out."""

FRESH_REFRESH = MINUTE
"""Nor is that of a lead received within the last FRESH: its worth fades fast."""

FRESH = 2 * HOUR

PARDON = 5 * MINUTE
"""After a start, scores that served when they were saved do so for as long, while they are renewed."""

MANY = 50_000
"""More leads than this are scored on two threads; for fewer a second one costs more than it brings."""


class Expected(NamedTuple):
    """Of each lead the chance of an answer, of a sale given one, seconds, a sale's value; NaN unscored."""

    p_answer: Float64Array
    p_convert: Float64Array
    seconds: Float64Array
    value: Float64Array


COLUMNS = Expected._fields

WHOLE = "scored_at", "seen_at", "seq", "print"
"""When a lead was scored, when the model last looked, what the store had told by then, what the model saw."""


class ScoreSheet:
    """One row per lead: what is expected of a dial and of a sale, from what, and when that was worked out."""

    def __init__(self, logged: float = 0.0) -> None:
        self.logged = logged
        """The share of leads whose vectors are kept with their decisions, the same leads for ever."""
        self.version = ""
        """The bundle's that scored last, empty before."""
        self._bundle: Bundle | None = None
        self._pardoned = NEVER, 0
        """Scores worked out since then serve until then, however old they are."""
        whole = dict.fromkeys(WHOLE, np.int64)
        self._columns = Columns({**dict.fromkeys(COLUMNS, np.float64), **whole})
        self._values = np.empty((0, 0), np.float32)
        """What the bundle saw of each lead; with room behind."""
        self._draws = np.empty(0)
        """Each lead's draw for the sample, as far as anybody asked."""

    @property
    def scored_at(self) -> Int64Array:
        """When each lead was scored, 0 never or long ago."""
        return self._columns["scored_at"]

    def of(self, rows: Int64Array) -> Expected:
        """What is expected of some leads."""
        return Expected(*(self._columns[name][rows] for name in COLUMNS))

    def saw(self, rows: Int64Array) -> FeatureMatrix:
        """Exactly what the bundle saw of some leads for their scores; zeros where it never looked."""
        return FeatureMatrix(self._bundle.features if self._bundle else (), self._values.take(rows, axis=0))

    def prints_of(self, rows: Int64Array) -> Int64Array:
        """The print of what the bundle saw of some leads; 0 unscored."""
        return np.where(self._columns["seen_at"][rows] > 0, self._columns["print"][rows], 0)

    def reserve(self, leads: int) -> None:
        """Make room for new leads, unscored."""
        more = leads - len(self._columns)
        unscored, never = np.full(more, np.nan), np.zeros(more, np.int64)
        self._columns.append(**dict.fromkeys(COLUMNS, unscored), **dict.fromkeys(WHOLE, never))
        room, features = self._values.shape
        if leads > room:
            larger = np.zeros((max(leads, room + room // 4), features), np.float32)
            larger[:room] = self._values
            self._values = larger

    def forget(self, rows: list[int]) -> None:
        """These leads changed: score them anew before they are handed out."""
        self.scored_at[rows] = 0

    def turn_to(self, bundle: Bundle) -> None:
        """What another bundle said serves no longer."""
        if bundle.version != self.version:
            self.scored_at[:] = 0
            self._columns["seen_at"][:] = 0
            self.version, self._bundle = bundle.version, bundle
            self._values = np.zeros((self._values.shape[0], len(bundle.features)), np.float32)

    def take_up(self, bundle: Bundle, at: int) -> None:
        """Go on from `at` with the bundle that scored last, at first with the scores that it left."""
        self._bundle = bundle
        self._pardoned = int(self.scored_at.max(initial=0)) - REFRESH, at + PARDON

    def score(self, past: Past, bundle: Bundle, rows: Int64Array, at: int, seq: int) -> None:
        """Score leads as of an instant; `seq` is the change number up to which the past knows the store."""
        self.turn_to(bundle)
        threads = 2 if rows.size > MANY else 1
        matrix = compute(past, Moments.at_once(rows, at), bundle.features, threads=threads)
        scores = bundle.predict(matrix, threads)
        said = Expected(scores.answer, scores.conversion, scores.handle_s, scores.sale_value)
        for name, column in said._asdict().items():
            self._columns[name][rows] = column
        for name, number in zip(WHOLE, (at, at, seq, prints(matrix.values)), strict=True):
            self._columns[name][rows] = number
        self._values[rows] = matrix.values

    def served(self, past: Past, rows: Int64Array) -> dict[int, ServedVector]:
        """Exactly what the model saw for the scores of those of some leads that are in the sample."""
        if self._bundle is None or not self.logged or not rows.size:
            return {}
        if rows.max() >= self._draws.size:
            new = places(b"", "served vectors", past.leads.lead_id[self._draws.size :])
            self._draws = np.concatenate([self._draws, new])
        kept = rows[(self._draws[rows] < self.logged) & (self._columns["seen_at"][rows] > 0)]
        return {row: self._vector(self._bundle, row) for row in kept.tolist()}

    def _vector(self, bundle: Bundle, row: int) -> ServedVector:
        seen_at, seq = int(self._columns["seen_at"][row]), int(self._columns["seq"][row])
        vector = encode(self._values[row])
        return ServedVector(seen_at, seq, bundle.features, bundle.fingerprint, bundle.version, vector)

    def stale(self, rows: Int64Array, created_at: Int64Array, at: int) -> BoolArray:
        """Whether the scores of leads received then are missing or too old."""
        return self._too_old(rows, created_at, at) & ~self._is_pardoned(rows, at)

    def stales_at(self, rows: Int64Array, created_at: Int64Array, at: int) -> Int64Array:
        """The first instant after `at` at which scores that serve at it may be too old."""
        young = created_at + FRESH > at
        soon = self.scored_at[rows] + FRESH_REFRESH
        return np.where(young & (soon > at), soon, self.scored_at[rows] + REFRESH)

    def ends_at(self, rows: Int64Array, created_at: Int64Array, at: int) -> Int64Array:
        """The same where scores are pardoned: those end with the pardon, or later if they serve then."""
        over = self._pardoned[1]
        if at >= over:
            return self.stales_at(rows, created_at, at)
        later = np.where(self._too_old(rows, created_at, over), over, self.stales_at(rows, created_at, over))
        return np.where(self._is_pardoned(rows, at), later, self.stales_at(rows, created_at, at))

    def _too_old(self, rows: Int64Array, created_at: Int64Array, at: int) -> BoolArray:
        fresh = created_at > at - FRESH
        return np.asarray(self.scored_at[rows] <= at - np.where(fresh, FRESH_REFRESH, REFRESH), np.bool_)

    def _is_pardoned(self, rows: Int64Array, at: int) -> BoolArray:
        since, until = self._pardoned
        if at >= until:
            return np.zeros(rows.size, np.bool_)
        return np.asarray(self.scored_at[rows] >= since, np.bool_)


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
