"""Tree SHAP: what each feature adds to a forest's score, exact and path-dependent, by quadrature.

A leaf adds to a feature of its path its value times the feature's o - z times an integral over t from 0 to 1:
of the product of t o + (1 - t) z over the path's other features. A feature's o is 1 if the row passes all its
tests on the path and else 0, its z is the share of examples that did (Wettenstein, Mitchell and Yu 2026,
arXiv:2605.04497). With d features on a path the product is a polynomial of degree d - 1, and Gauss and
Legendre's n points integrate any up to degree 2 n - 1 exactly. So each tree has half as many points as its
longest path has features, rounded up: exact for every tree, however deep.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.kernel import Float32Array, Float64Array, Int64Array, UInt8Array, kernel, part

from .forest import AS_ZERO, LEFT, NO_MORE_THAN_ZERO, SET, Forest, Number, has_member

ROWS = 128
"""Taken together: what becomes of them on the steps of a tree stays in the processor's nearest caches."""
FAILED_BEFORE, FAILS, PASSES = np.uint8(0), np.uint8(1), np.uint8(2)
"""What a row is to a step, and to all tests of the step's feature on the path up to it."""


class Paths(NamedTuple):
    """The steps of a forest: 2 k leads from node k to its left child, 2 k + 1 to its right one."""

    into: Int64Array
    """Of each node the step that leads to it; -1 of a tree's first."""
    before: Int64Array
    """Of each step the one before it on its path that asks the same feature; -1 for none."""
    share: Float64Array
    """Of each step the share of examples that pass all tests of its feature on its path up to here."""
    rule: Int64Array
    """How many points each tree needs."""
    points: Float64Array
    """(n, n-th rule's points in the first n places)."""
    weights: Float64Array
    base: float
    """What the forest says of nobody in particular: the mean over the examples."""


class Steps(NamedTuple):
    """Room for what becomes of rows on the steps of a tree; a last line stands for no step."""

    state: UInt8Array
    """(steps, rows)"""
    product: Float64Array
    """On the way down the path's product; on the way up the sum of all leaves behind."""
    left: UInt8Array


