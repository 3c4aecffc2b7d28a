"""Timing: what a bundle knows of the hours at which leads answer, and what it makes of a lead's week."""

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from features import FeatureMatrix, Moments, Past, compute
from features.calls import Outcome
from features.instants import DAY, HOUR
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array
from features.statistics.attribute import Age, AgeAmong
from features.statistics.recency import Recency, Tenure
from features.statistics.window import Count

from .calibration import probability
from .margin import Curve, Margin
from .own_calls import Calls, kernel_of, mode_of
from .pooling import curves_of
from .reference import Json
from .week import HOURS, design

HOUR_OF_WEEK = "local_hour_of_week"
"""The feature that tells the hour of the lead's week."""
SINCE_ANSWER, ANSWERED, CALLBACK, DUE = (
    *("lead_calls_since_answer", "lead_hours_since_answer"),
    *("lead_hours_since_callback", "lead_hours_until_callback"),
)
"""Features that tell whether a lead expects the call."""
NEAR = 0.5
"""Hours: a disposition is told about when its call ends, and a callback is kept about when it is due."""
Z = 1.959964


@dataclass(frozen=True)
class Field:
    """One feature by which leads are told apart: the groups of its words, or of its numbers between edges."""

    feature: str
    edges: Float64Array
    """Ascending; a number on an edge is above it."""
    group: Int64Array
    """Of each code of a word, and at the end of a missing one; empty for numbers."""

    @property
    def size(self) -> int:
        """How many groups there are: of numbers, the last is for missing ones."""
        return int(self.group.max()) + 1 if self.group.size else self.edges.size + 2

    def groups(self, column: Float32Array) -> Int64Array:
        """The group of each row."""
        missing = np.isnan(column)
        if self.group.size:
            code = np.where(missing | (column >= self.group.size - 1), self.group.size - 1, column)
            return self.group[code.astype(np.int64)]
        return np.where(missing, self.edges.size + 1, np.searchsorted(self.edges, column, side="right"))


@dataclass(frozen=True)
class Proof:
    """What the timing of kinds of lead, or of own calls, was worth on later calls than it was taught.

    Gains in log loss a call over what it is compared with; `low` is the lower end of what noise leaves of it.
    """

    gain: float
    low: float
    proven: bool


NO_PROOF = Proof(0.0, 0.0, proven=False)


