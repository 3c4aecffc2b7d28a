"""Forest: a model's trees as arrays, read from LightGBM's text, and the plainest loop that scores by them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.kernel import (
    Float32Array,
    Float64Array,
    Int8Array,
    Int64Array,
    UInt64Array,
    kernel,
    part,
)

Number = TypeVar("Number", bound=np.generic)

MOST_LEAVES = 64
"""Of a tree."""
MOST_CODES = 64
"""Of a category: a set of codes is one 64-bit word."""
NO_MORE_THAN_ZERO = float(np.float32(1e-35))
"""LightGBM takes magnitudes up to this for zero (`kZeroThreshold`)."""

AS_ZERO, LEFT, RIGHT, SET = 0, 1, 2, 3
"""A node's kind: a threshold, and where a missing value goes; or a set of categories that go left."""


class Forest(NamedTuple):
    """All trees' nodes one after the other, parents before children, and all their leaves likewise."""

    starts: Int64Array
    """Each tree's first node, and at the end how many nodes there are; the leaves of tree t begin t later."""
    feature: Int64Array
    kind: Int8Array
    threshold: Float64Array
    """Numbers up to it go left."""
    members: UInt64Array
    """Categories that go left, a bit each; all others, missing among them, go right."""
    left: Int64Array
    """The node on the left, or ~leaf."""
    right: Int64Array
    value: Float64Array
    """What each leaf adds to the score."""
    node_count: Int64Array
    """Examples that came to each node of those that the tree was grown on."""
    leaf_count: Int64Array

    @property
    def trees(self) -> int:
        """How many."""
        return self.starts.size - 1

    @property
    def leaf_starts(self) -> Int64Array:
        """Each tree's first leaf, and at the end how many leaves there are."""
        return self.starts + np.arange(self.starts.size)

    @property
    def tree(self) -> Int64Array:
        """The tree of each node."""
        return np.repeat(np.arange(self.trees), np.diff(self.starts))


def forest_of(text: str) -> Forest | None:
    """The trees of LightGBM's text; None where they are of a kind that these arrays don't hold.

    That is: several classes, averaged trees, more than MOST_LEAVES, codes from MOST_CODES on, zero read as
    missing, linear leaves, or leaves that no example reached.
    """
    head, _, rest = text.partition("\nTree=0\n")
    trees, whole, _ = rest.partition("end of trees")
    told = _told(trees)
    plain = "\nnum_tree_per_iteration=1\n" in head and "\naverage_output\n" not in head
    if not whole or not plain or "1" in told["is_linear"]:
        return None
    leaves = _numbers(told["num_leaves"], np.int64)
    starts = np.concatenate([[0], np.cumsum(leaves - 1)])
    tree = np.repeat(np.arange(leaves.size), leaves - 1)
    kind, threshold = (
        _kinds(_numbers(told["decision_type"], np.int64)),
        _numbers(told["threshold"], np.float64),
    )
    members = _members(told, tree[kind == SET], threshold[kind == SET].astype(np.int64))
    if leaves.max() > MOST_LEAVES or members is None or (kind < 0).any():
        return None
    sets = np.zeros(kind.size, np.uint64)
    sets[kind == SET] = members
    found = Forest(
        starts,
        _numbers(told["split_feature"], np.int64),
        kind,
        threshold,
        sets,
        _children(_numbers(told["left_child"], np.int64), tree, starts),
        _children(_numbers(told["right_child"], np.int64), tree, starts),
        _numbers(told["leaf_value"], np.float64),
        _numbers(told["internal_count"], np.int64),
        _numbers(told["leaf_count"], np.int64),
    )
    return found if _sound(found) else None


def _told(trees: str) -> Mapping[str, Sequence[str]]:
    """What each tree says by name, in the order of the trees."""
    told: dict[str, list[str]] = {}
    for line in trees.splitlines():
        name, _, value = line.partition("=")
        told.setdefault(name, []).append(value)
    return told


def _numbers(lines: Sequence[str], kind: type[Number]) -> NDArray[Number]:
    """All numbers of some lines."""
    text = " ".join(lines)
    return np.fromstring(text, kind, sep=" ") if text.strip() else np.empty(0, kind)


def _kinds(decision: Int64Array) -> Int8Array:
    """The kind of each node by LightGBM's bits: category, missing goes left, what is missing; -1 for none."""
    is_set, goes_left, missing = decision & 1, decision >> 1 & 1, decision >> 2 & 3
    by_missing = np.array([AS_ZERO, -1, 0, -1])[missing]
    number = np.where(missing == 2, np.where(goes_left, LEFT, RIGHT), by_missing)
    return np.where(is_set, SET, number).astype(np.int8)


def _members(told: Mapping[str, Sequence[str]], tree: Int64Array, place: Int64Array) -> UInt64Array | None:
    """The set of each of some nodes, given by its tree and its place there; None if one doesn't fit."""
    if not tree.size:
        return np.zeros(0, np.uint64)
    count = _numbers(told["num_cat"], np.int64)
    words, bounds = _numbers(told["cat_threshold"], np.uint64), _numbers(told["cat_boundaries"], np.int64)
    sizes = np.where(count > 0, count + 1, 0)
    ends = np.cumsum(sizes)
    held = np.where(count > 0, bounds[ends - 1], 0)
    bound = (ends - sizes)[tree] + place
    first, size = (np.cumsum(held) - held)[tree] + bounds[bound], bounds[bound + 1] - bounds[bound]
    if (size * 32 > MOST_CODES).any():
        return None
    high = np.where(size > 1, words[np.minimum(first + 1, words.size - 1)], np.uint64(0))
    return np.asarray(words[first] | high << np.uint64(32))


def _children(child: Int64Array, tree: Int64Array, starts: Int64Array) -> Int64Array:
    """Children by their place in the forest rather than in their tree."""
    first = starts[tree]
    return np.where(child >= 0, child + first, child - first - tree)


def _sound(forest: Forest) -> bool:
    """Whether parents come before their children, and every node and leaf has examples."""
    own = np.arange(forest.feature.size)
    children = np.stack([forest.left, forest.right])
    parents_first = ((children < 0) | (children > own)).all()
    return bool(parents_first and (forest.node_count > 0).all() and (forest.leaf_count > 0).all())


@part
def has_member(members: np.uint64, value: float) -> bool:
    """Whether a category is in a set; codes are cut towards zero."""
    if not -1.0 < value < MOST_CODES:
        return False
    return bool(members >> np.uint64(np.int64(value)) & np.uint64(1))


@part
def goes_left(value: float, kind: int, threshold: float, members: np.uint64) -> bool:
    """Which way a value goes: as `Tree::Decision` of LightGBM's tree.h."""
    if kind == SET:
        return has_member(members, value)
    if np.isnan(value):
        if kind != AS_ZERO:
            return kind == LEFT
        value = 0.0
    if abs(value) <= NO_MORE_THAN_ZERO:
        value = 0.0
    return bool(value <= threshold)


@kernel
def walk(values: Float32Array, forest: Forest, out: Float64Array) -> None:
    """Fill `out[i]` with the sum of the leaves that row i comes to, tree after tree."""
    for i in range(out.size):
        total = 0.0
        for t in range(forest.starts.size - 1):
            node = forest.starts[t]
            if node == forest.starts[t + 1]:
                node = ~(node + t)
            while node >= 0:
                value = np.float64(values[i, forest.feature[node]])
                if goes_left(value, forest.kind[node], forest.threshold[node], forest.members[node]):
                    node = forest.left[node]
                else:
                    node = forest.right[node]
            total += forest.value[~node]
        out[i] = total
