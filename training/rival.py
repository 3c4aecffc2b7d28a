"""Rival: what every learner that the bundle must not lose to promises."""

from collections.abc import Callable
from dataclasses import dataclass

from features import FeatureMatrix
from features.kernel import Float64Array

Predict = Callable[[FeatureMatrix], Float64Array]
"""The probability of each row of a matrix of the same features."""


@dataclass(frozen=True)
class Rival:
    """A learner by name: `fit` a matrix, labels of both kinds, on so many threads, to get what predicts."""

    name: str
    fit: Callable[[FeatureMatrix, Float64Array, int], Predict]
