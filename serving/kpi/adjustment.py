"""Adjustment: less noise in a comparison of arms by what was known of units before (CUPED, regression)."""

from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array

from .intervals import Comparison, Figure, compare


@dataclass(frozen=True)
class Arm:
    """One arm's units: what came of each, and what was known of it before it was assigned."""

    outcome: Float64Array
    before: Float64Array


@dataclass(frozen=True)
class Slope:
    """A coefficient of a regression with its standard error."""

    value: float
    error: float


def cuped(base: Arm, other: Arm) -> tuple[float, Comparison]:
    """theta, and `other` minus `base` after taking theta (before - mean) out of each outcome.

    theta = cov/var over the units of both arms (Deng, Xu, Kohavi, Walker 2013).
    """
    theta = _theta(base, other)
    return theta, compare(*cuped_figures(base, other))


def cuped_figures(base: Arm, other: Arm) -> tuple[Figure, Figure]:
    """The means of both arms after the same."""
    theta, mean = _theta(base, other), float(_joined(base.before, other.before).mean())
    told, tried = (_mean(arm.outcome - theta * (arm.before - mean)) for arm in (base, other))
    return told, tried


def lin_figures(base: Arm, other: Arm) -> tuple[Figure, Figure]:
    """The means of both arms that Lin's regression gives: each arm's own line, read where both arms' mean is.

    Their difference is the effect of `lin`; with HC2 errors.
    """
    mean = float(_joined(base.before, other.before).mean())
    told, tried = (_at_mean(arm, mean) for arm in (base, other))
    return told, tried


def ancova(base: Arm, other: Arm) -> Slope:
    """The effect in outcome ~ 1 + treated + before, with HC2 errors."""
    before, treated = _joined(base.before, other.before), _treated(base, other)
    return _effect([treated, before], base, other)


def lin(base: Arm, other: Arm) -> Slope:
    """The effect with treated x (before - mean) beside, with HC2 errors: never worse than none (Lin 2013)."""
    before, treated = _joined(base.before, other.before), _treated(base, other)
    centred = before - before.mean()
    return _effect([treated, centred, treated * centred], base, other)


def hc2(design: Float64Array, outcome: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Least squares weights and their errors, each residual over 1 - leverage (MacKinnon, White 1985)."""
    bread = np.linalg.pinv(design.T @ design)
    weights = bread @ design.T @ outcome
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    squares = (outcome - design @ weights) ** 2 / np.maximum(1 - leverage, 1e-12)
    covariance = bread @ (design.T * squares) @ design @ bread
    return weights, np.sqrt(np.diag(covariance))


def _effect(columns: list[Float64Array], base: Arm, other: Arm) -> Slope:
    outcome = _joined(base.outcome, other.outcome)
    weights, errors = hc2(np.column_stack([np.ones(outcome.size), *columns]), outcome)
    return Slope(float(weights[1]), float(errors[1]))


def _theta(base: Arm, other: Arm) -> float:
    covariance = np.cov(_joined(base.outcome, other.outcome), _joined(base.before, other.before))
    return float(covariance[0, 1] / covariance[1, 1]) if covariance[1, 1] > 0 else 0.0


def _at_mean(arm: Arm, mean: float) -> Figure:
    design = np.column_stack([np.ones(arm.before.size), arm.before - mean])
    weights, errors = hc2(design, arm.outcome)
    return Figure(float(weights[0]), float(errors[0]) ** 2, arm.before.size)


def _mean(values: Float64Array) -> Figure:
    return Figure(float(values.mean()), float(values.var(ddof=1)) / values.size, values.size)


def _treated(base: Arm, other: Arm) -> Float64Array:
    return _joined(np.zeros(base.outcome.size), np.ones(other.outcome.size))


def _joined(base: Float64Array, other: Float64Array) -> Float64Array:
    return np.concatenate([base, other])
