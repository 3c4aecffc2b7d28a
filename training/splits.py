"""Folds in time: learn from what came before, be judged on what came after, with a gap in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features.kernel import Float64Array, Int64Array


@dataclass(frozen=True)
class Fold:
    """Rows to learn from and the later rows to be judged on, both ascending in time."""

    train: Int64Array
    test: Int64Array


def time_folds(at: Int64Array, count: int, judged: float, gap: int) -> tuple[Fold, ...]:
    """Cut the last `judged` share of the rows (ordered by `at`) into `count` blocks, oldest first.

    Each block is judged by a model of all rows that began more than `gap` microseconds before its first row,
    so that their outcomes were known by then. A block without a past is left out.
    """
    if np.any(np.diff(at) < 0):
        raise ValueError("rows are not in the order of time")
    edges = np.linspace(round(at.size * (1 - judged)), at.size, count + 1).astype(np.int64)
    folds = [
        Fold(np.arange(np.searchsorted(at, at[first] - gap)), np.arange(first, last))
        for first, last in pairwise(edges)
        if last > first
    ]
    return tuple(fold for fold in folds if fold.train.size)


def learnable(folds: Sequence[Fold], label: Float64Array) -> tuple[Fold, ...]:
    """The folds whose past and whose block both hold calls with and without the mark."""
    return tuple(fold for fold in folds if _mixed(label[fold.train]) and _mixed(label[fold.test]))


def _mixed(label: Float64Array) -> bool:
    return bool(label.size) and bool(label.min() < label.max())
