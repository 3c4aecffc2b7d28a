"""scikit-learn's histogram gradient boosting as it comes, with native categories and missing values."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import Predict, Rival


def fit(matrix: FeatureMatrix, label: Float64Array, _threads: int) -> Predict:
    """The classifier with its defaults and a fixed seed."""
    model = HistGradientBoostingClassifier(
        categorical_features=[feature.categorical for feature in matrix.features], random_state=7
    )
    model.fit(matrix.values, label)

    def predict(asked: FeatureMatrix) -> Float64Array:
        return np.asarray(model.predict_proba(asked.values)[:, 1], np.float64)

    return predict


RIVAL = Rival("scikit-learn boosting", fit)
