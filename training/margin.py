"""The margin: an additive log-odds curve per feature, smooth and robust; the trees only correct it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
LEVELS = np.arange(-8.0, 8.25, 0.25)
"""Log-odds of the knots of a rate that is followed: from one in three thousand to all but as many."""
FOLLOW = 4.0
"""Factor on the prior sd of the slope along a followed rate's log-odds."""
KEEP = 0.5
"""The curvature is worked out anew once a step's gain is more than this share of the last one's."""
SAMPLE = 4_096
"""Knots are quantiles of at most about this many rows, evenly taken."""
WIGGLE = 0.35
"""Prior sd of a knot's own value, beside 1 for a straight line through the ranks or the values."""
LEVEL = 0.7
"""Prior sd of one category's value, and of "missing"."""


@dataclass(frozen=True)
class Curve:
    """One feature's share of the log-odds.

    A number reads the line through (`knots`, `values`), flat beyond its ends; a category (no knots) the value
    of its code; anything else `missing`.
    """

    categorical: bool
    knots: Float64Array
    values: Float64Array
    missing: float

    def at(self, column: Float32Array) -> Float64Array:
        """The share of each row."""
        if not self.values.size:
            return np.full(column.size, self.missing)
        if not self.categorical:
            read = np.interp(column, self.knots, self.values)
            return np.where(np.isnan(column), self.missing, read)
        table = np.append(self.values, self.missing)
        return np.asarray(table[codes_of(column, self.values.size)])


@dataclass(frozen=True)
class Margin:
    """base + the sum of one curve per feature: log-odds without an interaction, so each share is a reason."""

    base: float
    curves: tuple[Curve, ...]

    def shares(self, values: Float32Array) -> Float64Array:
        """What each feature adds to `base`, shape (rows, features)."""
        found = np.empty(values.shape)
        for place, curve in enumerate(self.curves):
            found[:, place] = curve.at(values[:, place])
        return found

    def apply(self, values: Float32Array) -> Float64Array:
        """The log-odds of each row."""
        total = np.full(values.shape[0], self.base)
        for place, curve in enumerate(self.curves):
            if curve.values.any() or curve.missing:
                total += curve.at(values[:, place])
        return total


@dataclass(frozen=True)
class Block:
    """The columns that one feature has in the fit, and how their weights become a curve."""

    categorical: bool
    knots: Float64Array
    levels: int
    to_values: Float64Array
    """(values, weights): the curve's values are this times the weights."""

    @property
    def width(self) -> int:
        """How many weights the feature has: those of its values, and one for missing."""
        return int(self.to_values.shape[1]) + 1

    def scaled(self, factor: float) -> "Block":
        """The same with another prior sd of its values."""
        return replace(self, to_values=self.to_values * factor)

    def fill(self, column: Float32Array, out: Float64Array) -> None:
        """Write the feature's columns of the design, shape (rows, width)."""
        out[:, -1] = np.isnan(column) * LEVEL
        if self.categorical:
            codes = codes_of(column, self.levels)
            out[:, :-1] = np.vstack([self.to_values, np.zeros(self.levels)])[codes]
        elif self.to_values.shape[1] == 1:
            read = np.interp(column, self.knots, self.to_values[:, 0])
            out[:, 0] = np.where(np.isnan(column), 0.0, read)
        elif self.knots.size:
            out[:, :-1] = hats(column, self.knots) @ self.to_values

    def curve(self, weights: Float64Array, mean: float) -> Curve:
        """The curve of fitted weights, less its mean over the training rows."""
        if self.width == 1:
            return Curve(self.categorical, self.knots, np.empty(0), float(weights[-1] * LEVEL - mean))
        values = self.to_values @ weights[:-1] - mean
        return Curve(self.categorical, self.knots, values, float(weights[-1] * LEVEL - mean))


def codes_of(column: Float32Array, levels: int) -> Int64Array:
    """The category of each row as a place in a table; `levels`, one past its end, for any other."""
    known = (column >= 0) & (column < levels)
    return np.where(known, column, levels).astype(np.int64)


