"""Fit a head: a smooth margin, small trees boosted on it, and what of both the folds in time can bear."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import lightgbm
import numpy as np

from features import FeatureMatrix
from features.kernel import Float32Array, Float64Array, Int64Array

from .bundle import Model
from .calibration import AS_IT_IS, Calibration, calibrate, log_odds, probability
from .dataset import Examples
from .design import Design
from .head import Head
from .margin import Margin
from .ridge import ridge_weights
from .splits import Fold, learnable
from .trial import Trial

TRUST = 6.0
"""Factor on the prior sd of the features that a head trusts: shrunk 36 times less than the others."""
PATIENCE = 2e-5
"""A tree more must lower the folds' mean log loss by at least this, or fewer trees are taken."""


@dataclass(frozen=True)
class Choice:
    """What the folds chose: the margin's strength, the examples' half-life, the number of trees."""

    strength: float
    half_life: int | None
    trees: int


@dataclass(frozen=True)
class OutOfFold:
    """Log-odds of rows by models that had not seen them nor anything later, and which fold each was in."""

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
    """Probability of each judged row, as calibrated on the other folds."""
    losses: Float64Array
    """Mean log loss of the folds with 0, 1, 2 ... trees."""
    trials: tuple[Trial, ...] = ()
    """What the search tried, in order."""


@dataclass(frozen=True)
class Lesson:
    """What a head is taught: the columns at its examples' moments, their labels, and how much each weighs."""

    values: Float32Array
    categorical: tuple[bool, ...]
    at: Int64Array
    label: Float64Array
    weight: Float64Array
    trust: tuple[float, ...] = ()
    """The factor on each column's prior sd in the margin; none: 1 for all."""
    follows: tuple[int, ...] = ()
    """The columns whose log-odds the margin follows and that no tree reads."""

    @classmethod
    def of(
        cls,
        matrix: FeatureMatrix,
        examples: Examples,
        ignores: tuple[str, ...] = (),
        trusts: tuple[str, ...] = (),
        follows: tuple[str, ...] = (),
    ) -> "Lesson":
        """The lesson of computed features and their examples; what it `ignores` is missing everywhere."""
        kinds = tuple(feature.categorical for feature in matrix.features)
        trust = tuple(TRUST if name.startswith(trusts) else 1.0 for name in matrix.names) if trusts else ()
        ignored = [name.startswith(ignores) for name in matrix.names] if ignores else [False]
        values = np.where(ignored, np.float32(np.nan), matrix.values) if any(ignored) else matrix.values
        followed = tuple(place for place, name in enumerate(matrix.names) if name.startswith(follows))
        return cls(
            values, kinds, examples.at, examples.label, examples.weight, trust, followed if follows else ()
        )

    def take(self, rows: Int64Array) -> "Lesson":
        """The lesson of some rows."""
        return replace(
            self,
            values=self.values[rows],
            at=self.at[rows],
            label=self.label[rows],
            weight=self.weight[rows],
        )

    @property
    def grown_on(self) -> Float32Array:
        """The values as trees are grown on them: what is followed is missing everywhere."""
        if not self.follows:
            return self.values
        values = self.values.copy()
        values[:, self.follows] = np.nan
        return values

    def design(self) -> Design:
        """The margin's columns."""
        return Design.of(self.values, self.categorical, self.trust, self.follows)

    def fading(self, half_life: int | None) -> Float64Array:
        """The weights, halved once per half-life before the last row."""
        if half_life is None:
            return self.weight
        return np.asarray(self.weight * 0.5 ** ((self.at[-1] - self.at) / half_life))


def fit(lesson: Lesson, head: Head, folds: Sequence[Fold], threads: int) -> Fitted:
    """Choose on the folds, calibrate on the rows they judged, then fit on all rows."""
    usable = learnable(folds, lesson.label)
    strength, half_life, margins, trials = _choose_margin(lesson, head, usable)
    losses, unseen, trees = _choose_trees(lesson, head, usable, half_life, margins, threads)
    choice = Choice(strength, half_life, trees)
    margin, booster = boosted(lesson, head, choice, threads)
    weight = lesson.fading(half_life)[unseen.rows]
    calibration, told = earned(unseen, lesson.label[unseen.rows], weight)
    return Fitted(model_of(margin, booster, calibration), choice, unseen, told, losses, trials)


