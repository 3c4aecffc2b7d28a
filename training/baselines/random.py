"""random: a key drawn for each call, the same again for the same calls."""

from zlib import crc32

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array

from ..rival import Predict, Rival


def fit(_matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Predict:
    """Nothing to learn."""
    return drawn


def drawn(asked: FeatureMatrix) -> Float64Array:
    """Uniform keys, seeded by the rows themselves."""
    return np.random.default_rng(crc32(asked.values.tobytes())).random(len(asked))


RIVAL = Rival("random", fit, chances=False)