def hats(column: Float32Array, knots: Float64Array) -> Float64Array:
    """How much each knot weighs in the line at each row: two neighbours share 1; a missing row has none."""
    place = np.interp(np.nan_to_num(column, nan=knots[0]), knots, np.arange(knots.size))
    found = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(knots.size)))
    found[np.isnan(column)] = 0.0
    return found


def blocks(
    values: Float32Array, categorical: Sequence[bool], follows: Collection[int] = ()
) -> tuple[Block, ...]:
    """One block per feature, its knots laid where the training rows are; those in `follows` are rates."""
    sample = values[:: max(1, values.shape[0] // SAMPLE)]
    return tuple(
        _followed()
        if place in follows
        else _table(values[:, place])
        if is_category
        else _line(sample[:, place])
        for place, is_category in enumerate(categorical)
    )


def _followed() -> Block:
    """One weight, the slope along the log-odds: a level never seen before counts for what it says."""
    return Block(False, 1.0 / (1.0 + np.exp(-LEVELS)), 0, LEVELS[:, None] * FOLLOW)


def _table(column: Float32Array) -> Block:
    levels = int(np.nanmax(column)) + 1 if np.any(column >= 0) else 0
    return Block(True, np.empty(0), levels, np.eye(levels) * LEVEL)


def _line(column: Float32Array) -> Block:
    seen = np.sort(column[~np.isnan(column)]).astype(np.float64)
    knots = _knots(seen)
    if knots.size < 2:
        return Block(False, np.empty(0), 0, np.empty((0, 0)))
    straight = _standard(knots, np.clip(seen, knots[0], knots[-1]))
    rank = _standard(np.arange(float(knots.size)), np.interp(seen, knots, np.arange(knots.size)))
    prior = np.outer(straight, straight) + np.outer(rank, rank) + WIGGLE**2 * np.eye(knots.size)
    return Block(False, knots, 0, np.asarray(np.linalg.cholesky(prior), np.float64))


def _knots(seen: Float64Array) -> Float64Array:
    """The quantiles, or all values where there are no more of them."""
    if not seen.size:
        return seen
    distinct = np.unique(seen)
    if distinct.size <= len(QUANTILES):
        return distinct
    return np.unique(seen[(np.array(QUANTILES) * (seen.size - 1)).round().astype(np.int64)])


def _standard(at: Float64Array, seen: Float64Array) -> Float64Array:
    """`at` in standard deviations from the mean of what was seen."""
    return np.asarray((at - seen.mean()) / max(float(seen.std()), 1e-12))


@dataclass(frozen=True)
class Design:
    """The centred columns of some calls: made once, fitted under many strengths and weights."""

    blocks: tuple[Block, ...]
    columns: Float64Array
    """The columns that vary, less `mean`, and a last one of ones."""
    varies: BoolArray
    mean: Float64Array

    @classmethod
    def of(
        cls,
        values: Float32Array,
        categorical: Sequence[bool],
        trust: Sequence[float] = (),
        follows: Collection[int] = (),
    ) -> "Design":
        """The design of these rows; `trust` is a factor on each feature's prior sd, else 1."""
        made = blocks(values, categorical, follows)
        if trust:
            made = tuple(block.scaled(factor) for block, factor in zip(made, trust, strict=True))
        edges = np.cumsum([0, *(block.width for block in made)])
        columns = np.empty((values.shape[0], edges[-1] + 1), order="F")
        for place, (block, (first, last)) in enumerate(zip(made, pairwise(edges), strict=True)):
            block.fill(values[:, place], columns[:, first:last])
        mean = columns[:, :-1].mean(axis=0)
        columns[:, :-1] -= mean
        columns[:, -1] = 1.0
        varies = np.append(np.max(np.abs(columns[:, :-1]), axis=0, initial=0.0) > 1e-9, True)
        kept = columns if varies.all() else np.asfortranarray(columns[:, varies])
        return cls(made, kept, varies[:-1], mean)

    def margin(self, weights: Float64Array) -> Margin:
        """The margin of fitted weights: an average call of the design's rows has `base`."""
        full = np.zeros(self.varies.size)
        full[self.varies] = weights[:-1]
        edges = np.cumsum([0, *(block.width for block in self.blocks)])
        curves = tuple(
            block.curve(full[first:last], float(full[first:last] @ self.mean[first:last]))
            for block, (first, last) in zip(self.blocks, pairwise(edges), strict=True)
        )
        return Margin(float(weights[-1]), curves)


def ridge_weights(
    design: Design,
    label: Float64Array,
    weight: Float64Array,
    strength: float,
    start: Float64Array | None = None,
) -> Float64Array:
    """The weights of a logistic regression with prior variance `strength` on all but the intercept.

    Newton's method with halved steps: the loss is convex, so it ends at the one minimum. The curvature costs
    far more than a step along it, so it is kept as long as the steps it gives still shrink quickly.
    """
    penalty = np.full(design.columns.shape[1], 1.0 / strength)
    penalty[-1] = 1e-9
    goal = Goal(design.columns, label, weight, penalty)
    found = _base_only(design, label, weight) if start is None else start
    score = design.columns @ found
    loss, bend, before = goal.loss(score, found), None, np.inf
    for _ in range(60):
        slope = goal.slope(score, found)
        if bend is None:
            bend = cho_factor(goal.bend(score), overwrite_a=True, check_finite=False)
        step = cho_solve(bend, slope, check_finite=False)
        gap = float(slope @ step)
        if gap < 1e-9 * weight.sum():
            return found
        found, score, loss = _shorter(goal, found, score, step, loss)
        bend, before = (None if gap > before * KEEP else bend), gap
    return found


@dataclass(frozen=True)
class Goal:
    """What the weights of a ridge logistic regression minimise, and how it bends."""

    columns: Float64Array
    label: Float64Array
    weight: Float64Array
    penalty: Float64Array

    def loss(self, score: Float64Array, at: Float64Array) -> float:
        """Weighted log loss of log-odds, and half the penalty of the weights."""
        losses = np.logaddexp(0.0, score) - self.label * score
        return float(self.weight @ losses + (self.penalty * at) @ at / 2)

    def slope(self, score: Float64Array, at: Float64Array) -> Float64Array:
        """The gradient."""
        miss = self.weight * (_chance(score) - self.label)
        return np.asarray(self.columns.T @ miss + self.penalty * at)

    def bend(self, score: Float64Array) -> Float64Array:
        """The Hessian of some rows, in single precision: it shapes steps, the slope says where they end."""
        every = max(1, score.size // SAMPLE)
        chance = _chance(score[::every])
        root = np.sqrt(every * self.weight[::every] * chance * (1.0 - chance)).astype(np.float32)
        scaled = self.columns[::every].astype(np.float32) * root[:, None]
        found = (scaled.T @ scaled).astype(np.float64)
        found[np.diag_indices_from(found)] += self.penalty + 1e-9
        return found


def _chance(score: Float64Array) -> Float64Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -30, 30))))


def _base_only(design: Design, label: Float64Array, weight: Float64Array) -> Float64Array:
    rate = (weight @ label + 0.5) / (weight.sum() + 1.0)
    start = np.zeros(design.columns.shape[1])
    start[-1] = np.log(rate / (1.0 - rate))
    return start


def _shorter(
    goal: Goal, at: Float64Array, score: Float64Array, step: Float64Array, loss: float
) -> tuple[Float64Array, Float64Array, float]:
    """Weights, score and loss after the step, halved until the loss falls."""
    along = goal.columns @ step
    for _ in range(20):
        moved, seen = at - step, score - along
        new = goal.loss(seen, moved)
        if new <= loss:
            return moved, seen, new
        step, along = step / 2, along / 2
    return at, score, loss
