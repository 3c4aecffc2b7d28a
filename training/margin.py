"""The margin: an additive log-odds curve per feature, smooth and robust; the trees only correct it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features import Feature
from features.kernel import Float32Array, Float64Array, Int64Array

LOGS = np.arange(-4.0, 20.0, 0.1)
"""Logarithms between which that of an anchor is read straight: from two hundredths to half a billion."""


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

    @classmethod
    def steps(cls, edges: Sequence[float], values: Sequence[float], missing: float = 0.0) -> "Curve":
        """`values[k]` from the k-th edge (ascending) on, the first below all: exact for float32 columns."""
        exact = np.asarray(edges, np.float64)
        near = exact.astype(np.float32)
        from_here = np.where(near < exact, np.nextafter(near, np.float32(np.inf)), near)
        before = np.nextafter(from_here, np.float32(-np.inf))
        knots = np.stack([before, from_here], axis=1).ravel().astype(np.float64)
        found = np.asarray(values, np.float64)
        read = np.stack([found[:-1], found[1:]], axis=1).ravel() if from_here.size else found
        return cls(False, knots if from_here.size else np.zeros(1), read, missing)

    def at(self, column: Float32Array | Float64Array) -> Float64Array:
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

    @classmethod
    def of(cls, features: Sequence[Feature], base: float, curves: Mapping[str, Curve]) -> "Margin":
        """The margin of some features' curves, by name; the others say nothing."""
        silent = np.empty(0)
        flat = {one.name: Curve(one.categorical, silent, silent, 0.0) for one in features}
        return cls(base, tuple(curves.get(name, curve) for name, curve in flat.items()))

    def scaled(self, factor: float) -> "Margin":
        """All of it by a factor: the same order, another unit."""
        curves = [replace(c, values=c.values * factor, missing=c.missing * factor) for c in self.curves]
        return Margin(self.base * factor, tuple(curves))

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
class Anchor:
    """The feature whose logarithm an amount starts from, and where it starts if that is missing."""

    place: int
    missing: float

    def start(self, values: Float32Array) -> Float64Array:
        """Where each row starts."""
        return self._line.at(values[:, self.place])

    def onto(self, margin: Margin) -> Margin:
        """A margin of what is beside the start, with the start in its feature's curve."""
        curves, own = list(margin.curves), margin.curves[self.place]
        knots = np.union1d(self._line.knots, own.knots)
        values = self._line.at(knots) + own.at(knots)
        curves[self.place] = Curve(False, knots, values, self.missing + own.missing)
        return Margin(margin.base, tuple(curves))

    @property
    def _line(self) -> Curve:
        return Curve(False, np.exp(LOGS), LOGS, self.missing)


def codes_of(column: Float32Array | Float64Array, levels: int) -> Int64Array:
    """The category of each row as a place in a table; `levels`, one past its end, for any other."""
    known = (column >= 0) & (column < levels)
    return np.where(known, column, levels).astype(np.int64)
