"""Places: where each row stands on the curve of each feature, in five bytes; and sums over them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array, UInt8Array, kernel

AT_ONCE = 512
"""So many rows are worked on at a time: their places stay in the cache from one feature to the next."""


@dataclass(frozen=True)
class Places:
    """Where rows stand in the features' tables, all tables one after the other in one.

    Row i reads of feature f the line `part[f, i]` of the way from entry `start[f] + entry[f, i]` to the next.
    """

    start: Int64Array
    entry: UInt8Array
    """(features, rows)"""
    part: Float32Array
    size: int
    """The entries of all tables."""

    @classmethod
    def of(cls, values: Float32Array, knots: Sequence[Float64Array], sizes: Sequence[int]) -> "Places":
        """The places of rows: each column's among its knots, or where it has none, that of its code.

        `sizes` are the entries of each column's table besides the last one, for missing: at most 255.
        """
        start = np.cumsum([0, *(size + 1 for size in sizes)])
        laid = np.zeros(start[-1])
        for begin, own in zip(start, knots, strict=False):
            laid[begin : begin + own.size] = own
        entry = np.empty((len(sizes), values.shape[0]), np.uint8)
        part = np.empty(entry.shape, np.float32)
        words = np.array([own.size == 0 for own in knots], np.bool_)
        lay(np.ascontiguousarray(values), words, start, laid, entry, part)
        return cls(start[:-1], entry, part, int(start[-1]))

    def every(self, step: int) -> "Places":
        """Those of every so many rows."""
        return replace(self, entry=self.entry[:, ::step].copy(), part=self.part[:, ::step].copy())

    def read(self, table: Float64Array) -> Float64Array:
        """The sum of what each row reads in the features' tables."""
        found = np.zeros(self.entry.shape[1])
        add_up(self.start, self.entry, self.part, np.append(table, 0.0), found)
        return found

    def gather(self, amount: Float64Array) -> Float64Array:
        """The transpose of `read`: each row's amount, summed into the entries that it reads."""
        found = np.zeros(self.size + 1)
        collect(self.start, self.entry, self.part, amount, found)
        return found[:-1]


@kernel
def lay(
    values: Float32Array,
    words: BoolArray,
    start: Int64Array,
    knots: Float64Array,
    entry: UInt8Array,
    part: Float32Array,
) -> None:
    """Fill `entry` and `part` with the place of each value among its feature's knots, or with its code."""
    for first in range(0, values.shape[0], AT_ONCE):
        for f in range(words.size):
            begin, missing = start[f], start[f + 1] - start[f] - 1
            for i in range(first, min(first + AT_ONCE, values.shape[0])):
                value = values[i, f]
                entry[f, i], part[f, i] = missing, 0.0
                if words[f]:
                    if 0 <= value < missing:
                        entry[f, i] = int(value)
                elif not np.isnan(value) and missing > 0:
                    below = 0
                    for k in range(1, missing - 1):
                        below += value >= knots[begin + k]
                    entry[f, i] = below
                    if missing > 1:
                        low, high = knots[begin + below], knots[begin + below + 1]
                        part[f, i] = min(max((value - low) / (high - low), 0.0), 1.0)


@kernel
def add_up(
    start: Int64Array, entry: UInt8Array, part: Float32Array, table: Float64Array, out: Float64Array
) -> None:
    """Add to `out[i]` what row i reads of each feature."""
    for first in range(0, out.size, AT_ONCE):
        for f in range(start.size):
            for i in range(first, min(first + AT_ONCE, out.size)):
                k = start[f] + entry[f, i]
                out[i] += table[k] + part[f, i] * (table[k + 1] - table[k])


@kernel
def collect(
    start: Int64Array, entry: UInt8Array, part: Float32Array, amount: Float64Array, out: Float64Array
) -> None:
    """Add to `out` each row's amount, shared by the two entries that it reads of each feature."""
    for first in range(0, amount.size, AT_ONCE):
        for f in range(start.size):
            for i in range(first, min(first + AT_ONCE, amount.size)):
                k = start[f] + entry[f, i]
                later = part[f, i] * amount[i]
                out[k] += amount[i] - later
                out[k + 1] += later
