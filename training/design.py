"""The margin's design: what each feature's curve may look like, and the weights that shape it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array

from .margin import Curve, Margin
from .places import Places

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
LEVELS = np.arange(-8.0, 8.25, 0.25)
"""Log-odds of the knots of a rate that is followed: from one in three thousand to all but as many."""
FOLLOW = 4.0
"""Factor on the prior sd of the slope along a followed rate's log-odds."""
SAMPLE = 4_096
"""Knots are quantiles of at most about this many rows, evenly taken, and so is the curvature of a fit."""
WIGGLE = 0.35
"""Prior sd of a knot's own value, beside 1 for a straight line through the ranks or the values."""
BEND = 0.125
"""Factor on all of it but the straight line through the values, where a feature has a sign."""
LEVEL = 0.7
"""Prior sd of one category's value, and of "missing"."""
MOST_CODES = 64
"""A category's codes from here on read as missing."""


@dataclass(frozen=True)
class Block:
    """The weights that one feature has in the fit, and how they become a curve.

    Its table has a value for each knot (a number) or code (a category), and a last one for missing.
    """

    categorical: bool
    knots: Float64Array
    to_values: Float64Array
    """(values, weights): the curve's values are this times the weights."""

    @property
    def width(self) -> int:
        """How many weights the feature has: those of its values, and one for missing."""
        return int(self.to_values.shape[1]) + 1

    @property
    def size(self) -> int:
        """How many entries its table has besides the one for missing."""
        return int(self.to_values.shape[0])

    @property
    def table(self) -> Float64Array:
        """(values and missing, width): the whole table is this times the weights."""
        rows, columns = self.to_values.shape
        found = np.zeros((rows + 1, columns + 1))
        found[:rows, :columns], found[rows, columns] = self.to_values, LEVEL
        return found

    def scaled(self, factor: float) -> "Block":
        """The same with another prior sd of its values."""
        return replace(self, to_values=self.to_values * factor)

    def curve(self, table: Float64Array) -> Curve:
        """The curve of a fitted table."""
        return Curve(self.categorical, self.knots, table[:-1], float(table[-1]))


