"""Calibration: a strictly increasing line from a model's log-odds to honest ones, fitted out of fold."""

from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array

MOST_BINS = 50
MARKED_PER_BIN = 40
"""A bin of scores holds about this many calls with the mark, so that its rate means something."""
PRIOR_MARKED = 10.0
"""Each bin is shrunk to the straight line as if it held this many marked calls more, at that line's rate."""
FEW = 20.0
"""Examples by which the factor on an amount is shrunk to 1."""
REACH = 40.0
"""Beyond the outermost knots the line goes on for this many log-odds, so that nothing ties."""


@dataclass(frozen=True)
class Calibration:
    """Knots in log-odds, both strictly ascending: straight lines between them, flat beyond."""

    score: Float64Array
    honest: Float64Array

    def line(self, score: Float64Array) -> Float64Array:
        """The honest score of each."""
        return np.interp(score, self.score, self.honest)

    def apply(self, score: Float64Array) -> Float64Array:
        """The calibrated probability of each log-odds."""
        return probability(self.line(score))


AS_IT_IS = Calibration(np.array([-2 * REACH, 2 * REACH]), np.array([-2 * REACH, 2 * REACH]))
"""Believes the model."""


def probability(log_odds: Float64Array) -> Float64Array:
    """1 / (1 + exp(-log_odds)), without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -700, 700))))


def log_odds(chance: Float64Array) -> Float64Array:
    """The inverse of `probability`."""
    return np.asarray(np.log(chance) - np.log1p(-chance))


def calibrate(score: Float64Array, label: Float64Array, weight: Float64Array) -> Calibration:
    """Isotonic regression (pool adjacent violators) over bins of scores, shrunk to a straight line.

    A plain isotonic fit of few sales has long flat steps: leads would tie and their order be lost, and its
    first step may say "never". So each bin is shrunk to the straight line in log-odds (Platt's), the steps
    are joined at their middles, and both ends go on as the straight line does: their order stays.
    """
    if label.size == 0 or label.min() == label.max():
        return AS_IT_IS
    straight = straight_line(score, label, weight)
    middle, marked, calls = _bins(score, label, weight)
    line = probability(straight[0] + straight[1] * middle)
    prior = PRIOR_MARKED / line
    rate = (marked + PRIOR_MARKED) / (calls + prior)
    return _joined(middle, log_odds(rate), calls + prior, straight[1])


def smeared(score: Float64Array, label: Float64Array, weight: Float64Array) -> Calibration:
    """Shift log amounts so that the amounts said add up to those seen (Duan 1983, as a ratio of sums).

    The exponential of a mean logarithm is less than the mean. Shrunk to no shift as by `FEW` examples that
    were said rightly.
    """
    if label.size == 0:
        return AS_IT_IS
    said, seen = weight @ np.exp(score), weight @ np.exp(label)
    few = FEW * said / weight.sum()
    shift = float(np.log((seen + few) / (said + few)))
    return Calibration(AS_IT_IS.score, AS_IT_IS.honest + shift)


def straight_line(score: Float64Array, label: Float64Array, weight: Float64Array) -> tuple[float, float]:
    """Intercept and slope of the logistic line through the labels (Platt 1999); slope in [0.1, 3].

    A weak prior (one standard deviation of 1 around slope 1) keeps it calm where labels are few.
    """
    intercept, slope = float(np.log(label.mean() / (1 - label.mean())) - np.mean(score)), 1.0
    for _ in range(50):
        chance = probability(intercept + slope * score)
        miss, bend = weight * (chance - label), weight * chance * (1 - chance) + 1e-12
        gradient = np.array([miss.sum(), miss @ score + (slope - 1.0)])
        cross = bend @ score
        step = np.linalg.solve(
            np.array([[bend.sum(), cross], [cross, bend @ score**2 + 1.0]]), gradient
        ).clip(-1, 1)
        intercept, slope = intercept - step[0], float(np.clip(slope - step[1], 0.1, 3.0))
        if np.abs(step).max() < 1e-9:
            break
    return float(intercept), slope


def _bins(
    score: Float64Array, label: Float64Array, weight: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Mean score, marked weight and weight of bins of equally many calls, equal scores never parted."""
    scarce = min(label.sum(), label.size - label.sum())
    count = int(np.clip(scarce / MARKED_PER_BIN, 1, MOST_BINS))
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    edges = np.unique(np.searchsorted(ranked, ranked[np.arange(count) * score.size // count]))
    weights = weight[order]
    calls = np.add.reduceat(weights, edges)
    middle = np.add.reduceat(weights * ranked, edges) / calls
    return middle, np.add.reduceat(weights * label[order], edges), calls


def _joined(middle: Float64Array, honest: Float64Array, mass: Float64Array, slope: float) -> Calibration:
    """Pool the bins that go down, join what is left by straight lines, and go on beyond both ends."""
    blocks: list[tuple[float, float, float]] = []
    for at, level, weighs in zip(middle, honest, mass, strict=True):
        block = (float(at), float(level), float(weighs))
        while blocks and blocks[-1][1] >= block[1] - 1e-6:
            block = _pooled(blocks.pop(), block)
        blocks.append(block)
    x, y = np.array([block[0] for block in blocks]), np.array([block[1] for block in blocks])
    return Calibration(
        np.concatenate([[x[0] - REACH], x, [x[-1] + REACH]]),
        np.concatenate([[y[0] - slope * REACH], y, [y[-1] + slope * REACH]]),
    )


def _pooled(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float, float]:
    mass = one[2] + other[2]
    rate = [float(probability(np.array(block[1]))) for block in (one, other)]
    level = (rate[0] * one[2] + rate[1] * other[2]) / mass
    return (one[0] * one[2] + other[0] * other[2]) / mass, float(log_odds(np.array(level))), mass