@dataclass(frozen=True)
class Timing:
    """Curves over the hours of the week; without a proof nothing is recommended."""

    level: Margin
    """Log-odds of an answer by everything but the hour."""
    fields: tuple[Field, ...]
    weights: Float64Array
    """(curves, shapes): everybody's, then each group's, field by field."""
    doubt: Float64Array
    """(curves, shapes, shapes): their covariances."""
    own: Float64Array
    """How much leads differ by themselves in each kind of shape; zeros where their calls prove nothing."""
    tried: BoolArray
    """(168,): the hours at which enough calls were made to tell anything."""
    kinds: Proof = NO_PROOF
    """Kinds of lead have hours of their own, against one curve for everybody."""
    calls: Proof = NO_PROOF
    """Leads have hours of their own by their own calls, against curves by kind."""

    @property
    def proven(self) -> bool:
        """Whether leads differ in their hours at all, as far as later calls tell."""
        return self.kinds.proven or self.calls.proven

    @property
    def sentence(self) -> str:
        """What the proofs say, for people."""
        by = ", ".join(field.feature for field in self.fields)
        found = [f"best hours differ by {by}"] if self.kinds.proven else []
        found += ["leads have best hours of their own"] if self.calls.proven else []
        return " and ".join(found) or "no timing evidence: one curve for everybody does as well"

    @cached_property
    def table(self) -> Float64Array:
        """(curves, 168): log-odds by hour."""
        return np.asarray(self.weights @ design()[0].T)

    def weeks(self, past: Past, matrix: FeatureMatrix, rows: Int64Array, at: int) -> "Weeks":
        """What their week's hours promise of the leads in `rows`, of which `matrix` tells as of `at`."""
        level, curves = self.level.apply(a_day_later(matrix)), self._curves(matrix)
        log_odds = level[:, None] + self.table[curves].sum(axis=1)
        found = Weeks(log_odds, self.doubt[curves].sum(axis=1), kernel_of(self.own), self.tried)
        return found.hearing(self._own_calls(past, matrix, rows, at)) if self.own.any() else found

    def _curves(self, matrix: FeatureMatrix) -> Int64Array:
        """The numbers of each row's curves."""
        names = matrix.names
        groups = [field.groups(matrix.values[:, names.index(field.feature)]) for field in self.fields]
        found = np.array(groups, np.int64).reshape(len(groups), len(matrix)).T
        return curves_of(found, [field.size for field in self.fields])

    def _own_calls(self, past: Past, matrix: FeatureMatrix, rows: Int64Array, at: int) -> Calls:
        """The calls that the leads had, each with the log-odds that were to be expected as it began."""
        log = past.log_of(rows)
        asked = np.flatnonzero((log.known_at < at) & (log.outcome != Outcome.ERROR))
        asked = asked[np.argsort(log.started_at[asked], kind="stable")]
        moments = Moments(log.lead[asked], np.full(asked.size, -1), log.started_at[asked])
        then = compute(past, moments, matrix.features)
        heard = np.flatnonzero(~expected(then))
        then, moments, asked = then.take(heard), moments.take(heard), asked[heard]
        hour = then.values[:, then.names.index(HOUR_OF_WEEK)].astype(np.int64)
        usual = self.level.apply(then.values) + self.table[self._curves(then), hour[:, None]].sum(axis=1)
        order = np.argsort(rows)
        place = order[np.searchsorted(rows[order], moments.lead)]
        return Calls.of(rows.size, place, hour, usual, log.answered[asked].astype(np.float64))

    def as_json(self) -> dict[str, Json]:
        """Plain values; `from_json` reads them back equal."""
        return {
            "level": margin_told(self.level),
            "fields": [
                {"feature": one.feature, "edges": one.edges.tolist(), "group": one.group.tolist()}
                for one in self.fields
            ],
            "weights": self.weights.tolist(),
            "doubt": self.doubt.tolist(),
            "own": self.own.tolist(),
            "tried": self.tried.tolist(),
            "kinds": asdict(self.kinds),
            "calls": asdict(self.calls),
        }

    @classmethod
    def from_json(cls, told: dict[str, Json]) -> "Timing":
        """Read what `as_json` told."""
        return cls(
            margin_from_json(told["level"]),
            tuple(
                Field(one["feature"], np.array(one["edges"], np.float64), np.array(one["group"], np.int64))
                for one in told["fields"]
            ),
            np.array(told["weights"], np.float64),
            np.array(told["doubt"], np.float64),
            np.array(told["own"], np.float64),
            np.array(told["tried"], np.bool_),
            Proof(**told["kinds"]),
            Proof(**told["calls"]),
        )


def expected(matrix: FeatureMatrix) -> BoolArray:
    """Which moments are of calls that their leads expect: they say nothing of the hour.

    The first one after a talk that ended in a callback, or one at about the time agreed on.
    """
    calls, answered, callback, due = (
        matrix.values[:, matrix.names.index(name)] for name in (SINCE_ANSWER, ANSWERED, CALLBACK, DUE)
    )
    return np.asarray(((calls == 0) & (np.abs(callback - answered) <= NEAR)) | (np.abs(due) <= NEAR))


def margin_told(margin: Margin) -> dict[str, Json]:
    """A margin as plain values; `margin_from_json` reads them back equal."""
    curves = [
        {
            "categorical": curve.categorical,
            "knots": curve.knots.tolist(),
            "values": curve.values.tolist(),
            "missing": curve.missing,
        }
        for curve in margin.curves
    ]
    return {"base": margin.base, "curves": curves}


def margin_from_json(told: dict[str, Json]) -> Margin:
    """Read what `margin_told` told."""
    curves = tuple(
        Curve(curve["categorical"], np.array(curve["knots"]), np.array(curve["values"]), curve["missing"])
        for curve in told["curves"]
    )
    return Margin(told["base"], curves)


