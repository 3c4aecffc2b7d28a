"""default LightGBM: 100 trees of 31 leaves, with native categories and missing values."""

import lightgbm
import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from ..bundle import Model
from ..calibration import AS_IT_IS
from ..margin import Margin
from ..rival import Predict, Rival


def fit(matrix: FeatureMatrix, label: Float64Array, threads: int) -> Predict:
    """The booster's probabilities."""
    booster = grown(matrix, label, threads)

    def predict(asked: FeatureMatrix) -> Float64Array:
        return np.asarray(booster.predict(asked.values), np.float64)

    return predict


def write(matrix: FeatureMatrix, label: Float64Array, threads: int) -> Model:
    """The booster as its own text, on a margin that says nothing."""
    text = grown(matrix, label, threads).model_to_string()
    return Model(text, Margin.of(matrix.features, 0.0, {}), AS_IT_IS)


def grown(matrix: FeatureMatrix, label: Float64Array, threads: int) -> lightgbm.Booster:
    """The booster with its defaults and a fixed seed."""
    categories = [place for place, feature in enumerate(matrix.features) if feature.categorical]
    quiet: dict[str, object] = {
        "objective": "binary",
        "verbosity": -1,
        "seed": 7,
        "deterministic": True,
        "num_threads": threads,
    }
    rows = lightgbm.Dataset(matrix.values, label, categorical_feature=categories, params={"verbosity": -1})
    return lightgbm.train(quiet, rows, 100)


RIVAL = Rival("default LightGBM", fit, write=write)
