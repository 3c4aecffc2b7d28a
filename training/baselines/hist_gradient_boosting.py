"""scikit-learn's histogram gradient boosting as it comes, with native categories and missing values."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import Predict, Rival


def fit(matrix: FeatureMatrix, label: Float64Array, threads: int) -> Predict:
    """The classifier with its defaults and a fixed seed; columns without any value go."""
    told = np.flatnonzero(~np.isnan(matrix.values).all(axis=0))
    model = HistGradientBoostingClassifier(
        categorical_features=[matrix.features[place].categorical for place in told], random_state=7
    )
    with threadpool_limits(threads):
        model.fit(matrix.values[:, told], label)

    def predict(asked: FeatureMatrix) -> Float64Array:
        with threadpool_limits(threads):
            return np.asarray(model.predict_proba(asked.values[:, told])[:, 1], np.float64)

    return predict


RIVAL = Rival("scikit-learn boosting", fit)
