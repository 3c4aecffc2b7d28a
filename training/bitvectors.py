"""Bit vectors: a forest as tests of one-byte columns, many rows at a time, instead of walks through trees."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.kernel import Float32Array, Float64Array, Int32Array, Int64Array, UInt8Array

from .forest import AS_ZERO, LEFT, MOST_CODES, SET, Forest

MOST_THRESHOLDS = 254
"""Of a feature: a place among them is a byte."""
INSIDE = -1
"""Instead of a column: which rows are inside the set that was asked last."""
_KINDS = 16
"""More than there are kinds of columns."""


class Columns(NamedTuple):
    """What a row becomes: bytes, ordered by the feature that each is read from.

    A number's byte says how many of its feature's thresholds it does not exceed. Of a category's bytes the
    h-th has bit b where the code is 8 h + b.
    """

    feature: Int64Array
    kind: Int64Array
    """As a node's, but SET + h for a category's h-th byte."""
    if_missing: UInt8Array
    first: Int64Array
    """Where the feature's thresholds begin in `thresholds`."""
    size: Int64Array
    """How many there are; infinities follow, up to the next power of two less one."""
    thresholds: Int32Array
    """As keys, see `in_order`."""


class Cuts(NamedTuple):
    """What a row loses that fails a node's test: the leaves on the node's left, one byte of them a cut."""

    starts: Int64Array
    """Each tree's first cut, and at the end how many there are."""
    column: Int64Array
    floor: UInt8Array
    """A row fails whose byte is less."""
    place: Int64Array
    """Which byte of the tree's bits."""
    keep: UInt8Array
    """What is left of it."""
    pieces: Int64Array
    """Each cut's first piece of a set, and at the end how many there are; most cuts have none."""
    piece_column: Int64Array
    piece: UInt8Array
    """Members of a set, eight codes to a byte."""


class Bitvectors(NamedTuple):
    """QuickScorer (Lucchese et al. 2015) with a tree's leaves in bytes, as in RapidScorer (Ye et al. 2018).

    Every test that a row fails takes the leaves on the left of its node from the row; the first leaf that is
    left is the row's. In bytes because most nodes have few leaves on their left: they touch one byte, and 32
    or 64 rows fit into a register.
    """

    columns: Columns
    cuts: Cuts
    leaf_starts: Int64Array
    value: Float64Array
    """What each leaf adds, each tree's from left to right."""


def bitvectors_of(forest: Forest) -> Bitvectors | None:
    """A forest as bit vectors; None where a feature has more than MOST_THRESHOLDS."""
    tables = _tables(forest)
    if tables.size.max(initial=0) > MOST_THRESHOLDS:
        return None
    sets = _sets(forest)
    keys = forest.feature * _KINDS + forest.kind
    known = np.union1d(keys[forest.kind != SET], sets.key)
    first_leaf, on_left, place = _from_left_to_right(forest)
    value = np.empty(forest.value.size)
    value[place] = forest.value
    column = np.where(forest.kind == SET, INSIDE, np.searchsorted(known, keys))
    cuts = _cuts(forest, first_leaf, on_left, column, tables.floor, sets, np.searchsorted(known, sets.key))
    return Bitvectors(_columns(known, tables), cuts, forest.leaf_starts, value)


@dataclass(frozen=True)
class _Tables:
    """The thresholds of each feature, ascending, as float32: no float32 tells them from the exact ones."""

    floor: UInt8Array
    """Of each node: how many thresholds of its feature are no less than its own; 1 for a set."""
    first: Int64Array
    size: Int64Array
    keys: Int32Array
    not_below_zero: Int64Array
    """How many of the feature's thresholds zero does not exceed."""


def _tables(forest: Forest) -> _Tables:
    nodes = np.flatnonzero(forest.kind != SET)
    feature, exact = forest.feature[nodes], _rounded_down(forest.threshold[nodes])
    order = np.lexsort((exact, feature))
    feature, exact = feature[order], exact[order]
    new = np.ones(nodes.size, np.bool_)
    new[1:] = (feature[1:] > feature[:-1]) | (exact[1:] > exact[:-1])
    whose, values, rank = feature[new], exact[new], np.cumsum(new) - 1
    size = np.bincount(whose, minlength=int(forest.feature.max(initial=0)) + 1)
    before = np.cumsum(size) - size
    room = 2 ** np.ceil(np.log2(size + 1)).astype(np.int64) - 1
    first = np.cumsum(room) - room
    filled = np.full(room.sum(), np.inf, np.float32)
    filled[first[whose] + np.arange(whose.size) - before[whose]] = values
    floor = np.ones(forest.feature.size, np.int64)
    floor[nodes[order]] = (size + before)[feature] - rank
    not_below = np.bincount(whose[values >= 0], minlength=size.size)
    return _Tables(np.minimum(floor, 255).astype(np.uint8), first, size, in_order(filled), not_below)