def fit_as(lesson: Lesson, head: Head, choice: Choice, folds: Sequence[Fold], threads: int) -> Fitted:
    """The same with settings chosen beforehand: a fit per fold to calibrate on, and one of all rows."""
    usable = learnable(folds, lesson.label)
    scores = []
    for fold in usable:
        margin, booster = boosted(lesson.take(fold.train), head, choice, threads)
        scores.append(log_odds_of(margin, booster, lesson.values[fold.test]))
    rows = np.concatenate([np.empty(0, np.int64), *(fold.test for fold in usable)])
    places = np.repeat(np.arange(len(usable)), [fold.test.size for fold in usable])
    unseen = OutOfFold(rows, np.concatenate([np.empty(0), *scores]), places)
    margin, booster = boosted(lesson, head, choice, threads)
    calibration, told = earned(unseen, lesson.label[rows], lesson.fading(choice.half_life)[rows])
    return Fitted(model_of(margin, booster, calibration), choice, unseen, told, np.empty(0))


def boosted(
    lesson: Lesson, head: Head, choice: Choice, threads: int
) -> tuple[Margin, lightgbm.Booster | None]:
    """The margin of all rows and the trees boosted on it: no search, no judging."""
    weight = lesson.fading(choice.half_life)
    design = lesson.design()
    found = ridge_weights(design, lesson.label, weight, choice.strength)
    margin = design.margin(found)
    if not choice.trees:
        return margin, None
    rows = _dataset(lesson, weight, design.score(found))
    return margin, lightgbm.train(parameters(head, threads), rows, choice.trees)


def model_of(margin: Margin, booster: lightgbm.Booster | None, calibration: Calibration) -> Model:
    """What of a fit is kept."""
    return Model("" if booster is None else booster.model_to_string(), margin, calibration)


def parameters(head: Head, threads: int) -> dict[str, object]:
    """LightGBM's parameters for a head: small, shrunken trees, the same on every run."""
    return {
        "objective": head.objective,
        "learning_rate": head.learning_rate,
        "num_leaves": head.leaves,
        "min_data_in_leaf": head.least_in_leaf,
        "lambda_l2": head.shrinkage,
        "feature_fraction": head.columns_per_tree,
        "cat_smooth": 50.0,
        "max_bin": 255,
        "seed": head.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }


def earned(unseen: OutOfFold, label: Float64Array, weight: Float64Array) -> tuple[Calibration, Float64Array]:
    """A calibration if it lowers the log loss of rows it wasn't fitted on, and what those rows are told.

    A ridge margin is nearly honest by itself, and where calls are few a fitted line only adds its own noise.
    """
    plain, told = probability(unseen.score), np.empty(unseen.rows.size)
    for fold in np.unique(unseen.fold):
        own = unseen.fold == fold
        told[own] = calibrate(unseen.score[~own], label[~own], weight[~own]).apply(unseen.score[own])
    if not label.size or log_loss(log_odds(told), label) >= log_loss(unseen.score, label):
        return AS_IT_IS, plain
    return calibrate(unseen.score, label, weight), told


def log_loss(score: Float64Array, label: Float64Array) -> float:
    """Mean negative log likelihood of labels under log-odds."""
    return float(np.mean(np.logaddexp(0.0, score) - label * score))


def _choose_margin(
    lesson: Lesson, head: Head, folds: Sequence[Fold]
) -> tuple[float, int | None, tuple[Margin, ...], tuple[Trial, ...]]:
    """The strength that judges best with equal weights, then the half-life that does with that strength."""
    parts = [lesson.take(fold.train) for fold in folds]
    designs = [part.design() for part in parts]
    tried: dict[tuple[float, int | None], tuple[float, tuple[Margin, ...]]] = {}

    def judge(strength: float, half_life: int | None) -> float:
        if (strength, half_life) not in tried:
            margins = tuple(
                design.margin(ridge_weights(design, part.label, part.fading(half_life), strength))
                for design, part in zip(designs, parts, strict=True)
            )
            tried[strength, half_life] = (_judged(lesson, folds, margins), margins)
        return tried[strength, half_life][0]

    strength = min(head.strengths, key=lambda s: judge(s, head.half_lives[0]))
    half_life = min(head.half_lives, key=lambda h: judge(strength, h))
    trials = tuple(Trial({"strength": s, "half_life": h}, loss) for (s, h), (loss, _) in tried.items())
    return strength, half_life, tried[strength, half_life][1], trials


