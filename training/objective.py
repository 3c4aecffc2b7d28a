"""Objective: what tells the two kinds of heads apart: their loss, margin, trees, calibration and scale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array

from .calibration import Calibration, calibrate, log_odds, probability, smeared
from .design import Design
from .ridge import ridge_amounts, ridge_weights


@dataclass(frozen=True)
class Objective:
    """How heads of one kind are fitted; a score is their log-odds or the logarithm of their amount."""

    trees: str
    """LightGBM's objective."""
    metric: str
    """LightGBM's loss of the judged rows."""
    per_metric: float
    """`loss` in units of it."""
    loss: Callable[[Float64Array, Float64Array], float]
    """Mean loss of labels under scores, the one that margin and trees minimise."""
    weights: Callable[[Design, Float64Array, Float64Array, float], Float64Array]
    """The margin's weights of a design, by label, weight and strength."""
    calibrate: Callable[[Float64Array, Float64Array, Float64Array], Calibration]
    """From scores, labels and weights of rows that the model hadn't seen."""
    scale: Callable[[Float64Array], Float64Array]
    """What people are told of a score: a probability, or an amount."""
    cost: Callable[[Float64Array, Float64Array], float]
    """Mean cost of what they were told, by label: least where the means are honest."""


def log_loss(score: Float64Array, label: Float64Array) -> float:
    """Mean negative log likelihood of labels under log-odds."""
    return float(np.mean(np.logaddexp(0.0, score) - label * score))


def half_square(score: Float64Array, label: Float64Array) -> float:
    """Half the mean squared error of log amounts: what a log-normal's likelihood asks to be least."""
    return float(np.mean((score - label) ** 2) / 2)


def mean_cost(said: Float64Array, label: Float64Array) -> float:
    """Mean of y / m + log m of amounts y whose means were said to be m: least if they are (Gneiting 2011)."""
    return float(np.mean(np.exp(label) / said + np.log(said)))


BINARY = Objective(
    trees="binary",
    metric="binary_logloss",
    per_metric=1.0,
    loss=log_loss,
    weights=ridge_weights,
    calibrate=calibrate,
    scale=probability,
    cost=lambda said, label: log_loss(log_odds(said), label),
)
AMOUNT = Objective(
    trees="regression",
    metric="l2",
    per_metric=0.5,
    loss=half_square,
    weights=ridge_amounts,
    calibrate=smeared,
    scale=lambda score: np.asarray(np.exp(score)),
    cost=mean_cost,
)
OBJECTIVES: Mapping[str, Objective] = {"binary": BINARY, "amount": AMOUNT}
"""By the kind of head."""
