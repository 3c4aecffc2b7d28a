"""The margin: an additive log-odds curve per feature, smooth and robust; the trees only correct it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from features import Feature
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array, kernel, own, part

LOGS = np.arange(-4.0, 20.0, 0.1)
"""Logarithms between which that of an anchor is read straight: from two hundredths to half a billion."""

BLOCK = 256
"""Rows that are read together, curve after curve: they stay in the processor's nearest caches."""


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
        found = np.zeros(self._checked(values).shape)
        share_each(own(values), self._heard, found)
        return found

    def apply(self, values: Float32Array) -> Float64Array:
        """The log-odds of each row."""
        total = np.full(self._checked(values).shape[0], self.base)
        add_all(own(values), self._heard, total)
        return total

    def _checked(self, values: Float32Array) -> Float32Array:
        if values.shape[1] < len(self.curves):
            raise ValueError(f"{values.shape[1]} columns, but the margin has {len(self.curves)} curves")
        return values

    @cached_property
    def _heard(self) -> "Heard":
        """The curves that say something."""
        return heard_of(self.curves)


class Heard(NamedTuple):
    """Curves that aren't zero everywhere, one after the other, as one loop reads them."""

    place: Int64Array
    """The column that each reads."""
    categorical: BoolArray
    starts: Int64Array
    """Where each one's values begin, and at the end how many there are."""
    knots: Float64Array
    """Of a number; a category's are its codes."""
    values: Float64Array
    slopes: Float64Array
    """From each knot to the next; nothing from the last."""
    missing: Float64Array


def heard_of(curves: Sequence[Curve]) -> Heard:
    """The curves that say something."""
    heard = [place for place, curve in enumerate(curves) if curve.values.any() or curve.missing]
    ours = [curves[place] for place in heard]
    none = np.empty(0)
    knots = [np.arange(float(one.values.size)) if one.categorical else one.knots for one in ours]
    slopes = [slopes_of(at, one.values) for at, one in zip(knots, ours, strict=True)]
    return Heard(
        np.array(heard, np.int64),
        np.array([one.categorical for one in ours], np.bool_),
        np.cumsum([0, *(one.values.size for one in ours)]),
        np.concatenate([none, *knots]),
        np.concatenate([none, *(one.values for one in ours)]),
        np.concatenate([none, *slopes]),
        np.array([one.missing for one in ours], np.float64),
    )


def slopes_of(knots: Float64Array, values: Float64Array) -> Float64Array:
    """Of the line from each knot to the next; nothing from the last, nor between knots at one place."""
    rise, run = np.diff(values, append=values[-1:]), np.diff(knots, append=knots[-1:])
    return np.divide(rise, run, out=np.zeros(values.size), where=run > 0)


@kernel
def add_all(values: Float32Array, heard: Heard, out: Float64Array) -> None:
    """Add to `out[i]` what all curves say of row i, in the order of the columns."""
    for begin in range(0, out.size, BLOCK):
        end = min(out.size, begin + BLOCK)
        for k in range(heard.place.size):
            read(values[begin:end, heard.place[k]], heard, k, out[begin:end])


@kernel
def share_each(values: Float32Array, heard: Heard, out: Float64Array) -> None:
    """Add to `out` (rows, columns) what each curve says."""
    for begin in range(0, out.shape[0], BLOCK):
        end = min(out.shape[0], begin + BLOCK)
        for k in range(heard.place.size):
            place = heard.place[k]
            read(values[begin:end, place], heard, k, out[begin:end, place])


@part
def read(column: Float32Array, heard: Heard, k: int, out: Float64Array) -> None:
    """Add to `out` what a curve says of each value: `Curve.at`, to the last bit."""
    first, stop, missing = heard.starts[k], heard.starts[k + 1], heard.missing[k]
    knots, values, slopes = heard.knots[first:stop], heard.values[first:stop], heard.slopes[first:stop]
    if heard.categorical[k] or first == stop:
        for i in range(out.size):
            out[i] += values[np.int64(column[i])] if 0 <= column[i] < values.size else missing
    else:
        for i in range(out.size):
            value = np.float64(column[i])
            line = on_line(knots, values, slopes, value)
            out[i] += missing if np.isnan(value) else line


@part
def on_line(knots: Float64Array, values: Float64Array, slopes: Float64Array, value: float) -> float:
    """The line through some knots at a value, flat beyond them.

    Its knot is counted rather than searched for: there are few, and no branch has to be guessed.
    """
    near = 0
    for m in range(1, knots.size):
        near += knots[np.uint64(m)] <= value
    within = min(max(value, knots[0]), knots[np.uint64(knots.size - 1)])
    here = np.uint64(near)
    return float(slopes[here] * (within - knots[here]) + values[here])


def warm_up() -> None:
    """Compile the loops, or load them from numba's cache."""
    margin, row = Margin(0.0, (Curve.steps([0.0], [1.0, 2.0]),)), np.zeros((1, 1), np.float32)
    margin.apply(row)
    margin.shares(row)


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