def _judged(lesson: Lesson, folds: Sequence[Fold], margins: Sequence[Margin]) -> float:
    """Log loss over all judged rows; 0 where no fold can judge."""
    calls = sum(fold.test.size for fold in folds)
    losses = [
        log_loss(margin.apply(lesson.values[fold.test]), lesson.label[fold.test]) * fold.test.size
        for fold, margin in zip(folds, margins, strict=True)
    ]
    return sum(losses) / max(calls, 1)


def _choose_trees(
    lesson: Lesson,
    head: Head,
    folds: Sequence[Fold],
    half_life: int | None,
    margins: Sequence[Margin],
    threads: int,
) -> tuple[Float64Array, OutOfFold, int]:
    """Boost on each fold's margin, and take as many trees as all folds together bear."""
    if not folds:
        nothing = np.empty(0, np.int64)
        return np.zeros(1), OutOfFold(nothing, np.empty(0), nothing), 0
    sizes = np.array([fold.test.size for fold in folds])
    grown = [
        _grow(lesson, head, fold, half_life, margin, threads)
        for fold, margin in zip(folds, margins, strict=True)
    ]
    losses = np.average([curve for _, curve in grown], axis=0, weights=sizes)
    trees = fewest_enough(losses)
    scores = [
        margin.apply(lesson.values[fold.test]) + tree_scores(booster, lesson.values[fold.test], trees)
        for fold, margin, (booster, _) in zip(folds, margins, grown, strict=True)
    ]
    rows = np.concatenate([fold.test for fold in folds])
    return losses, OutOfFold(rows, np.concatenate(scores), np.repeat(np.arange(len(folds)), sizes)), trees


def fewest_enough(losses: Float64Array) -> int:
    """The number of trees from which on no more of them help by `PATIENCE` each."""
    worth = losses + PATIENCE * np.arange(losses.size)
    return int(np.argmin(worth))


def tree_scores(booster: lightgbm.Booster, values: Float32Array, trees: int) -> Float64Array:
    """What the first `trees` trees add to the margin."""
    if not trees:
        return np.zeros(values.shape[0])
    return np.asarray(booster.predict(values, raw_score=True, num_iteration=trees), np.float64)


def _grow(
    lesson: Lesson, head: Head, fold: Fold, half_life: int | None, margin: Margin, threads: int
) -> tuple[lightgbm.Booster, Float64Array]:
    """As many trees as the head allows, and the log loss of the judged rows with 0, 1, 2 ... of them."""
    past, after = lesson.take(fold.train), lesson.take(fold.test)
    start = margin.apply(after.values)
    train = _dataset(past, past.fading(half_life), margin.apply(past.values))
    judged = _dataset(after, None, start, train)
    curve: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        {**parameters(head, threads), "metric": "binary_logloss"},
        train,
        head.most_trees,
        valid_sets=[judged],
        valid_names=["after"],
        callbacks=[lightgbm.record_evaluation(curve)],
    )
    return booster, np.array([log_loss(start, after.label), *curve["after"]["binary_logloss"]])


def _dataset(
    lesson: Lesson,
    weight: Float64Array | None,
    margin: Float64Array,
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        lesson.grown_on,
        lesson.label,
        weight=weight,
        init_score=margin,
        reference=reference,
        categorical_feature=[place for place, is_category in enumerate(lesson.categorical) if is_category],
        params={"max_bin": 255, "verbosity": -1},
    )


def chance(margin: Margin, booster: lightgbm.Booster | None, values: Float32Array) -> Float64Array:
    """Uncalibrated probability of each row."""
    return probability(log_odds_of(margin, booster, values))


def log_odds_of(margin: Margin, booster: lightgbm.Booster | None, values: Float32Array) -> Float64Array:
    """Uncalibrated log-odds of each row."""
    score = margin.apply(values)
    return score if booster is None else score + tree_scores(booster, values, booster.num_trees())
