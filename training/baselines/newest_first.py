"""newest first: the lead that came last is called first, as most dialers do when left alone."""

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import OLDEST, Predict, Rival, known


def fit(_matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Predict:
    """Nothing to learn."""
    return youth


def youth(asked: FeatureMatrix) -> Float64Array:
    """The hours since the lead was received, negative."""
    return -known(asked, "lead_age_hours", OLDEST)


RIVAL = Rival("newest first", fit, chances=False, reads=("lead_age_hours",))