def untimed() -> Timing:
    """A timing that knows nothing."""
    shape, kind = design()
    width = shape.shape[1]
    own, tried = np.zeros(int(kind.max()) + 1), np.zeros(HOURS, np.bool_)
    return Timing(Margin(0.0, ()), (), np.zeros((1, width)), np.zeros((1, width, width)), own, tried)


def a_day_later(matrix: FeatureMatrix) -> Float32Array:
    """The values as they will be in a day if nothing happens: a window lies ahead, and leads grow old."""
    values = matrix.values.copy()
    for place, feature in enumerate(matrix.features):
        if isinstance(feature, Age | AgeAmong | Recency | Tenure):
            values[:, place] += DAY / HOUR
        elif isinstance(feature, Count) and feature.by == "lead" and feature.within <= DAY:
            values[:, place] = 0.0
    return values


@dataclass(frozen=True)
class Weeks:
    """Log-odds of an answer of some leads at each hour of their own week, and how far they are in doubt."""

    log_odds: Float64Array
    """(leads, 168), Monday midnight first."""
    doubt: Float64Array
    """(leads, shapes, shapes): the covariance of the weights of their kinds' curves together."""
    kernel: Float64Array
    """(168, 168): the covariance that a lead's own hours have before its calls are heard."""
    tried: BoolArray
    """(168,): the hours of which anything is known."""
    calls: Calls | None = None
    bend: Float64Array = field(default_factory=lambda: np.empty(0))
    """(leads, calls, calls): what of that covariance the calls took away."""

    def __len__(self) -> int:
        return int(self.log_odds.shape[0])

    @property
    def p_answer(self) -> Float64Array:
        """The chance of an answer by lead and hour."""
        return probability(self.log_odds)

    def hearing(self, calls: Calls) -> "Weeks":
        """The same after their own calls were heard."""
        pull, bend = mode_of(calls, self.kernel)
        log_odds = self.log_odds.copy()
        for place in range(calls.hour.shape[1]):
            log_odds += self.kernel[calls.hour[:, place]] * pull[:, place, None]
        return replace(self, log_odds=log_odds, calls=calls, bend=bend)

    def variance(self, weight: Float64Array) -> Float64Array:
        """The variance of weighted sums over the hours of each lead's log-odds; `weight` (leads, k, 168)."""
        own = weight @ self.kernel
        return self._less_heard(weight @ design()[0], np.sum(own * weight, axis=2), own)

    def interval(self) -> tuple[Float64Array, Float64Array]:
        """The 95 % ends of `p_answer`: doubt about the hours, not about what else decides."""
        own = np.broadcast_to(self.kernel, (len(self), HOURS, HOURS))
        shape = np.broadcast_to(design()[0], (len(self), *design()[0].shape))
        reach = Z * np.sqrt(self._less_heard(shape, np.diag(self.kernel), own))
        return probability(self.log_odds - reach), probability(self.log_odds + reach)

    def _less_heard(self, shape: Float64Array, prior: Float64Array, own: Float64Array) -> Float64Array:
        """A variance by kind and by the lead itself, less what its calls took away; `own` (leads, k, 168)."""
        found: Float64Array = np.sum((shape @ self.doubt) * shape, axis=2) + prior
        if self.calls is not None:
            heard = np.take_along_axis(own, self.calls.hour[:, None, :], axis=2)
            found -= np.sum((heard @ self.bend) * heard, axis=2)
        return np.asarray(np.maximum(found, 0.0), np.float64)

    def sureness(self, hours: BoolArray, among: BoolArray) -> Float64Array:
        """How sure it is that hours (leads, k, 168) are better than the mean one of `among` (leads, 168).

        0 is sure that they are worse, 1/2 doesn't know.
        """
        apart = _mean(hours) - _mean(among)[:, None, :]
        better = (apart @ self.log_odds[:, :, None])[:, :, 0]
        sd = np.sqrt(self.variance(apart))
        return np.asarray(np.where(sd > 1e-9, ndtr(better / np.maximum(sd, 1e-9)), 0.5), np.float64)


def _mean(hours: BoolArray) -> Float64Array:
    """Weights that take the mean over some hours."""
    return np.asarray(hours / np.maximum(hours.sum(axis=-1, keepdims=True), 1), np.float64)
