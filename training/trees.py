"""Trees: LightGBM boosted on a margin, small and shrunken, the same on every run; one forest a seed."""

from collections.abc import Sequence

import lightgbm
import numpy as np

from features.kernel import Float32Array, Float64Array

from .head import Head
from .lesson import Lesson
from .objective import OBJECTIVES

MOST_BINS = 255
"""Of a column's values, missing among them: a place among thresholds fits in one byte."""

NO_BETTER = 30
"""A forest that is judged grows until so many trees in a row brought nothing."""


def parameters(head: Head, threads: int) -> dict[str, object]:
    """LightGBM's parameters for a head."""
    return {
        "objective": OBJECTIVES[head.objective].trees,
        "learning_rate": head.learning_rate,
        "num_leaves": head.leaves,
        "min_data_in_leaf": head.least_in_leaf,
        "lambda_l2": head.shrinkage,
        "feature_fraction": head.columns_per_tree,
        "cat_smooth": 50.0,
        "max_bin": MOST_BINS,
        "seed": head.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": threads,
        "verbosity": -1,
    }


def grow(
    lesson: Lesson, weight: Float64Array, margin: Float64Array, head: Head, trees: int, threads: int
) -> list[lightgbm.Booster]:
    """So many trees for each of the head's seeds, boosted on scores of the lesson's rows."""
    rows = _rows(lesson, weight, margin)
    return [lightgbm.train(told, rows, trees) for told in _seeded(lesson, head, threads)]


def grow_judged(
    lesson: Lesson,
    weight: Float64Array,
    margin: Float64Array,
    judged: tuple[Lesson, Float64Array],
    head: Head,
    threads: int,
) -> tuple[list[lightgbm.Booster], Float64Array]:
    """As many trees as the head allows and the judged rows bear, and their mean loss with 1, 2 ... of them.

    It is the mean over the seeds of each one's loss: the mean of their scores would bear some more trees.
    """
    objective, rows = OBJECTIVES[head.objective], _rows(lesson, weight, margin)
    after = _rows(judged[0], None, judged[1], rows)
    grown, losses = [], []
    for told in _seeded(lesson, head, threads):
        curve: dict[str, dict[str, list[float]]] = {}
        booster = lightgbm.train(
            {**told, "metric": objective.metric},
            rows,
            head.most_trees,
            valid_sets=[after],
            valid_names=["after"],
            callbacks=[lightgbm.record_evaluation(curve), lightgbm.early_stopping(NO_BETTER, verbose=False)],
            keep_training_booster=True,  # trees behind its own best: the folds together may bear them
        )
        grown.append(booster)
        losses.append(curve["after"][objective.metric])
    bear = min(map(len, losses))
    return grown, objective.per_metric * np.mean([curve[:bear] for curve in losses], axis=0)


def mean_score(grown: Sequence[lightgbm.Booster], values: Float32Array, trees: int) -> Float64Array:
    """What the first `trees` trees of each seed add to the margin, their mean."""
    if not trees or not grown:
        return np.zeros(values.shape[0])
    told = [booster.predict(values, raw_score=True, num_iteration=trees) for booster in grown]
    return np.asarray(np.mean(told, axis=0), np.float64)


def _seeded(lesson: Lesson, head: Head, threads: int) -> list[dict[str, object]]:
    """The parameters of each seed: they differ in the columns that each tree may read."""
    told = parameters(head, threads)
    if any(lesson.signs):
        told["monotone_constraints"] = list(lesson.signs)
    return [{**told, "feature_fraction_seed": head.seed + place} for place in range(head.seeds)]


def _rows(
    lesson: Lesson,
    weight: Float64Array | None,
    margin: Float64Array,
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    """The lesson as trees read it: what the margin follows is missing everywhere."""
    values = lesson.values
    if lesson.follows:
        values = values.copy()
        values[:, lesson.follows] = np.nan
    return lightgbm.Dataset(
        values,
        lesson.label,
        weight=weight,
        init_score=margin,
        reference=reference,
        categorical_feature=[place for place, is_category in enumerate(lesson.categorical) if is_category],
        params={"max_bin": MOST_BINS, "verbosity": -1},
    )
