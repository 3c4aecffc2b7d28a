"""Rival: what everyone that the bundle must not lose to promises."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from .bundle import Model

Predict = Callable[[FeatureMatrix], Float64Array]
"""A figure for each row of a matrix of the same features: its probability, or a key that only orders."""
Write = Callable[[FeatureMatrix, Float64Array, int], Model]
"""The same as `fit`, as text that a bundle can hold; its score orders as the figures do, uncalibrated."""
OLDEST = 1e9
"""Hours: the age of a lead of unknown age, for those who order by it."""


@dataclass(frozen=True)
class Rival:
    """By name: `fit` a matrix, labels of both kinds, on so many threads, to get what predicts."""

    name: str
    fit: Callable[[FeatureMatrix, Float64Array, int], Predict]
    chances: bool = True
    """Whether it predicts probabilities; else its figures say only who is called first, the largest."""
    reads: tuple[str, ...] = ()
    """The columns of the catalogue that it goes by, where they exist; none: whatever columns it is given."""
    write: Write | None = None
    """How it is written as text, so that it can serve; none where that can't be done or isn't worth it."""


def known(matrix: FeatureMatrix, name: str, otherwise: float) -> Float64Array:
    """A column by its name; `otherwise` where nothing is known and where there is no such column."""
    if name not in matrix.names:
        return np.full(len(matrix), otherwise)
    column = matrix.values[:, matrix.names.index(name)]
    return np.where(np.isnan(column), otherwise, column).astype(np.float64)
