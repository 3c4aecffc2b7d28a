"""Pooling: curves over the week for everybody and for each kind of lead, shrunk as far as the log bears."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from features.kernel import BoolArray, Float64Array, Int64Array

from .calibration import probability
from .week import HOURS, design

START = 0.05
"""Variance of a curve's weights to begin with."""
LEAST, MOST = 1e-5, 4.0
"""A variance is held between these; the least counts as none."""
ROUNDS = 12
"""Of revising the variances."""
STEPS = 25
"""Of Newton's method, at most."""


@dataclass(frozen=True)
class Tries:
    """Attempts in the order of time: at which hour of whose week, of which kinds of lead, what came of it."""

    lead: Int64Array
    hour: Int64Array
    """Of the lead's own week, 0 to 167."""
    level: Float64Array
    """Log-odds of an answer by everything but the hour."""
    answered: Float64Array
    groups: Int64Array
    """(attempts, fields): the lead's group in each field."""
    sizes: tuple[int, ...]
    """How many groups each field has."""

    def __len__(self) -> int:
        return int(self.hour.size)

    def take(self, rows: Int64Array) -> "Tries":
        """Some attempts, in the order given."""
        columns = {
            name: getattr(self, name)[rows] for name in ("lead", "hour", "level", "answered", "groups")
        }
        return replace(self, **columns)

    def by(self, fields: Sequence[int]) -> "Tries":
        """The attempts with some of the fields alone."""
        return replace(self, groups=self.groups[:, list(fields)], sizes=tuple(self.sizes[f] for f in fields))

    @cached_property
    def curves(self) -> Int64Array:
        """(attempts, 1 + fields): the curves that add up for each."""
        return curves_of(self.groups, self.sizes)


def curves_of(groups: Int64Array, sizes: Sequence[int]) -> Int64Array:
    """The numbers of each row's curves: 0 is everybody's, then come the first field's groups, and so on."""
    first = 1 + np.cumsum([0, *sizes], dtype=np.int64)[:-1]
    return np.hstack([np.zeros((len(groups), 1), np.int64), groups + first])


@dataclass(frozen=True)
class Pooled:
    """Curves: the weights of their shapes, and how far these are in doubt."""

    weights: Float64Array
    """(curves, shapes)."""
    variance: Float64Array
    """(terms, kinds of shape): the prior's; the terms are everybody and each field."""
    doubt: Float64Array
    """(curves, shapes, shapes): the covariance of each curve's weights, as if the others were known."""

    @cached_property
    def table(self) -> Float64Array:
        """(curves, 168): log-odds by hour."""
        return np.asarray(self.weights @ design()[0].T)

    def score(self, tries: Tries) -> Float64Array:
        """Log-odds of each attempt."""
        return np.asarray(tries.level + self.table[tries.curves, tries.hour[:, None]].sum(axis=1))


def pool(tries: Tries, *, shaped: bool = True) -> Pooled:
    """Fit all curves, and how much those of a kind differ; not `shaped`: by their level alone.

    Logistic regression with normal priors; their variances as penalised quasi-likelihood has them (Breslow
    and Clayton 1993), by Schall's update (1991): squared weights over the degrees of freedom left to them.
    """
    shape, kind = design()
    terms = np.repeat(np.arange(1 + len(tries.sizes)), [1, *tries.sizes])
    free = np.ones((1 + len(tries.sizes), int(kind.max()) + 1), np.bool_)
    free[1:, 1:] = shaped
    variance = np.where(free, START, LEAST)
    weights = np.zeros((terms.size, shape.shape[1]))
    for _ in range(ROUNDS):
        prior = 1 / variance[terms][:, kind]
        weights, doubt = _fit(tries, prior, weights)
        freedom = 1 - prior * np.diag(doubt).reshape(prior.shape)
        variance = np.where(free, _revised(weights**2, freedom, terms, kind, free), LEAST)
    width, each = weights.shape[1], np.arange(terms.size)
    blocks = doubt.reshape(terms.size, width, terms.size, width)[each, :, each, :]
    return Pooled(weights, variance, np.ascontiguousarray(blocks))


