"""Learning the timing: curves by kinds of lead and by own calls, kept only if later calls bear them out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from features import Feature, FeatureMatrix
from features.instants import HOUR
from features.kernel import Float32Array, Float64Array, Int64Array
from features.past import Read
from features.statistics.attribute import Attribute, Category, Worth
from features.statistics.calendar import Calendar
from features.statistics.rhythm import Rhythm

from .dataset import Examples
from .head import Head
from .lesson import Lesson
from .margin import Curve, Margin
from .own_calls import Calls, own_log_odds, variances
from .pooling import Pooled, Tries, pool, surprise
from .ridge import ridge_weights
from .splits import Fold, time_folds
from .week import HOURS
from .windows import HOUR_OF_WEEK, NO_PROOF, Field, Proof, Timing, expected

FOLDS, JUDGED, GAP = 4, 0.5, HOUR
"""As the heads are judged: the later half of the calls in four blocks, each by what began an hour earlier."""
BLOCKS = 40
"""Gains are compared over so many blocks of consecutive calls."""
SURE = 0.99
"""One-sided: a gain is proven if so much of what noise may make of it lies above nothing."""
LEAST_GAIN = 2e-4
"""Of log loss a call: less than this moves nobody's hour."""
SURPRISING = 2.5
"""Groups get curves of their own if their hours differ by so many standard errors."""
MOST_FIELDS, MOST_GROUPS, PARTS = 3, 10, 5
"""Fields in use at most, words with a curve of their own, parts of equally many that numbers are cut into."""
SHARED = {"everyone", "line", "campaign", "script"}
"""Whose past says the same of all leads at a moment, or of all of a campaign."""
LEAST_TRIES = 20
"""An hour of the week at which fewer calls were made is never recommended."""


@dataclass(frozen=True)
class Leveller:
    """Says how good a call was by everything but its hour, taught with the hour beside it.

    Which leads are called at which hour is somebody's choice, by age, channel, attempts so far. The margin
    knows all that and the clock; then the clock's curves are left out.
    """

    lesson: Lesson
    clock: tuple[int, ...]
    """The columns that tell the hour or the day of the week."""
    strength: float

    @classmethod
    def of(
        cls,
        matrix: FeatureMatrix,
        found: Examples,
        head: Head,
        strength: float,
    ) -> "Leveller":
        """For the head's examples; what tells the time besides the clock goes unheard."""
        unheard = tuple(feature.name for feature in matrix.features if _tells_time(feature))
        clock = tuple(place for place, feature in enumerate(matrix.features) if _is_clock(feature))
        trusts = head.trusts + tuple(matrix.features[place].name for place in clock)
        lesson = Lesson.of(matrix, found, head.ignores + unheard, trusts)
        return cls(lesson, clock, strength)

    def margin(self, rows: Int64Array) -> Margin:
        """The level as these rows teach it."""
        lesson = self.lesson.take(rows)
        design = lesson.design()
        fitted, _ = design.fitted(ridge_weights(design, lesson.label, lesson.weight, self.strength))
        curves = list(fitted.curves)
        for place in self.clock:
            curves[place] = Curve(False, np.empty(0), np.empty(0), 0.0)
        return Margin(fitted.base, tuple(curves))

    def level(self, rows: Int64Array) -> Float64Array:
        """Of every call, as these rows teach it."""
        return self.margin(rows).apply(self.lesson.values)


def _tells_time(feature: Feature) -> bool:
    """Rates by hour are hour and level in one; what all leads share at a moment is a clock in disguise."""
    by = set(feature.by.split("×")) if isinstance(feature, Read) else set()
    return isinstance(feature, Rhythm) or "hour" in by or (bool(by) and by <= SHARED)


def _is_clock(feature: Feature) -> bool:
    return isinstance(feature, Calendar) and feature.when == "moment"


def fields_of(matrix: FeatureMatrix) -> tuple[Field, ...]:
    """What leads may be told apart by: words, attributes, value, and the hour at which they asked.

    Not by list: its weeks are seasons in disguise.
    """
    found = []
    for place, feature in enumerate(matrix.features):
        column = matrix.values[:, place]
        if isinstance(feature, Category) and feature.name != "list":
            found.append(Field(feature.name, np.empty(0), _frequent(column, len(feature.levels))))
        elif isinstance(feature, Attribute | Worth) or _is_arrival(feature):
            found.append(Field(feature.name, _edges(column), np.empty(0, np.int64)))
    return tuple(found)


def _is_arrival(feature: Feature) -> bool:
    return isinstance(feature, Calendar) and feature.when == "arrival"


def _frequent(column: Float32Array, levels: int) -> Int64Array:
    """The group of each code: the most frequent have their own, others and missing ones share the last."""
    codes = column[~np.isnan(column)].astype(np.int64)
    count = np.bincount(codes, minlength=levels)[:levels]
    own = np.argsort(-count, kind="stable")[:MOST_GROUPS]
    own = np.sort(own[count[own] > 0])
    group = np.full(levels + 1, own.size)
    group[own] = np.arange(own.size)
    return group


