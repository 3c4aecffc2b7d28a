"""The margin: an additive log-odds curve per feature, smooth and robust; the trees only correct it."""

from dataclasses import dataclass

import numpy as np

from features.kernel import Float32Array, Float64Array, Int64Array


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


def codes_of(column: Float32Array, levels: int) -> Int64Array:
    """The category of each row as a place in a table; `levels`, one past its end, for any other."""
    known = (column >= 0) & (column < levels)
    return np.where(known, column, levels).astype(np.int64)
