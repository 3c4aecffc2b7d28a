# ruff: noqa: ARG001  every order takes what any of them may need
"""The orders a floor had before: what the holdout keeps, and what serves while no model may."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from features.kernel import Int64Array

Order = Callable[[Int64Array, Int64Array, Int64Array, Generator], Int64Array]
"""(created_at, attempts, last_call_at, rng) -> rows, first to call first."""


def newest(created_at: Int64Array, attempts: Int64Array, last: Int64Array, rng: Generator) -> Int64Array:
    """The lead that arrived last; among equals the one tried least."""
    return np.lexsort((attempts, -created_at))


def oldest(created_at: Int64Array, attempts: Int64Array, last: Int64Array, rng: Generator) -> Int64Array:
    """The lead that arrived first; among equals the one tried least."""
    return np.lexsort((attempts, created_at))


def fewest_attempts(
    created_at: Int64Array, attempts: Int64Array, last: Int64Array, rng: Generator
) -> Int64Array:
    """The lead tried least; among equals the one that arrived last."""
    return np.lexsort((-created_at, attempts))


def longest_waiting(
    created_at: Int64Array, attempts: Int64Array, last: Int64Array, rng: Generator
) -> Int64Array:
    """The lead whose last call is longest ago, never-called leads first, oldest among them first."""
    return np.lexsort((created_at, last))


def random(created_at: Int64Array, attempts: Int64Array, last: Int64Array, rng: Generator) -> Int64Array:
    """Any lead with the same chance."""
    return rng.permutation(created_at.size)


ORDERS: dict[str, Order] = {
    "newest": newest,
    "oldest": oldest,
    "fewest_attempts": fewest_attempts,
    "longest_waiting": longest_waiting,
    "random": random,
}
"""The values of a campaign's `baseline_order`."""
