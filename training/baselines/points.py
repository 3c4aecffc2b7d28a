"""points: the score by rule of a CRM, in the spirit of BANT (budget, authority, need, time).

Nobody learns these weights from calls: they are what a sales manager would write down. What isn't known
gives no points.
"""

from functools import partial

import numpy as np

from features import FeatureMatrix
from features.kernel import Float64Array
from features.statistics.attribute import Category

from ..bundle import Model
from ..calibration import AS_IT_IS
from ..margin import Curve, Margin
from ..rival import Predict, Rival, known

ABOVE_MEDIAN = {
    "lead_value": 10,
    "attribute_budget": 15,
    "attribute_authority": 15,
    "attribute_need": 15,
    "attribute_timeline": 15,
}
"""Budget, authority, need and time as the leads' own numbers: points above the median of calls before."""
CHANNELS = {"referral": 20, "inbound_call": 20, "web_form": 15, "partner": 10, "event": 5}
"""Need: who comes by themselves or is sent by a friend wants more than a name on a list."""
ONCE = {
    "lead_promises_30d": 15,
    "lead_forms_30d": 10,
    "lead_chats_30d": 10,
    "lead_inbound_7d": 10,
    "lead_answers_30d": 10,
    "lead_refusals_90d": -20,
}
"""Need, authority and time by what the lead did: points once it did it at least once."""
YOUNG = {1.0: 10, 24.0: 5, 168.0: 5}
"""Time: points for a lead of at most so many hours, added up: 20, 10, 5, then none."""
UNANSWERED, MOST_UNANSWERED = -5, 4
"""Points for each call in a row that nobody answered, up to so many of them."""


def fit(matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Predict:
    """Nothing to learn but which values are high here."""
    return partial(score, medians(matrix))


def medians(matrix: FeatureMatrix) -> dict[str, float]:
    """The middle of each number that is high or low only among others; words and empty columns have none."""
    columns = {
        feature.name: column[~np.isnan(column)]
        for feature, column in zip(matrix.features, matrix.values.T, strict=True)
        if feature.name in ABOVE_MEDIAN and not feature.categorical
    }
    return {name: float(np.median(column)) for name, column in columns.items() if column.size}


def score(middle: dict[str, float], asked: FeatureMatrix) -> Float64Array:
    """The points of each row."""
    total = by_channel(asked)
    for name, median in middle.items():
        total += ABOVE_MEDIAN[name] * (known(asked, name, -np.inf) > median)
    for name, points in ONCE.items():
        total += points * (known(asked, name, 0.0) >= 1)
    age = known(asked, "lead_age_hours", np.inf)
    for hours, points in YOUNG.items():
        total += points * (age <= hours)
    unanswered = np.minimum(known(asked, "lead_calls_since_answer", 0.0), MOST_UNANSWERED)
    return np.asarray(total + UNANSWERED * unanswered)


def write(matrix: FeatureMatrix, _label: Float64Array, _threads: int) -> Model:
    """The same as steps, and a table for the channel."""
    young = np.nextafter(np.array(list(YOUNG), np.float32), np.float32(np.inf)).tolist()
    left = np.cumsum(list(YOUNG.values())[::-1])[::-1]
    waits = np.array([0.0, MOST_UNANSWERED])
    curves = {
        "channel": Curve(True, np.empty(0), points_of(matrix)[:-1], 0.0),
        **{name: Curve.steps([1.0], [0.0, points]) for name, points in ONCE.items()},
        **{name: _above(middle, ABOVE_MEDIAN[name]) for name, middle in medians(matrix).items()},
        "lead_age_hours": Curve.steps(young, [*left, 0.0]),
        "lead_calls_since_answer": Curve(False, waits, UNANSWERED * waits, 0.0),
    }
    return Model("", Margin.of(matrix.features, 0.0, curves), AS_IT_IS)


def _above(middle: float, points: float) -> Curve:
    return Curve.steps([float(np.nextafter(np.float32(middle), np.float32(np.inf)))], [0.0, points])


def points_of(asked: FeatureMatrix) -> Float64Array:
    """The points of each code of the channel, and those of none."""
    levels = next((f.levels for f in asked.features if isinstance(f, Category) and f.name == "channel"), ())
    return np.array([*(CHANNELS.get(word, 0) for word in levels), 0], np.float64)


def by_channel(asked: FeatureMatrix) -> Float64Array:
    """The points of each row's channel."""
    points = points_of(asked)
    levels = points[:-1]
    code = known(asked, "channel", -1).astype(np.int64)
    return np.asarray(points[np.where((code >= 0) & (code < levels.size), code, -1)])


RIVAL = Rival(
    "points",
    fit,
    chances=False,
    reads=("channel", "lead_age_hours", "lead_calls_since_answer", *ABOVE_MEDIAN, *ONCE),
    write=write,
)
