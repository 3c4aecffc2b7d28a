"""fewest attempts: the lead that was tried least is called first, the newest of equals before the others."""

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from ..bundle import Model
from ..calibration import AS_IT_IS
from ..margin import Curve, Margin
from ..rival import OLDEST, Predict, Rival, known

MOST = 1e6
"""More attempts than any lead sees."""


def fit(_matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Predict:
    """Nothing to learn."""
    return freshness


def freshness(asked: FeatureMatrix) -> Float64Array:
    """The attempts so far, negative; the age, squeezed into less than one attempt, breaks ties."""
    age = known(asked, "lead_age_hours", OLDEST)
    return np.asarray(-known(asked, "lead_attempts", 0.0) - age / (1.0 + age))


def write(matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Model:
    """The same as two curves; the squeezed age is read between knots, which keeps its order."""
    age = np.concatenate([[0.0], np.geomspace(0.01, OLDEST, 400)])
    curves = {
        "lead_attempts": Curve(False, np.array([0.0, MOST]), np.array([0.0, -MOST]), 0.0),
        "lead_age_hours": Curve(False, age, -age / (1.0 + age), -OLDEST / (1.0 + OLDEST)),
    }
    return Model("", Margin.of(matrix.features, 0.0, curves), AS_IT_IS)


RIVAL = Rival("fewest attempts", fit, chances=False, reads=("lead_attempts", "lead_age_hours"), write=write)