def paths_of(forest: Forest) -> Paths:
    """The steps of a forest."""
    child = np.column_stack([forest.left, forest.right]).ravel()
    inner = child >= 0
    into = np.full(forest.feature.size, -1)
    into[child[inner]] = np.flatnonzero(inner)
    parent, feature = np.repeat(into, 2), np.repeat(forest.feature, 2)
    before = parent.copy()
    while (other := (before >= 0) & (feature[before] != feature)).any():
        before[other] = parent[before[other]]
    came = np.empty(child.size)
    came[inner], came[~inner] = forest.node_count[child[inner]], forest.leaf_count[~child[~inner]]
    share = _along(before, came / np.repeat(forest.node_count, 2), np.multiply)
    asked = _along(parent, (before < 0).astype(np.int64), np.add)
    rule = np.zeros(forest.trees, np.int64)
    np.maximum.at(rule, np.repeat(forest.tree, 2), (asked + 1) // 2)
    points, weights = _rules(int(rule.max(initial=0)))
    return Paths(into, before, share, rule, points, weights, _mean(forest))


def _along(last: Int64Array, own: NDArray[Number], join: np.ufunc) -> NDArray[Number]:
    """What each step has, joined with what those have that are reached from it by `last`."""
    found, step = own.copy(), last
    while (on := step >= 0).any():
        found[on] = join(found[on], own[step[on]])
        step = np.where(on, last[step], -1)
    return found


def _rules(most: int) -> tuple[Float64Array, Float64Array]:
    """Gauss and Legendre's points and weights between 0 and 1, of one point, of two and so on."""
    points, weights = np.zeros((most + 1, most)), np.zeros((most + 1, most))
    for n in range(1, most + 1):
        at, weigh = np.polynomial.legendre.leggauss(n)
        points[n, :n], weights[n, :n] = (at + 1) / 2, weigh / 2
    return points, weights


def _mean(forest: Forest) -> float:
    """The sum over trees of the mean of their leaves."""
    tree = np.repeat(np.arange(forest.trees), np.diff(forest.leaf_starts))
    count = np.bincount(tree, forest.leaf_count)
    return float((forest.leaf_count / count[tree] * forest.value).sum())


def steps_for(forest: Forest) -> Steps:
    """As much as the largest tree needs."""
    lines = 2 * int(np.diff(forest.starts).max(initial=0)) + 1
    state = np.full((lines, ROWS), PASSES)
    return Steps(state, np.empty((lines, ROWS)), np.empty(ROWS, np.uint8))


@kernel
def add_shares(values: Float32Array, forest: Forest, paths: Paths, steps: Steps, out: Float64Array) -> None:
    """Add to `out` (features, rows) what each feature adds to the score of each of up to ROWS rows."""
    rows = values.shape[0]
    for t in range(forest.starts.size - 1):
        n, first, stop = paths.rule[t], forest.starts[t], forest.starts[t + 1]
        take_sides(values, forest, paths, first, stop, steps)
        for q in range(n):
            point = paths.points[n, q]
            steps.product[-1, :rows] = paths.weights[n, q]
            for node in range(first, stop):
                go_down(paths, node, first, point, steps, rows)
            for node in range(stop - 1, first - 1, -1):
                go_up(forest, paths, node, first, point, steps, out)


@kernel
def take_sides(
    values: Float32Array, forest: Forest, paths: Paths, first: int, stop: int, steps: Steps
) -> None:
    """Fill `steps.state` with what each row is to each step of a tree."""
    rows = values.shape[0]
    for node in range(first, stop):
        value, kind, left = values[:, forest.feature[node]], forest.kind[node], steps.left[:rows]
        if kind == SET:
            among(value, forest.members[node], left)
        else:
            up_to(value, forest.threshold[node], kind == LEFT, kind == AS_ZERO, left)
        for side in range(2):
            before = paths.before[2 * node + side]
            told = steps.state[before - 2 * first if before >= 0 else -1]
            meet(left, np.uint8(1 - side), told, steps.state[2 * (node - first) + side, :rows])


@kernel
def among(value: Float32Array, members: np.uint64, out: UInt8Array) -> None:
    """Whether each category is in a set."""
    for r in range(out.size):
        out[r] = has_member(members, np.float64(value[r]))


@kernel
def up_to(
    value: Float32Array, threshold: float, missing_passes: bool, missing_is_zero: bool, out: UInt8Array
) -> None:
    """Whether each number is up to a threshold."""
    for r in range(out.size):
        v = np.float64(value[r])
        missing = np.isnan(v)
        number = 0.0 if (missing and missing_is_zero) or abs(v) <= NO_MORE_THAN_ZERO else v
        out[r] = (number <= threshold) or (missing and missing_passes)


@kernel
def meet(left: UInt8Array, wanted: np.uint8, before: UInt8Array, out: UInt8Array) -> None:
    """What each row is to a step, by the side that it takes and what it was to the step before."""
    for r in range(out.size):
        here = PASSES if left[r] == wanted else FAILS
        out[r] = here if before[r] == PASSES else FAILED_BEFORE


@part
def go_down(paths: Paths, node: int, first: int, point: float, steps: Steps, rows: int) -> None:
    """Carry a node's product on to its children."""
    into = paths.into[node]
    above = steps.product[into - 2 * first if into >= 0 else -1, :rows]
    for step in range(2 * node, 2 * node + 2):
        share, before = paths.share[step], paths.before[step]
        share_before = paths.share[before] if before >= 0 else 1.0
        rest = 1 - point
        whole = point + rest * share_before
        multiply(
            above,
            steps.state[step - 2 * first],
            share / share_before,
            rest * share / whole,
            (point + rest * share) / whole,
            steps.product[step - 2 * first],
        )


@kernel
def multiply(
    above: Float64Array, state: UInt8Array, failed: float, fails: float, passes: float, out: Float64Array
) -> None:
    """Multiply each row by what its state says."""
    for r in range(above.size):
        factor = passes if state[r] == PASSES else (fails if state[r] == FAILS else failed)
        out[r] = above[r] * factor


@part
def go_up(
    forest: Forest, paths: Paths, node: int, first: int, point: float, steps: Steps, out: Float64Array
) -> None:
    """Sum the leaves behind a node's steps, and give its feature what passing or failing makes of them."""
    rows = out.shape[1]
    for step in range(2 * node, 2 * node + 2):
        child = forest.left[node] if step == 2 * node else forest.right[node]
        own = steps.product[step - 2 * first, :rows]
        if child >= 0:
            below = 2 * (child - first)
            join(steps.product[below], steps.product[below + 1], own)
        else:
            scale(forest.value[~child], own)
        share, before = paths.share[step], paths.before[step]
        share_before = paths.share[before] if before >= 0 else 1.0
        rest = 1 - point
        told = (1 - share_before) / (point + rest * share_before)
        passes, fails = (1 - share) / (point + rest * share) - told, -1 / rest - told
        give(own, steps.state[step - 2 * first], fails, passes, out[forest.feature[node]])


@kernel
def join(one: Float64Array, other: Float64Array, out: Float64Array) -> None:
    """Sum two lines."""
    for r in range(out.size):
        out[r] = one[r] + other[r]


@kernel
def scale(value: float, out: Float64Array) -> None:
    """Multiply a line."""
    for r in range(out.size):
        out[r] *= value


@kernel
def give(leaves: Float64Array, state: UInt8Array, fails: float, passes: float, out: Float64Array) -> None:
    """Add to each row's share by its state."""
    for r in range(out.size):
        gain = passes if state[r] == PASSES else (fails if state[r] == FAILS else 0.0)
        out[r] += leaves[r] * gain
