"""fewest attempts: the lead that was tried least is called first, the newest of equals before the others."""

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import OLDEST, Predict, Rival, known


def fit(_matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Predict:
    """Nothing to learn."""
    return freshness


def freshness(asked: FeatureMatrix) -> Float64Array:
    """The attempts so far, negative; the age, squeezed into less than one attempt, breaks ties."""
    age = known(asked, "lead_age_hours", OLDEST)
    return np.asarray(-known(asked, "lead_attempts", 0.0) - age / (1.0 + age))


RIVAL = Rival("fewest attempts", fit, chances=False, reads=("lead_attempts", "lead_age_hours"))
