"""Ridge: the weights of a regularised regression over a design, logistic or linear, by Newton's steps."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from features.kernel import Float64Array

from .design import SAMPLE, Design

SPARSEST = 32
"""A sample has at least one row of so many: steps along the curvature of fewer fall short."""
KEEP = 0.5
"""The curvature is worked out anew once a step's gain is more than this share of the last one's."""
CLOSE = 1e-9
"""A fit ends once a step would lower the mean loss by no more than half of this."""
LEAST_NOISE = 1e-4
"""Variance of log amounts: who misses one by a percent misses it by chance."""
FEW = 20.0
"""The base of an amount is shrunk to its start as by so many examples that agree with it."""

Bend = tuple[Float64Array, bool]
"""A curvature, factored so that steps can be solved for."""


def ridge_weights(design: Design, label: Float64Array, weight: Float64Array, strength: float) -> Float64Array:
    """The weights of a logistic regression with prior variance `strength` on all but the intercept.

    Where calls are many, the minimum of a sample is found cheaply, and from there it isn't far to theirs.
    """
    penalty = np.append(np.full(design.width, 1.0 / strength), 1e-9)
    whole = Goal(design, label, weight, penalty)
    return _least(whole, _base_only(whole))


def ridge_amounts(design: Design, label: Float64Array, weight: Float64Array, strength: float) -> Float64Array:
    """The weights of a linear regression of log amounts less their start, with prior variance `strength`.

    In units of their own variance, so that a strength means the same for seconds and for money. The base is
    shrunk as well: few examples move an amount little from where it starts.
    """
    noise = max(float(weight @ (label - label.mean()) ** 2 / weight.sum()), LEAST_NOISE)
    penalty = np.append(np.full(design.width, 1.0 / strength), FEW / noise)
    whole = Gap(design, label, weight / noise, penalty)
    return _least(whole, np.zeros(design.width + 1))


def _least(whole: "Goal", at: Float64Array) -> Float64Array:
    """The weights of the minimum, by way of a sample's."""
    sample = whole.every(max(1, min(whole.design.rows // SAMPLE, SPARSEST)))
    found, bend = descend(sample, sample, at, None)
    return found if sample.design.rows == whole.design.rows else descend(whole, sample, found, bend)[0]


@dataclass(frozen=True)
class Goal:
    """What the weights of a ridge logistic regression minimise, and how it bends."""

    design: Design
    label: Float64Array
    weight: Float64Array
    penalty: Float64Array

    def every(self, step: int) -> "Goal":
        """The same over every so many rows, each for as many."""
        return (
            self
            if step == 1
            else replace(
                self,
                design=self.design.every(step),
                label=self.label[::step],
                weight=step * self.weight[::step],
            )
        )

    def loss(self, score: Float64Array, at: Float64Array) -> float:
        """Weighted log loss of log-odds, and half the penalty of the weights."""
        losses = np.logaddexp(0.0, score) - self.label * score
        return float(self.weight @ losses) + self.held(at)

    def slope(self, score: Float64Array, at: Float64Array) -> Float64Array:
        """The gradient."""
        miss = self.weight * (_chance(score) - self.label)
        return np.asarray(self.design.slope(miss) + self.pull(at))

    def held(self, at: Float64Array) -> float:
        """Half the penalty of the weights, and of steps against a sign: those weigh like the calls."""
        against = np.minimum(self.design.steps @ at, 0.0)
        return float((self.penalty * at) @ at + self.weight.sum() * (against @ against)) / 2

    def pull(self, at: Float64Array) -> Float64Array:
        """The gradient of `held`."""
        against = np.minimum(self.design.steps @ at, 0.0)
        return np.asarray(self.penalty * at + self.weight.sum() * (against @ self.design.steps))

    def bend(self, at: Float64Array) -> Bend:
        """The Hessian, in single precision: it shapes steps, the slope says where they end."""
        chance = _chance(self.design.score(at))
        root = np.sqrt(self.weight * chance * (1.0 - chance)).astype(np.float32)
        scaled = self.design.columns * root[:, None]
        found = (scaled.T @ scaled).astype(np.float64)
        against = self.design.steps[self.design.steps @ at < 0]
        found += self.weight.sum() * (against.T @ against)
        found[np.diag_indices_from(found)] += self.penalty + 1e-9
        factor, lower = cho_factor(found, overwrite_a=True, check_finite=False)
        return factor, lower


@dataclass(frozen=True)
class Gap(Goal):
    """What the weights of a ridge linear regression minimise: half the weighted squares, and the penalty."""

    def loss(self, score: Float64Array, at: Float64Array) -> float:
        return float(self.weight @ (score - self.label) ** 2 / 2) + self.held(at)

    def slope(self, score: Float64Array, at: Float64Array) -> Float64Array:
        return np.asarray(self.design.slope(self.weight * (score - self.label)) + self.pull(at))

    def bend(self, at: Float64Array) -> Bend:
        """The Hessian, the same everywhere; in double precision: amounts that hardly vary weigh much."""
        scaled = self.design.columns.astype(np.float64) * np.sqrt(self.weight)[:, None]
        found = scaled.T @ scaled
        found[np.diag_indices_from(found)] += self.penalty + 1e-9
        factor, lower = cho_factor(found, overwrite_a=True, check_finite=False)
        return factor, lower


def descend(goal: Goal, sample: Goal, at: Float64Array, bend: Bend | None) -> tuple[Float64Array, Bend]:
    """The weights of the minimum, from those at hand, and the last curvature used, a sample's.

    Newton's method with halved steps: the loss is convex, so it ends at the one minimum. A curvature costs
    far more than a step along it, so it is kept as long as the steps it gives still shrink quickly.
    """
    score = goal.design.score(at)
    loss, before = goal.loss(score, at), np.inf
    bend = bend or sample.bend(at)
    for _ in range(60):
        slope = goal.slope(score, at)
        step = cho_solve(bend, slope, check_finite=False)
        gap = float(slope @ step)
        if gap < CLOSE * goal.weight.sum():
            break
        at, score, loss = _shorter(goal, at, score, step, loss)
        bend, before = (sample.bend(at) if gap > before * KEEP else bend), gap
    return at, bend


def _chance(score: Float64Array) -> Float64Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -30, 30))))


def _base_only(goal: Goal) -> Float64Array:
    rate = (goal.weight @ goal.label + 0.5) / (goal.weight.sum() + 1.0)
    return np.append(np.zeros(goal.design.width), np.log(rate / (1.0 - rate)))


def _shorter(
    goal: Goal, at: Float64Array, score: Float64Array, step: Float64Array, loss: float
) -> tuple[Float64Array, Float64Array, float]:
    """Weights, score and loss after the step, halved until the loss falls."""
    along = goal.design.score(step)
    for _ in range(20):
        moved, seen = at - step, score - along
        new = goal.loss(seen, moved)
        if new <= loss:
            return moved, seen, new
        step, along = step / 2, along / 2
    return at, score, loss