def _revised(
    squares: Float64Array, freedom: Float64Array, terms: Int64Array, kind: Int64Array, free: BoolArray
) -> Float64Array:
    """Schall's variances, by term and kind of shape."""
    cell = (terms[:, None] * free.shape[1] + kind).ravel()
    above, below = (
        np.bincount(cell, amount.ravel(), minlength=free.size).reshape(free.shape)
        for amount in (squares, freedom)
    )
    return np.clip(above / np.maximum(below, 1e-9), LEAST, MOST)


def _fit(tries: Tries, prior: Float64Array, weights: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Newton's method from `weights`; the mode and the covariance of all weights there."""
    shape, _ = design()
    for _ in range(STEPS):
        told = Pooled(weights, np.empty(0), np.empty(0))
        chance = probability(told.score(tries))
        slope = _by_hour(tries, tries.answered - chance, len(weights)) @ shape - prior * weights
        bend = _bend(tries, chance * (1 - chance), len(weights))
        bend[np.diag_indices_from(bend)] += prior.ravel()
        factor = cho_factor(bend, check_finite=False)
        step = cho_solve(factor, slope.ravel(), check_finite=False).reshape(weights.shape)
        weights = weights + step
        if np.abs(step).max() < 1e-4:
            break
    return weights, np.asarray(cho_solve(factor, np.eye(weights.size), check_finite=False))


def _by_hour(tries: Tries, amount: Float64Array, curves: int) -> Float64Array:
    """(curves, 168): an amount summed over the attempts of each curve at each hour."""
    cell = tries.curves * HOURS + tries.hour[:, None]
    each = np.repeat(amount, tries.curves.shape[1])
    found = np.bincount(cell.ravel(), each, minlength=curves * HOURS)
    return np.asarray(found.reshape(curves, HOURS), np.float64)


def _bend(tries: Tries, weight: Float64Array, curves: int) -> Float64Array:
    """The curvature without the prior: two curves meet in the hours of the attempts that they share."""
    shape, _ = design()
    width = shape.shape[1]
    pairs = np.einsum("hr,hs->hrs", shape, shape).reshape(HOURS, width * width)
    found = np.zeros((curves, width, curves, width))
    edges = np.cumsum([0, 1, *tries.sizes])
    for one in range(edges.size - 1):
        for other in range(one, edges.size - 1):
            rows, columns = slice(edges[one], edges[one + 1]), slice(edges[other], edges[other + 1])
            many = int(edges[other + 1] - edges[other])
            cell = (tries.curves[:, one] - edges[one]) * many + tries.curves[:, other] - edges[other]
            size = int(edges[one + 1] - edges[one]) * many
            met = np.bincount(cell * HOURS + tries.hour, weight, minlength=size * HOURS).reshape(size, HOURS)
            block = (met @ pairs).reshape(-1, many, width, width).transpose(0, 2, 1, 3)
            found[rows, :, columns, :] = block
            found[columns, :, rows, :] = block.transpose(2, 3, 0, 1)
    return found.reshape(curves * width, curves * width)


def surprise(tries: Tries) -> Float64Array:
    """By field: how much the hours differ between its groups, in standard errors of their not doing so.

    The score test of a variance component at none (Lin 1997): the squared score of each group's shapes less
    what chance alone makes of it, over its standard deviation.
    """
    shape = design()[0][:, 1:]
    chance = probability(pool(tries.by(())).score(tries.by(())))
    found = np.zeros(len(tries.sizes))
    for field, size in enumerate(tries.sizes):
        cell = tries.groups[:, field] * HOURS + tries.hour
        miss, weight = (
            np.bincount(cell, amount, minlength=size * HOURS).reshape(size, HOURS)
            for amount in (tries.answered - chance, chance * (1 - chance))
        )
        bend = np.einsum("gh,hr,hs->grs", weight, shape, shape, optimize=True)
        usual = np.trace(bend, axis1=1, axis2=2).sum()
        found[field] = (np.sum((miss @ shape) ** 2) - usual) / np.sqrt(2 * np.sum(bend**2) + 1e-12)
    return found