def block_of(column: Float32Array, categorical: bool, follows: bool, signed: bool = False) -> Block:
    """A feature's block, its knots laid where these rows are; one that is followed is a rate."""
    if follows:
        return Block(False, 1.0 / (1.0 + np.exp(-LEVELS)), LEVELS[:, None] * FOLLOW)
    return _words(column) if categorical else _line(column[:: max(1, column.size // SAMPLE)], signed)


def _words(column: Float32Array) -> Block:
    codes = column[(column >= 0) & (column < MOST_CODES)]
    return Block(True, np.empty(0), np.eye(int(codes.max(initial=-1)) + 1) * LEVEL)


def _line(column: Float32Array, signed: bool) -> Block:
    """Where it is known which way a curve goes, it is nearly straight, and goes on as far again."""
    seen = np.sort(column[~np.isnan(column)]).astype(np.float64)
    inner = _knots(seen)
    if inner.size < 2:
        return Block(False, inner, np.empty((inner.size, 0)))
    knots = np.append(inner, 2 * inner[-1] - inner[0]) if signed else inner
    straight = _standard(knots, np.clip(seen, inner[0], inner[-1]))
    rank = _standard(np.arange(float(knots.size)), np.interp(seen, knots, np.arange(knots.size)))
    bent = np.outer(rank, rank) + WIGGLE**2 * np.eye(knots.size)
    prior = np.outer(straight, straight) + (BEND**2 if signed else 1.0) * bent
    return Block(False, knots, np.asarray(np.linalg.cholesky(prior), np.float64))


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
    """Some calls as a fit of weights sees them: made once, fitted under many strengths and weights.

    A weight's column is centred: an average call of these rows reads zero of all.
    """

    blocks: tuple[Block, ...]
    varies: tuple[int, ...]
    """The features that are not alike in all rows: only these have places and weights."""
    places: Places
    mean: Float64Array
    """How often a row reads each entry of the tables, on average."""
    signs: tuple[int, ...] = ()
    """1 where the curve of a feature must not fall, -1 where it must not rise, else 0."""

    @classmethod
    def of(
        cls,
        values: Float32Array,
        categorical: Sequence[bool],
        trust: Sequence[float] = (),
        follows: Collection[int] = (),
        signs: tuple[int, ...] = (),
    ) -> "Design":
        """The design of these rows; `trust` is a factor on each feature's prior sd, else 1."""
        found = [
            block_of(values[:, place], is_category, place in follows, bool(signs and signs[place]))
            for place, is_category in enumerate(categorical)
        ]
        if trust:
            found = [block.scaled(factor) for block, factor in zip(found, trust, strict=True)]
        varies = tuple(np.flatnonzero(_varies(values)).tolist())
        heard = values if len(varies) == len(found) else values[:, varies]
        asked = [found[place] for place in varies]
        places = Places.of(heard, [block.knots for block in asked], [block.size for block in asked])
        rows = values.shape[0]
        return cls(tuple(found), varies, places, places.gather(np.full(rows, 1.0 / max(rows, 1))), signs)

    @property
    def rows(self) -> int:
        """How many calls."""
        return int(self.places.entry.shape[1])

    @property
    def width(self) -> int:
        """How many weights, without the intercept."""
        return int(self._edges[-1])

    def every(self, step: int) -> "Design":
        """The design of every so many rows, centred as all are."""
        return replace(self, places=self.places.every(step))

    def tables(self, weights: Float64Array) -> Float64Array:
        """The tables of weights, one after the other."""
        parts = [table @ weights[first:last] for table, (first, last) in self._weighed]
        return np.concatenate([np.empty(0), *parts])

    def score(self, weights: Float64Array) -> Float64Array:
        """Log-odds of each row under weights, the last of them the intercept."""
        table = self.tables(weights[:-1])
        return self.places.read(table) + float(weights[-1] - table @ self.mean)

    def slope(self, amount: Float64Array) -> Float64Array:
        """The transpose of `score`: how the sum of amount times score grows with each weight."""
        whole = float(amount.sum())
        entries = self.places.gather(amount) - whole * self.mean
        parts = [
            table.T @ entries[first:last]
            for (table, _), (first, last) in zip(self._weighed, pairwise(self._starts), strict=True)
        ]
        return np.concatenate([*parts, [whole]])

    @cached_property
    def steps(self) -> Float64Array:
        """(steps, weights and intercept): each step between knots of the curves with a sign, along it."""
        signs = [(self.signs or (0,) * len(self.blocks))[place] for place in self.varies]
        sizes = [
            self.blocks[place].size - 1 if sign else 0 for place, sign in zip(self.varies, signs, strict=True)
        ]
        found, row = np.zeros((sum(max(size, 0) for size in sizes), self.width + 1)), 0
        for (table, (first, last)), sign, size in zip(self._weighed, signs, sizes, strict=True):
            if size > 0:
                found[row : row + size, first:last] = sign * np.diff(table[:-1], axis=0)
                row += size
        return found

    @cached_property
    def columns(self) -> Float32Array:
        """The whole design, (rows, weights and intercept): large, so only of a sample."""
        found = np.empty((self.rows, self.width + 1), np.float32, order="F")
        for place, (table, (first, last)) in enumerate(self._weighed):
            entry = self.places.entry[place].astype(np.int64)
            begin = self.places.start[place]
            later = np.vstack([table[1:], np.zeros(table.shape[1])])
            along = self.places.part[place][:, None] * (later - table)[entry]
            found[:, first:last] = table[entry] + along - self.mean[begin : begin + table.shape[0]] @ table
        found[:, -1] = 1.0
        return found

    def fitted(self, weights: Float64Array) -> tuple[Margin, Float64Array]:
        """The margin of fitted weights, bent to the signs, and its log-odds of each row."""
        table = self.tables(weights[:-1])
        curves = [Curve(block.categorical, np.empty(0), np.empty(0), 0.0) for block in self.blocks]
        for place, (first, last) in zip(self.varies, pairwise(self._starts), strict=True):
            read, mean = table[first:last], self.mean[first:last]
            if self.signs and self.signs[place]:
                read[:-1] = bent(read[:-1], mean[:-1], self.signs[place])
            read -= read @ mean
            curves[place] = self.blocks[place].curve(read)
        return Margin(float(weights[-1]), tuple(curves)), self.places.read(table) + float(weights[-1])

    @cached_property
    def _edges(self) -> Int64Array:
        """Where each varying feature's weights begin, and where the last's end."""
        return np.cumsum([0, *(self.blocks[place].width for place in self.varies)])

    @cached_property
    def _starts(self) -> Int64Array:
        """Where each varying feature's table begins, and where the last's ends."""
        return np.append(self.places.start, self.places.size)

    @cached_property
    def _weighed(self) -> list[tuple[Float64Array, tuple[int, int]]]:
        """Each varying feature's table per weight, and from where to where its weights are."""
        return [
            (self.blocks[place].table, (int(first), int(last)))
            for place, (first, last) in zip(self.varies, pairwise(self._edges), strict=True)
        ]


def bent(values: Float64Array, mass: Float64Array, sign: int) -> Float64Array:
    """The nearest curve that doesn't go against the sign, each value weighed by how often it is read.

    It keeps the mean (isotonic regression): what a feature says of an average call stays.
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  # slow to import, and serving never fits

    nearest = isotonic_regression(values, weights=mass + 1e-12, increasing=sign > 0)
    return np.asarray(nearest.x)


def _varies(values: Float32Array) -> BoolArray:
    """Which columns are not alike in all rows; missing differs from any value."""
    if not values.shape[0]:
        return np.zeros(values.shape[1], np.bool_)
    first = values[0]
    alike = (values == first) | (np.isnan(values) & np.isnan(first))
    return np.asarray(~alike.all(axis=0))
