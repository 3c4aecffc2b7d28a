"""Fit a head: a smooth margin, small trees boosted on it, and what of both the folds in time can bear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np

from features.kernel import Float32Array, Float64Array, Int64Array

from .bundle import Model
from .calibration import AS_IT_IS, Calibration, probability
from .design import Design
from .head import Head
from .lesson import Lesson
from .margin import Margin
from .objective import BINARY, OBJECTIVES, Objective
from .seeds import averaged
from .splits import Fold, learnable
from .trees import grow, grow_judged, mean_score
from .trial import Trial

PATIENCE = 2e-5
"""A tree more must lower the folds' mean loss by at least this, or fewer trees are taken."""


@dataclass(frozen=True)
class Choice:
    """What the folds chose: the margin's strength, the examples' weights, the number of trees."""

    strength: float
    half_life: int | None
    trees: int
    evened: bool = False
    """Whether examples weigh the more, the less likely their lead was to be drawn."""


@dataclass(frozen=True)
class OutOfFold:
    """Scores of rows by models that had not seen them nor anything later, and which fold each was in."""

    rows: Int64Array
    score: Float64Array
    fold: Int64Array


@dataclass(frozen=True)
class Fitted:
    """A head fitted on all its examples, with the choice that was made and the scores that it was made on."""

    model: Model
    choice: Choice
    unseen: OutOfFold
    chance: Float64Array
    """Probability or amount of each judged row, as calibrated on the other folds."""
    losses: Float64Array
    """Mean loss of the folds with 0, 1, 2 ... trees."""
    trials: tuple[Trial, ...] = ()
    """What the search tried, in order."""


def fit(lesson: Lesson, head: Head, folds: Sequence[Fold], threads: int) -> Fitted:
    """Choose on the folds, calibrate on the rows they judged, then fit on all rows."""
    usable = learnable(folds, lesson.label)
    (strength, half_life, evened), margins, trials = _choose_margin(lesson, head, usable)
    lesson = lesson.even() if evened else lesson
    losses, unseen, trees = _choose_trees(lesson, head, usable, half_life, margins, threads)
    choice = Choice(strength, half_life, trees, evened)
    margin, booster = boosted(lesson, head, choice, threads)
    weight = lesson.fading(half_life)[unseen.rows]
    calibration, told = earned(unseen, lesson.label[unseen.rows], weight, OBJECTIVES[head.objective])
    return Fitted(model_of(margin, booster, calibration, head), choice, unseen, told, losses, trials)


def fit_as(lesson: Lesson, head: Head, choice: Choice, folds: Sequence[Fold], threads: int) -> Fitted:
    """The same with settings chosen beforehand: a fit per fold to calibrate on, and one of all rows."""
    usable = learnable(folds, lesson.label)
    lesson = lesson.even() if choice.evened else lesson
    scores = []
    for fold in usable:
        margin, booster = boosted(lesson.take(fold.train), head, choice, threads)
        scores.append(log_odds_of(margin, booster, lesson.values[fold.test]))
    rows = np.concatenate([np.empty(0, np.int64), *(fold.test for fold in usable)])
    places = np.repeat(np.arange(len(usable)), [fold.test.size for fold in usable])
    unseen = OutOfFold(rows, np.concatenate([np.empty(0), *scores]), places)
    margin, booster = boosted(lesson, head, choice, threads)
    weight = lesson.fading(choice.half_life)[rows]
    calibration, told = earned(unseen, lesson.label[rows], weight, OBJECTIVES[head.objective])
    return Fitted(model_of(margin, booster, calibration, head), choice, unseen, told, np.empty(0))


def tree_judge(
    lesson: Lesson, head: Head, folds: Sequence[Fold], threads: int
) -> Callable[[Head], float] | None:
    """What any settings of trees are worth on the folds, over margins chosen once; None without a fold."""
    usable = learnable(folds, lesson.label)
    if not usable:
        return None
    (_, half_life, evened), margins, _ = _choose_margin(lesson, head, usable)
    lesson = lesson.even() if evened else lesson

    def judge(asked: Head) -> float:
        losses, _, trees = _choose_trees(lesson, asked, usable, half_life, margins, threads)
        return float(losses[trees])

    return judge


def boosted(
    lesson: Lesson, head: Head, choice: Choice, threads: int
) -> tuple[Margin, lightgbm.Booster | None]:
    """The margin of all rows and the trees boosted on it: no search, no judging."""
    lesson = lesson.even() if choice.evened else lesson
    weight = lesson.fading(choice.half_life)
    found = weighed(lesson, lesson.design(), head, weight, choice.strength)
    if not choice.trees:
        return found.margin, None
    return found.margin, averaged(grow(lesson, weight, found.score, head, choice.trees, threads))


@dataclass(frozen=True)
class Weighed:
    """A fitted margin, and what it says of each row that it was fitted on."""

    margin: Margin
    score: Float64Array


def weighed(lesson: Lesson, design: Design, head: Head, weight: Float64Array, strength: float) -> Weighed:
    """The margin of a strength, onto the lesson's anchor if it has one."""
    anchor, weights = lesson.anchor, OBJECTIVES[head.objective].weights
    if anchor is None:
        return Weighed(*design.fitted(weights(design, lesson.label, weight, strength)))
    start = anchor.start(lesson.values)
    margin, score = design.fitted(weights(design, lesson.label - start, weight, strength))
    return Weighed(anchor.onto(margin), start + score)


