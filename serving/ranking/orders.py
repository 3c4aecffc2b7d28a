# ruff: noqa: ARG001  every order takes what any of them may need
"""The orders a floor had before: what the holdout keeps, and what serves while no model may."""

from collections.abc import Callable

import numpy as np

from features.kernel import Int64Array

Keys = tuple[Int64Array, Int64Array]
"""Whose first number is least comes first, of equals the one whose second is, then the one stored first."""

Order = Callable[[Int64Array, Int64Array, Int64Array], Keys]
"""(created_at, attempts, last_call_at) -> keys."""


def newest(created_at: Int64Array, attempts: Int64Array, last: Int64Array) -> Keys:
    """The lead that arrived last; among equals the one tried least."""
    return -created_at, attempts


def oldest(created_at: Int64Array, attempts: Int64Array, last: Int64Array) -> Keys:
    """The lead that arrived first; among equals the one tried least."""
    return created_at, attempts


def fewest_attempts(created_at: Int64Array, attempts: Int64Array, last: Int64Array) -> Keys:
    """The lead tried least; among equals the one that arrived last."""
    return attempts, -created_at


def longest_waiting(created_at: Int64Array, attempts: Int64Array, last: Int64Array) -> Keys:
    """The lead whose last call is longest ago, never-called leads first, oldest among them first."""
    return last, created_at


def unordered(created_at: Int64Array, attempts: Int64Array, last: Int64Array) -> Keys:
    """As they were stored: whoever ranks at random shuffles them."""
    return np.zeros_like(created_at), np.zeros_like(created_at)


RANDOM = "random"

ORDERS: dict[str, Order] = {
    "newest": newest,
    "oldest": oldest,
    "fewest_attempts": fewest_attempts,
    "longest_waiting": longest_waiting,
    RANDOM: unordered,
}
"""The values of a campaign's `baseline_order`."""