def _rounded_down(threshold: Float64Array) -> Float32Array:
    """The largest float32 up to each: a float32 is up to the one if and only if it is up to the other."""
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def in_order(values: Float32Array) -> Int32Array:
    """Integers in the order of floats: their bits, all but the sign's turned where they are negative."""
    bits = (values + np.float32(0)).view(np.int32)
    return np.asarray(bits ^ (bits >> 31 & 0x7FFFFFFF))


@dataclass(frozen=True)
class _Sets:
    """The bytes of all sets of categories that have members, at least one of each."""

    node: Int64Array
    key: Int64Array
    """Of the column that it is compared with."""
    piece: UInt8Array


def _sets(forest: Forest) -> _Sets:
    nodes = np.flatnonzero(forest.kind == SET)
    shifts = np.arange(0, MOST_CODES, 8, dtype=np.uint64)
    pieces = (forest.members[nodes, None] >> shifts & np.uint64(255)).astype(np.uint8)
    asked = pieces > 0
    asked[:, 0] |= ~asked.any(axis=1)
    row, byte = np.nonzero(asked)
    return _Sets(nodes[row], forest.feature[nodes[row]] * _KINDS + SET + byte, pieces[row, byte])


def _columns(keys: Int64Array, tables: _Tables) -> Columns:
    feature, kind = keys // _KINDS, keys % _KINDS
    number = np.minimum(feature, tables.size.size - 1)
    size = np.where(kind < SET, tables.size[number], 0)
    missing = np.where(kind == LEFT, size, np.where(kind == AS_ZERO, tables.not_below_zero[number], 0))
    return Columns(feature, kind, missing.astype(np.uint8), tables.first[number], size, tables.keys)


def _from_left_to_right(forest: Forest) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Of each node its first leaf in its tree and how many are on its left; of each leaf its new place."""
    sizes, below = np.diff(forest.starts), np.ones(forest.feature.size, np.int64)
    on_left, first = np.zeros_like(below), np.zeros_like(below)
    place = np.repeat(forest.leaf_starts[:-1], sizes + 1)
    levels = [forest.starts[:-1][sizes > depth] + depth for depth in range(int(sizes.max(initial=0)))]
    for nodes in reversed(levels):
        left, right = forest.left[nodes], forest.right[nodes]
        on_left[nodes] = np.where(left >= 0, below[np.maximum(left, 0)], 1)
        below[nodes] = on_left[nodes] + np.where(right >= 0, below[np.maximum(right, 0)], 1)
    for nodes in levels:
        for child, leaf in (
            (forest.left[nodes], first[nodes]),
            (forest.right[nodes], first[nodes] + on_left[nodes]),
        ):
            inner = child >= 0
            first[child[inner]] = leaf[inner]
            place[~child[~inner]] += leaf[~inner]
    return first, on_left, place


def _cuts(
    forest: Forest,
    first: Int64Array,
    on_left: Int64Array,
    column: Int64Array,
    floor: UInt8Array,
    sets: _Sets,
    piece_column: Int64Array,
) -> Cuts:
    """One cut for each byte of leaves on a node's left; the first of a set's asks for its pieces."""
    bytes_touched = (first + on_left - 1) // 8 - first // 8 + 1
    begins = np.concatenate([[0], np.cumsum(bytes_touched)])
    node = np.repeat(np.arange(first.size), bytes_touched)
    place = first[node] // 8 + np.arange(node.size) - begins[node]
    low = np.maximum(first[node] - 8 * place, 0)
    high = np.minimum(first[node] + on_left[node] - 8 * place, 8)
    asked = np.zeros(node.size, np.int64)
    np.add.at(asked, begins[sets.node], 1)
    return Cuts(
        begins[forest.starts],
        column[node],
        floor[node],
        place,
        (255 - (1 << high) + (1 << low)).astype(np.uint8),
        np.concatenate([[0], np.cumsum(asked)]),
        piece_column,
        sets.piece,
    )