def model_of(margin: Margin, booster: lightgbm.Booster | None, calibration: Calibration, head: Head) -> Model:
    """What of a fit is kept."""
    return Model("" if booster is None else booster.model_to_string(), margin, calibration, head.objective)


def earned(
    unseen: OutOfFold, label: Float64Array, weight: Float64Array, objective: Objective = BINARY
) -> tuple[Calibration, Float64Array]:
    """A calibration if it makes rows it wasn't fitted on cost less, and what those rows are told.

    A ridge margin is nearly honest by itself, and where calls are few a fitted line only adds its own noise.
    """
    plain, told = objective.scale(unseen.score), np.empty(unseen.rows.size)
    for fold in np.unique(unseen.fold):
        own = unseen.fold == fold
        line = objective.calibrate(unseen.score[~own], label[~own], weight[~own])
        told[own] = objective.scale(line.line(unseen.score[own]))
    if not label.size or objective.cost(told, label) >= objective.cost(plain, label):
        return AS_IT_IS, plain
    return objective.calibrate(unseen.score, label, weight), told


def _choose_margin(
    lesson: Lesson, head: Head, folds: Sequence[Fold]
) -> tuple[tuple[float, int | None, bool], tuple[Weighed, ...], tuple[Trial, ...]]:
    """The strength that judges best with equal weights, with it the half-life, with both whether to even."""
    parts = {
        evened: [(lesson.even() if evened else lesson).take(fold.train) for fold in folds]
        for evened in ((False, True) if lesson.selected else (False,))
    }
    designs = [part.design() for part in parts[False]]
    objective = OBJECTIVES[head.objective]
    tried: dict[tuple[float, int | None, bool], tuple[float, tuple[Weighed, ...]]] = {}

    def judge(*asked: *tuple[float, int | None, bool]) -> float:
        strength, half_life, evened = asked
        if asked not in tried:
            margins = tuple(
                weighed(part, design, head, part.fading(half_life), strength)
                for design, part in zip(designs, parts[evened], strict=True)
            )
            tried[asked] = (_judged(lesson, folds, margins, objective), margins)
        return tried[asked][0]

    strength = min(head.strengths, key=lambda s: judge(s, head.half_lives[0], False))
    half_life = min(head.half_lives, key=lambda h: judge(strength, h, False))
    best = strength, half_life, min(parts, key=lambda e: judge(strength, half_life, e))
    names = ("strength", "half_life", "evened")
    trials = tuple(Trial(dict(zip(names, asked, strict=True)), loss) for asked, (loss, _) in tried.items())
    return best, tried[best][1], trials


def _judged(lesson: Lesson, folds: Sequence[Fold], margins: Sequence[Weighed], objective: Objective) -> float:
    """Mean loss over all judged rows; 0 where no fold can judge."""
    calls = sum(fold.test.size for fold in folds)
    losses = [
        objective.loss(one.margin.apply(lesson.values[fold.test]), lesson.label[fold.test]) * fold.test.size
        for fold, one in zip(folds, margins, strict=True)
    ]
    return sum(losses) / max(calls, 1)


def _choose_trees(
    lesson: Lesson,
    head: Head,
    folds: Sequence[Fold],
    half_life: int | None,
    margins: Sequence[Weighed],
    threads: int,
) -> tuple[Float64Array, OutOfFold, int]:
    """Boost on each fold's margin, and take as many trees as all folds together bear."""
    if not folds:
        nothing = np.empty(0, np.int64)
        return np.zeros(1), OutOfFold(nothing, np.empty(0), nothing), 0
    sizes = np.array([fold.test.size for fold in folds])
    grown = [
        _grow(lesson, head, fold, half_life, one, threads) for fold, one in zip(folds, margins, strict=True)
    ]
    bear = min(curve.size for _, curve in grown)
    losses = np.average([curve[:bear] for _, curve in grown], axis=0, weights=sizes)
    trees = fewest_enough(losses)
    scores = [
        one.margin.apply(lesson.values[fold.test]) + mean_score(boosters, lesson.values[fold.test], trees)
        for fold, one, (boosters, _) in zip(folds, margins, grown, strict=True)
    ]
    rows = np.concatenate([fold.test for fold in folds])
    return losses, OutOfFold(rows, np.concatenate(scores), np.repeat(np.arange(len(folds)), sizes)), trees


def fewest_enough(losses: Float64Array) -> int:
    """The number of trees from which on no more of them help by `PATIENCE` each."""
    worth = losses + PATIENCE * np.arange(losses.size)
    return int(np.argmin(worth))


def _grow(
    lesson: Lesson, head: Head, fold: Fold, half_life: int | None, one: Weighed, threads: int
) -> tuple[list[lightgbm.Booster], Float64Array]:
    """As many trees as the head allows, and the loss of the judged rows with 0, 1, 2 ... of them."""
    past, after = lesson.take(fold.train), lesson.take(fold.test)
    start = one.margin.apply(after.values)
    grown, losses = grow_judged(past, past.fading(half_life), one.score, (after, start), head, threads)
    return grown, np.append(OBJECTIVES[head.objective].loss(start, after.label), losses)


def chance(margin: Margin, booster: lightgbm.Booster | None, values: Float32Array) -> Float64Array:
    """Uncalibrated probability of each row."""
    return probability(log_odds_of(margin, booster, values))


def log_odds_of(margin: Margin, booster: lightgbm.Booster | None, values: Float32Array) -> Float64Array:
    """Uncalibrated log-odds of each row."""
    score = margin.apply(values)
    return score if booster is None else score + mean_score([booster], values, booster.num_trees())