def _edges(column: Float32Array) -> Float64Array:
    seen = column[~np.isnan(column)].astype(np.float64)
    return np.unique(np.quantile(seen, np.arange(1, PARTS) / PARTS)) if seen.size else np.empty(0)


def tries_of(matrix: FeatureMatrix, found: Examples, fields: Sequence[Field], level: Float64Array) -> Tries:
    """The head's examples as attempts at hours of weeks."""
    names = matrix.names
    groups = [field.groups(matrix.values[:, names.index(field.feature)]) for field in fields]
    return Tries(
        lead=found.moments.lead,
        hour=matrix.values[:, names.index(HOUR_OF_WEEK)].astype(np.int64),
        level=level,
        answered=found.label,
        groups=np.array(groups, np.int64).reshape(len(groups), len(found)).T,
        sizes=tuple(field.size for field in fields),
    )


def learn_timing(matrix: FeatureMatrix, found: Examples, head: Head, strength: float) -> Timing:
    """The timing as the answer head's examples and their features teach it; calls expected say nothing.

    Nothing is proven where all began within the gap before a fold.
    """
    open_ = np.flatnonzero(~expected(matrix))
    matrix, found = matrix.take(open_), found.take(open_)
    leveller, fields = Leveller.of(matrix, found, head, strength), fields_of(matrix)
    folds = time_folds(found.at, FOLDS, JUDGED, GAP)
    judged = [judge(tries_of(matrix, found, fields, leveller.level(one.train)), one) for one in folds]
    kinds, calls = (proof(np.concatenate([np.empty(0), *(two[side] for two in judged)])) for side in (0, 1))
    level = leveller.margin(np.arange(len(found)))
    tries = tries_of(matrix, found, fields, level.apply(leveller.lesson.values))
    return taught(tries, fields, level, kinds, calls)


def judge(tries: Tries, fold: Fold) -> tuple[Float64Array, Float64Array]:
    """What curves by kind gain on each of the fold's later calls, and what own calls gain beyond them.

    Both sides of a comparison know the same levels, of each kind and of each lead: only hours are judged.
    """
    past, later = tries.take(fold.train), tries.take(fold.test)
    chosen = surprising(past)
    past, later = past.by(chosen), later.by(chosen)
    shaped = pool(past)
    flat = pool(past, shaped=False) if chosen else shaped
    own = _own(past, shaped)
    steady = np.where(np.arange(own.size) == 0, own, 0.0)
    heard = _heard(past, shaped)
    known = shaped.score(later)
    alike, apart = (known + own_log_odds(heard, by, later.lead, later.hour) for by in (steady, own))
    kinds = _loss(flat.score(later), later.answered) - _loss(known, later.answered)
    return kinds, _loss(alike, later.answered) - _loss(apart, later.answered)


def surprising(tries: Tries) -> list[int]:
    """The fields whose groups differ most in their hours, by more than chance."""
    found = surprise(tries)
    order = np.argsort(-found, kind="stable")[:MOST_FIELDS]
    return sorted(int(place) for place in order if found[place] > SURPRISING)


def _heard(tries: Tries, pooled: Pooled) -> Calls:
    leads = int(tries.lead.max(initial=-1)) + 1
    return Calls.of(leads, tries.lead, tries.hour, pooled.score(tries), tries.answered)


def _own(tries: Tries, pooled: Pooled) -> Float64Array:
    return variances(_heard(tries, pooled))


def _loss(log_odds: Float64Array, answered: Float64Array) -> Float64Array:
    return np.asarray(np.logaddexp(0.0, log_odds) - answered * log_odds)


def proof(gains: Float64Array) -> Proof:
    """The verdict on paired gains of calls in the order of time: t over blocks, so that days may differ."""
    if gains.size < 2 * BLOCKS:
        return NO_PROOF
    blocks = np.array([block.mean() for block in np.array_split(gains, BLOCKS)])
    error = blocks.std(ddof=1) / np.sqrt(BLOCKS)
    gain = float(blocks.mean())
    low = gain - float(student.ppf(SURE, BLOCKS - 1) * error)
    return Proof(gain, low, proven=low > 0 and gain > LEAST_GAIN)


def taught(tries: Tries, fields: Sequence[Field], level: Margin, kinds: Proof, calls: Proof) -> Timing:
    """The curves of all attempts, with what was proven and nothing else."""
    chosen = surprising(tries) if kinds.proven else []
    kinds = replace(kinds, proven=bool(chosen))
    tries = tries.by(chosen)
    pooled = pool(tries)
    own = _own(tries, pooled) if calls.proven else np.zeros(pooled.variance.shape[1])
    return Timing(
        level if kinds.proven or calls.proven else Margin(level.base, ()),
        tuple(fields[place] for place in chosen), pooled.weights, pooled.doubt, own,
        np.bincount(tries.hour, minlength=HOURS) >= LEAST_TRIES, kinds, calls,
    )  # fmt: skip
