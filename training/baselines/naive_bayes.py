"""The count rule of CRM lead scoring: won and lost per value, multiplied as if values were independent."""

import numpy as np

from features import FeatureMatrix
from features.kernel import Float32Array, Float64Array, Int64Array

from ..bundle import Model
from ..calibration import AS_IT_IS
from ..margin import Curve, Margin
from ..rival import Predict, Rival

SMOOTHING = 0.1
LEAST_SEEN = 50
"""Values with fewer outcomes than this say nothing."""
QUANTILES = 8
LOWEST, HIGHEST = 0.0001, 0.9999


def fit(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Predict:
    """Count won and lost calls per column and value; numbers are read as the quantile they fall in."""
    start, edges, ratios = _counted(matrix, label)

    def predict(asked: FeatureMatrix) -> Float64Array:
        total = np.full(len(asked), start)
        for column, edge, ratio in zip(asked.values.T, edges, ratios, strict=True):
            value = _values(column, edge)
            known = (value >= 0) & (value < ratio.size)
            total += np.where(known, ratio[np.where(known, value, 0)], 0.0)
        chance = 1 / (1 + np.exp(-np.clip(total, -50, 50)))
        return np.asarray(np.clip(chance, LOWEST, HIGHEST), np.float64)

    return predict


def write(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Model:
    """The same as a table per category and steps per number; what was never seen says nothing."""
    start, edges, ratios = _counted(matrix, label)
    curves = {
        feature.name: Curve(True, np.empty(0), ratio, 0.0)
        if feature.categorical
        else Curve.steps(edge.tolist(), np.pad(ratio, (0, QUANTILES))[: edge.size + 1].tolist())
        for feature, edge, ratio in zip(matrix.features, edges, ratios, strict=True)
    }
    return Model("", Margin.of(matrix.features, start, curves), AS_IT_IS)


def _counted(
    matrix: FeatureMatrix, label: Float64Array
) -> tuple[float, list[Float64Array], list[Float64Array]]:
    """The log-odds of all calls, and each column's edges and log ratios by value."""
    edges = [
        np.empty(0) if feature.categorical else _edges(column)
        for feature, column in zip(matrix.features, matrix.values.T, strict=True)
    ]
    ratios = [
        _log_ratios(_values(column, edge), label) for column, edge in zip(matrix.values.T, edges, strict=True)
    ]
    won = float(label.mean())
    return float(np.log(won) - np.log1p(-won)), edges, ratios


def _edges(column: Float32Array) -> Float64Array:
    known = column[~np.isnan(column)].astype(np.float64)
    inner = np.linspace(0, 1, QUANTILES + 1)[1:-1]
    return np.asarray(np.unique(np.quantile(known, inner)) if known.size else np.empty(0), np.float64)


def _values(column: Float32Array, edges: Float64Array) -> Int64Array:
    """The value of each row as a whole number; -1 where it is missing."""
    missing = np.isnan(column)
    known = np.where(missing, 0, column)
    coded = np.searchsorted(edges, known, side="right") if edges.size else np.clip(known, -1, 2.0**31)
    return np.where(missing, -1, coded).astype(np.int64)


def _log_ratios(value: Int64Array, label: Float64Array) -> Float64Array:
    """log P(value | won) - log P(value | lost) by value; 0 for one seen too rarely. Never empty."""
    size = max(int(value.max(initial=0)) + 1, 1)
    seen = value >= 0
    won = np.bincount(value[seen], label[seen], size) + SMOOTHING
    lost = np.bincount(value[seen], 1 - label[seen], size) + SMOOTHING
    ratio = np.log(won / won.sum()) - np.log(lost / lost.sum())
    return np.asarray(np.where(won + lost - 2 * SMOOTHING >= LEAST_SEEN, ratio, 0.0))


RIVAL = Rival("naive Bayes", fit, write=write)
