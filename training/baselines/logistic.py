"""Logistic regression: standardised numbers, flags for missing ones, one-hot categories, L2 penalty of 1."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import Predict, Rival


def fit(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Predict:
    """scikit-learn's regression on those columns."""
    mean, spread = _centre(matrix)
    levels = _levels(matrix)
    model = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=100)
    model.fit(_columns(matrix, mean, spread, levels), label)

    def predict(asked: FeatureMatrix) -> Float64Array:
        return np.asarray(model.predict_proba(_columns(asked, mean, spread, levels))[:, 1], np.float64)

    return predict


def _centre(matrix: FeatureMatrix) -> tuple[Float64Array, Float64Array]:
    known = ~np.isnan(matrix.values)
    count = np.maximum(known.sum(axis=0), 1)
    values = np.where(known, matrix.values, 0.0).astype(np.float64)
    mean = values.sum(axis=0) / count
    spread = np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count)
    return mean, np.where(spread > 0, spread, 1.0)


def _levels(matrix: FeatureMatrix) -> list[int]:
    """How many codes each categorical column has, 0 for a number."""
    return [
        int(np.nan_to_num(column, nan=-1).max()) + 1 if feature.categorical else 0
        for feature, column in zip(matrix.features, matrix.values.T, strict=True)
    ]


def _columns(
    matrix: FeatureMatrix, mean: Float64Array, spread: Float64Array, levels: list[int]
) -> Float64Array:
    missing = np.isnan(matrix.values)
    found: list[Float64Array] = []
    for place, feature in enumerate(matrix.features):
        column = matrix.values[:, place]
        found.append(missing[:, [place]].astype(np.float64))
        if feature.categorical:
            found.append((column[:, None] == np.arange(levels[place])).astype(np.float64))
        else:
            known = np.where(missing[:, place], mean[place], column)
            found.append(((known - mean[place]) / spread[place])[:, None])
    return np.hstack(found)


RIVAL = Rival("logistic regression", fit)
