"""Logistic regression: standardised numbers, flags for missing ones, one-hot categories, L2 penalty of 1."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from features import FeatureMatrix
from features.kernel import Float32Array, Float64Array

from ..bundle import Model
from ..calibration import AS_IT_IS
from ..margin import Curve, Margin
from ..rival import Predict, Rival


def fit(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Predict:
    """scikit-learn's regression on those columns."""
    (mean, spread), levels = _centre(matrix), _levels(matrix)
    model = _regression(_columns(matrix, mean, spread, levels), label)

    def predict(asked: FeatureMatrix) -> Float64Array:
        return np.asarray(model.predict_proba(_columns(asked, mean, spread, levels))[:, 1], np.float64)

    return predict


def write(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Model:
    """The same as a curve per feature: straight as far as values were seen, flat beyond."""
    (mean, spread), levels = _centre(matrix), _levels(matrix)
    model = _regression(_columns(matrix, mean, spread, levels), label)
    weights = iter(np.split(model.coef_[0], np.cumsum([1 + max(size, 1) for size in levels])))
    curves = {
        feature.name: _curve(feature.categorical, next(weights), matrix.values[:, k], mean[k], spread[k])
        for k, feature in enumerate(matrix.features)
    }
    return Model("", Margin.of(matrix.features, float(model.intercept_[0]), curves), AS_IT_IS)


def _regression(columns: Float64Array, label: Float64Array) -> LogisticRegression:
    return LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=100).fit(columns, label)


def _curve(
    categorical: bool, weights: Float64Array, column: Float32Array, mean: float, spread: float
) -> Curve:
    """A feature's weights (of the flag for missing, then of its values) as what they add to the log-odds."""
    missing, told = float(weights[0]), column[~np.isnan(column)].astype(np.float64)
    if categorical or not told.size:
        return Curve(categorical, np.empty(0), weights[1:] if categorical else np.empty(0), missing)
    ends = np.unique([told.min(), told.max()])
    return Curve(False, ends, weights[1] * (ends - mean) / spread, missing)


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


RIVAL = Rival("logistic regression", fit, write=write)
