"""default LightGBM: 100 trees of 31 leaves, with native categories and missing values."""

import lightgbm
import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import Predict, Rival


def fit(matrix: FeatureMatrix, label: Float64Array, threads: int) -> Predict:
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
    booster = lightgbm.train(quiet, rows, 100)

    def predict(asked: FeatureMatrix) -> Float64Array:
        return np.asarray(booster.predict(asked.values), np.float64)

    return predict


RIVAL = Rival("default LightGBM", fit)
