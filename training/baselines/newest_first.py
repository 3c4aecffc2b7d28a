"""newest first: the lead that came last is called first, as most dialers do when left alone."""

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from ..bundle import Model
from ..calibration import AS_IT_IS
from ..margin import Curve, Margin
from ..rival import OLDEST, Predict, Rival, known


def fit(_matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Predict:
    """Nothing to learn."""
    return youth


def youth(asked: FeatureMatrix) -> Float64Array:
    """The hours since the lead was received, negative."""
    return -known(asked, "lead_age_hours", OLDEST)


def write(matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Model:
    """The same as a curve: the hours' own line, down to the oldest lead there could be."""
    line = Curve(False, np.array([0.0, OLDEST]), np.array([0.0, -OLDEST]), -OLDEST)
    return Model("", Margin.of(matrix.features, 0.0, {"lead_age_hours": line}), AS_IT_IS)


RIVAL = Rival("newest first", fit, chances=False, reads=("lead_age_hours",), write=write)
