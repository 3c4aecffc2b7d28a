"""How good amounts are: seconds and money whose means serving adds up; and the mean that they must beat."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from .evaluate import Measure, bins_of
from .rival import Predict, Rival, known

TENTHS = 10
FEW = 20.0
"""The mean is shrunk to what is said, or to 1, as by so many examples."""


def deviances(label: Float64Array, said: Float64Array) -> Float64Array:
    """y / m - log(y / m) - 1 of amounts y by their logarithm, whose means were said to be m: 0 if right.

    Half the gamma deviance. It asks for the mean (Gneiting 2011) and knows no unit.
    """
    times = label - np.log(said)
    return np.asarray(np.exp(times) - times - 1)


def deviance(label: Float64Array, said: Float64Array) -> float:
    """Their mean."""
    return float(np.mean(deviances(label, said)))


def log_error(label: Float64Array, said: Float64Array) -> float:
    """Mean absolute error of the logarithm."""
    return float(np.mean(np.abs(label - np.log(said))))


def said_over_seen(label: Float64Array, said: Float64Array) -> float:
    """The amounts said over those seen, all together: 1 if honest."""
    return float(said.sum() / np.exp(label).sum())


def tenths_error(label: Float64Array, said: Float64Array) -> float:
    """Mean |said - seen| over tenths in the order of what was said, as a share of the mean seen."""
    seen = np.exp(label)
    gaps = [abs(float(said[rows].sum() - seen[rows].sum())) for rows in bins_of(said, TENTHS)]
    return float(sum(gaps) / seen.sum())


AMOUNT_MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "deviance": Measure("Deviance", "deviance", deviance, False, ranks=False),
        "log_error": Measure("Error of the logarithm", "log error", log_error, False, ranks=False),
        "said_over_seen": Measure("Said over seen", "said/seen", said_over_seen, True, ranks=False),
        "tenths_error": Measure("Error by tenths", "tenths", tenths_error, False, ranks=False),
    }
)


def evaluate_amounts(label: Float64Array, said: Float64Array) -> dict[str, float]:
    """All measures by key; labels are logarithms."""
    return {key: measure.of(label, said) for key, measure in AMOUNT_MEASURES.items()}


def the_mean(anchor: str) -> Rival:
    """Who says what is said of each lead in the anchor's column, and elsewhere the mean so far."""

    def fit(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Predict:
        said = known(matrix, anchor, np.nan)
        prior = float(np.nanmean(said)) if np.any(said > 0) else 1.0
        mean = (np.exp(label).sum() + FEW * prior) / (label.size + FEW)

        def predict(asked: FeatureMatrix) -> Float64Array:
            told = known(asked, anchor, np.nan)
            return np.where(told > 0, told, mean)

        return predict

    return Rival("the mean", fit)
