"""Pooled curves against a slow twin, and variances that vanish where groups don't differ."""

import numpy as np
import pytest

from features.kernel import Float64Array
from training.calibration import probability
from training.pooling import LEAST, Pooled, Tries, pool, surprise
from training.week import HOURS, design, shapes


def some_tries(differ: float, calls: int = 3_000, seed: int = 1) -> Tries:
    """Calls of leads in two fields: groups of the first differ in their hours, those of the second do not."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, (3, 2), (calls, 2))
    hour = rng.integers(0, 6, calls) * 24 + rng.integers(8, 21, calls)
    turn = np.sin(2 * np.pi * (hour % 24 - 8) / 13)
    level = rng.normal(-1, 0.5, calls)
    chance = probability(level + differ * (groups[:, 0] - 1) * turn)
    answered = (rng.random(calls) < chance).astype(np.float64)
    return Tries(rng.integers(0, 500, calls), hour, level, answered, groups, (3, 2))


def slow_weights(tries: Tries, pooled: Pooled) -> Float64Array:
    """The same penalised regression, one row of a matrix per call, by plain Newton steps."""
    shape, kind = design()
    terms = np.repeat([0, 1, 2], [1, 3, 2])
    columns = np.zeros((len(tries), terms.size, shape.shape[1]))
    for row in range(len(tries)):
        for curve in (0, 1 + tries.groups[row, 0], 4 + tries.groups[row, 1]):
            columns[row, curve] = shape[tries.hour[row]]
    matrix = columns.reshape(len(tries), -1)
    penalty = (1 / pooled.variance)[terms][:, kind].ravel()
    weights = np.zeros(penalty.size)
    for _ in range(30):
        chance = probability(tries.level + matrix @ weights)
        slope = matrix.T @ (tries.answered - chance) - penalty * weights
        bend = (matrix * (chance * (1 - chance))[:, None]).T @ matrix + np.diag(penalty)
        weights += np.linalg.solve(bend, slope)
    return weights.reshape(terms.size, -1)


def test_pooled_curves_are_those_of_a_plain_penalised_regression():
    tries = some_tries(1.0, calls=400)
    pooled = pool(tries)

    slow = slow_weights(tries, pooled) @ design()[0].T

    assert pooled.table == pytest.approx(slow, abs=0.02)  # the last revision of the variances comes after


def test_groups_that_do_not_differ_share_one_curve():
    pooled = pool(some_tries(1.0))

    assert pooled.variance[1, 1] > 0.05
    assert pooled.variance[2, 1:].max() < 0.02


def test_only_groups_whose_hours_differ_surprise():
    differs, does_not = surprise(some_tries(1.0))

    assert differs > 10
    assert abs(does_not) < 2.5
    assert np.abs(surprise(some_tries(0.0, seed=3))).max() < 2.5


def test_without_shapes_groups_have_levels_alone():
    pooled = pool(some_tries(1.0), shaped=False)

    assert np.ptp(pooled.table[1:], axis=1).max() < 0.01
    assert (pooled.variance[1:, 1:] == LEAST).all()


def test_more_calls_leave_less_doubt():
    few, many = (pool(some_tries(1.0, calls)).doubt[1] for calls in (300, 6_000))

    assert np.trace(many) < np.trace(few)


def test_shapes_tell_hours_days_and_weekends_apart():
    hours, days, weekend = shapes()

    assert np.ptp(hours.reshape(7, 24, -1), axis=0).max() == 0
    assert np.ptp(days.reshape(7, 24, -1), axis=1).max() == 0
    assert not weekend[: 5 * 24].any()
    assert (hours**2).sum(axis=1).mean() == pytest.approx(1.0)
    assert design()[0].shape[0] == HOURS
