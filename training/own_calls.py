"""Own calls: what a lead's few calls add to the curves of its kind, a Gaussian process over the week each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.kernel import BoolArray, Float64Array, Int64Array

from .calibration import probability
from .week import design

MOST_CALLS = 64
"""A lead's latest calls that count."""
LEAST, MOST = 1e-5, 4.0
"""A variance is held between these; the least counts as none."""
START = 0.1
ROUNDS = 8
HASTE = 4
"""Each round takes this many of Schall's steps at once: few calls per lead make each of them short."""
STEPS = 6
"""Of Newton's method: a lead's few calls need no more."""
ENOUGH = 4_096
"""Variances are learned from about so many leads, evenly taken of those with more than one call."""
MANY = 4_096
"""So many leads are worked on at a time."""


@dataclass(frozen=True)
class Calls:
    """The calls of some leads, (leads, most calls of one): the latest first, then padding, not `real`."""

    hour: Int64Array
    level: Float64Array
    """Log-odds of an answer by all but what the lead's own calls say of its hours."""
    answered: Float64Array
    real: BoolArray

    def __len__(self) -> int:
        return int(self.hour.shape[0])

    @classmethod
    def of(
        cls, leads: int, lead: Int64Array, hour: Int64Array, level: Float64Array, answered: Float64Array
    ) -> "Calls":
        """From calls in the order of time, a row for each of `leads`; the latest `MOST_CALLS` of each."""
        order, count = np.argsort(lead, kind="stable"), np.bincount(lead, minlength=leads)
        back = np.repeat(np.cumsum(count), count) - 1 - np.arange(lead.size)
        kept = order[back < MOST_CALLS]
        place = lead[kept], back[back < MOST_CALLS]
        shape = (leads, min(int(count.max(initial=0)), MOST_CALLS))
        made = cls(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_))
        made.hour[place], made.level[place] = hour[kept], level[kept]
        made.answered[place], made.real[place] = answered[kept], True
        return made

    def take(self, rows: Int64Array, most: int) -> "Calls":
        """Some leads with room for `most` calls each."""
        some = np.ix_(rows, np.arange(min(most, self.hour.shape[1])))
        return Calls(self.hour[some], self.level[some], self.answered[some], self.real[some])

    def parts(self) -> Iterator[tuple[Int64Array, "Calls"]]:
        """The leads that have calls, those with about as many together, each with its row."""
        count, most = self.real.sum(axis=1), 1
        while most // 2 < self.real.shape[1]:
            rows = np.flatnonzero((count > most // 2) & (count <= most))
            for first in range(0, rows.size, MANY):
                some = rows[first : first + MANY]
                yield some, self.take(some, most)
            most *= 2


@lru_cache(maxsize=1)
def alike() -> Float64Array:
    """(kinds, 168, 168): how alike two hours are in each kind of shape; the first kind is the constant."""
    shape, kind = design()
    return np.stack([shape[:, kind == k] @ shape[:, kind == k].T for k in range(int(kind.max()) + 1)])


def kernel_of(variance: Float64Array) -> Float64Array:
    """(168, 168): the covariance of a lead's own log-odds at two hours."""
    return np.asarray(np.tensordot(variance, alike(), 1), np.float64)


def between(calls: Calls, kernel: Float64Array) -> Float64Array:
    """(leads, calls, calls): a covariance of hours at the hours of each lead's calls."""
    return np.asarray(kernel[calls.hour[:, :, None], calls.hour[:, None, :]])


def mode_of(calls: Calls, kernel: Float64Array) -> tuple[Float64Array, Float64Array]:
    """What a lead's calls say, by Laplace's approximation (Rasmussen and Williams 2006, algorithm 3.1).

    `pull` (leads, calls) and `bend` (leads, calls, calls): with k the covariance of an hour with the calls,
    the lead's own log-odds there are k pull, and their variance is the prior's less k bend k.
    """
    prior, one = between(calls, kernel), np.eye(calls.hour.shape[1])
    mode = np.zeros(calls.hour.shape)
    for _ in range(STEPS):
        chance = probability(calls.level + mode)
        weight = np.where(calls.real, chance * (1 - chance), 0.0)
        root = np.sqrt(weight)
        scaled = root[:, :, None] * prior * root[:, None, :]
        bend = root[:, :, None] * np.linalg.inv(one + scaled) * root[:, None, :]
        push = weight * mode + np.where(calls.real, calls.answered - chance, 0.0)
        pull = push - (bend @ (prior @ push[:, :, None]))[:, :, 0]
        mode = (prior @ pull[:, :, None])[:, :, 0]
    return pull, bend


def variances(calls: Calls) -> Float64Array:
    """How much leads differ in each kind of shape: Schall's update (1991), written with covariances."""
    found = np.full(len(alike()), START)
    several = np.flatnonzero(calls.real.sum(axis=1) > 1)
    sample = calls.take(several[:: max(1, several.size // ENOUGH)], MOST_CALLS)
    parts = [part for _, part in sample.parts()]
    for _ in range(ROUNDS):
        above, below = np.zeros(found.size), np.full(found.size, 1e-9)
        for part in parts:
            pull, bend = mode_of(part, kernel_of(found))
            for kind, same in enumerate(alike()):
                near = between(part, same)
                above[kind] += np.sum(pull * (near @ pull[:, :, None])[:, :, 0])
                below[kind] += np.sum(bend * near)
        found = np.clip(found * np.clip(above / below, 0.3, 3.0) ** HASTE, LEAST, MOST)
    return found


def own_log_odds(calls: Calls, variance: Float64Array, row: Int64Array, hour: Int64Array) -> Float64Array:
    """What own calls add to the log-odds of the leads in `row` at hours of their weeks."""
    kernel, added = kernel_of(variance), np.zeros(row.size)
    for rows, part in calls.parts():
        pull, _ = mode_of(part, kernel)
        place = np.full(max(len(calls), int(row.max(initial=-1)) + 1), -1)
        place[rows] = np.arange(rows.size)
        asked = np.flatnonzero(place[row] >= 0)
        here = place[row[asked]]
        added[asked] = np.sum(kernel[hour[asked][:, None], part.hour[here]] * pull[here], axis=1)
    return added
