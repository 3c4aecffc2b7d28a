"""Segments: what a head says while its calls are too few to learn from: shrunken rates of leads alike."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from scipy.special import betaln

from features import FeatureMatrix
from features.kernel import Float64Array, Int64Array

from .bundle import Model
from .calibration import AS_IT_IS, log_odds, probability
from .head import Head
from .margin import Curve, Margin

LEAST_CALLS = 100
"""With fewer attempts than this nothing is made: rules rank."""
PRIOR: Mapping[str, float] = MappingProxyType({"answered": 0.3, "converted": 0.06})
PRIOR_CALLS = 50
"""The rate of all calls is shrunk as if this many had been made at the prior rate."""
BY = ("channel", "source", "lead_age_hours")
"""The leads that are alike: each field corrects what those before it say."""
AGES = (1.0, 24.0, 168.0)
"""Hours at which a lead's age makes it another segment."""
STRENGTHS = (10.0, 30.0, 100.0, 300.0, 1_000.0, 1e6)
"""How many calls a segment's own rate is shrunk by, to choose among; the last: segments are all alike."""


def segment_model(matrix: FeatureMatrix, label: Float64Array, head: Head) -> Model:
    """The head as a table of rates: of all calls, and what channel, source and age add to its log-odds.

    Empirical Bayes: a segment's calls are beta-binomial around what the fields before say of them, with the
    strength under which all segments' counts are likeliest (Efron and Morris 1975; Robbins 1956).
    """
    rate = (label.sum() + PRIOR[head.of] * PRIOR_CALLS) / (label.size + PRIOR_CALLS)
    base = float(log_odds(np.array(rate)))
    said, curves = np.full(label.size, base), {}
    for name in BY:
        if name not in matrix.names:
            continue
        place = matrix.names.index(name)
        group, size = _groups(matrix, place)
        effect = _effects(group, size, label, probability(said))
        said = said + effect[group]
        own, missing = effect[:-1].tolist(), float(effect[-1])
        is_word = matrix.features[place].categorical
        curves[name] = (
            Curve(True, np.empty(0), np.array(own), missing) if is_word else Curve.steps(AGES, own, missing)
        )
    return Model("", Margin.of(matrix.features, base, curves), AS_IT_IS)


def _groups(matrix: FeatureMatrix, place: int) -> tuple[Int64Array, int]:
    """The segment of each row, and how many there are; the last one is that of missing values."""
    column = matrix.values[:, place]
    if not matrix.features[place].categorical:
        code, size = np.searchsorted(AGES, column, side="right"), len(AGES) + 1
    else:
        code, size = np.nan_to_num(column, nan=-1).astype(np.int64), int(np.nanmax(column, initial=0)) + 1
    return np.where(np.isnan(column), size, code), size + 1


def _effects(group: Int64Array, size: int, label: Float64Array, expected: Float64Array) -> Float64Array:
    """What each segment adds to the log-odds of the chances expected of its calls; 0 where it has none."""
    calls = np.asarray(np.bincount(group, minlength=size), np.float64)
    marked = np.asarray(np.bincount(group, label, size), np.float64)
    there = calls > 0
    mean = np.where(there, np.bincount(group, expected, size) / np.maximum(calls, 1), 0.5)
    seen = calls[there], marked[there], mean[there]
    strength = max(STRENGTHS, key=lambda one: _likelihood(*seen, one))
    rate = (marked + strength * mean) / (calls + strength)
    return np.asarray(log_odds(rate) - log_odds(mean))


def _likelihood(calls: Float64Array, marked: Float64Array, mean: Float64Array, strength: float) -> float:
    """Log likelihood of beta-binomial counts, but for a constant."""
    won, lost = strength * mean, strength * (1 - mean)
    return float(np.sum(betaln(marked + won, calls - marked + lost) - betaln(won, lost)))
