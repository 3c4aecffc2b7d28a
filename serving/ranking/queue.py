"""The queue of one batch: due callbacks, then the arms by their shares, explored a little, with chances."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.random import Generator

from features.kernel import Float64Array, Int8Array, Int64Array

from .arms import HOLDOUT, MODEL, turns
from .exploration import POOL, chance, shuffled, utility
from .orders import RANDOM


class Source(IntEnum):
    """Why a lead stands where it stands."""

    CALLBACK = 0
    RANKED = 1
    EXPLORE = 2
    HOLDOUT = 3


@dataclass(frozen=True)
class Candidates:
    """The leads that may be called now: equally long columns, in the order in which they were stored."""

    row: Int64Array
    """The lead's row in the LeadTable."""
    arm: Int8Array
    """`MODEL` or `HOLDOUT`."""
    score: Float64Array
    """Expected value per second; NaN where no model said."""
    seconds: Float64Array
    """Expected seconds of the dial."""
    callback_at: Int64Array
    """When a callback that is due was promised for; NEVER where none is due."""
    created_at: Int64Array
    attempts: Int64Array
    last_call_at: Int64Array

    def __len__(self) -> int:
        return int(self.row.size)


class Field(Protocol):
    """Whoever may be called now, as a queue asks for them; a place names one of them."""

    @property
    def scored(self) -> bool:
        """Whether a model said something of all of them."""

    def waiting(self, arm: int) -> int:
        """How many of an arm may be called, due callbacks aside."""

    def due(self) -> Int64Array:
        """Those whose callback is due, the longest due first, of equals the one stored first."""

    def first(self, arm: int, most: int) -> Int64Array:
        """The first of an arm's others: the model's by score, of equals the one stored first, without
        scores the newest; the holdout's by the campaign's old order, if that is random all as stored."""

    def numbered(self, arm: int, numbers: Int64Array) -> Int64Array:
        """Some of an arm's others, numbered from 0 as they were stored."""

    def score_of(self, places: Int64Array) -> Float64Array:
        """Expected value per second; NaN where no model said."""

    def seconds_of(self, places: Int64Array) -> Float64Array:
        """Expected seconds of the dial."""


@dataclass(frozen=True)
class Policy:
    """How a campaign wants its queue: shares as fractions, the draw's temperature, the old order's name."""

    holdout: float = 0.1
    uniform: float = 0.01
    temperature: float = 0.2
    baseline_order: str = "newest"


@dataclass(frozen=True)
class RankedQueue:
    """Places in handing-out order, with spares behind for claims that fail."""

    place: Int64Array
    source: Int8Array
    turn: Int64Array
    """The place in the model arm's draw; -1 for the other sources."""
    phi: Float64Array
    """The model arm's utilities in draw order."""
    keys: Float64Array
    """The model arm's keys in draw order, largest first."""
    uniform_chance: float
    random_holdout_chance: float

    def propensity(self, used: int, taken: Int64Array) -> tuple[Float64Array, float]:
        """The chance of each entry `taken`, where the first `used` entries were won or lost; and kappa."""
        turn = self.turn[taken]
        behind = int(self.turn[:used].max(initial=-1)) + 1
        kappa = float(self.keys[behind]) if behind < self.keys.size else -np.inf
        by_source = np.array([1.0, 1.0, self.uniform_chance, self.random_holdout_chance])
        found = by_source[self.source[taken]]
        found[turn >= 0] = chance(self.phi[turn[turn >= 0]], kappa)
        return found, kappa


def rank(field: Field, n: int, policy: Policy, spent: tuple[float, float], rng: Generator) -> RankedQueue:
    """Order up to `n` leads and as many spares; `spent`: seconds of model arm and holdout so far."""
    due, waiting = field.due(), (field.waiting(MODEL), field.waiting(HOLDOUT))
    slots = min(max(2 * (n - due.size), 0), sum(waiting))
    model, phi, keys = _model_order(field, max(n, 1), slots, policy, rng)
    holdout = _holdout_order(field, slots, waiting[HOLDOUT], policy, rng)
    filled = turns(
        (field.seconds_of(model), field.seconds_of(holdout)),
        (1 - policy.holdout, policy.holdout),
        spent,
        slots,
    )
    arm, j = filled[:, 0], filled[:, 1]
    place = np.concatenate([model, holdout])[j + np.array([0, model.size])[arm]]
    turn = np.where((arm == MODEL) & (phi.size > 0), j, -1)
    source = np.where(arm == MODEL, Source.RANKED, Source.HOLDOUT).astype(np.int8)
    drawn = place.copy(), source.copy(), turn.copy()
    uniform = _explore(field, waiting[MODEL], policy, rng, (place, source, turn))
    place, source, turn = _once_each(*_with_displaced((place, source, turn), drawn))
    return RankedQueue(
        place=np.concatenate([due, place]),
        source=np.concatenate([np.full(due.size, Source.CALLBACK, np.int8), source]),
        turn=np.concatenate([np.full(due.size, -1), turn]),
        phi=phi,
        keys=keys,
        uniform_chance=uniform,
        random_holdout_chance=min(1.0, n / max(waiting[HOLDOUT], 1))
        if policy.baseline_order == RANDOM
        else 1.0,
    )


def _model_order(
    field: Field, n: int, slots: int, policy: Policy, rng: Generator
) -> tuple[Int64Array, Float64Array, Float64Array]:
    """The model arm's order with phi and keys; without scores by rule, where nothing is drawn."""
    if not field.scored:
        return field.first(MODEL, slots), np.empty(0), np.empty(0)
    pool = field.first(MODEL, POOL * n)
    phi = utility(field.score_of(pool), policy.temperature)
    drawn, keys = shuffled(phi, rng)
    return pool[drawn], phi[drawn], keys


def _holdout_order(field: Field, slots: int, waiting: int, policy: Policy, rng: Generator) -> Int64Array:
    if policy.baseline_order == RANDOM:
        return field.numbered(HOLDOUT, rng.permutation(waiting)[:slots])
    return field.first(HOLDOUT, slots)


def _explore(
    field: Field,
    waiting: int,
    policy: Policy,
    rng: Generator,
    queue: tuple[Int64Array, Int8Array, Int64Array],
) -> float:
    """Turn a `uniform` share of the model arm's slots over to any of its leads; return each chance, m/N."""
    place, source, turn = queue
    given = np.flatnonzero((source == Source.RANKED) & (rng.random(source.size) < policy.uniform))
    if given.size == 0 or waiting == 0:
        return 0.0
    given = given[:waiting]
    place[given] = field.numbered(MODEL, rng.choice(waiting, given.size, replace=False))
    source[given], turn[given] = Source.EXPLORE, -1
    return given.size / waiting


def _with_displaced(
    queue: tuple[Int64Array, Int8Array, Int64Array], drawn: tuple[Int64Array, Int8Array, Int64Array]
) -> tuple[Int64Array, Int8Array, Int64Array]:
    """The queue, and behind it the leads whose slots exploration took: nobody drawn is lost."""
    taken = queue[1] == Source.EXPLORE
    return (
        np.concatenate([queue[0], drawn[0][taken]]),
        np.concatenate([queue[1], drawn[1][taken]]),
        np.concatenate([queue[2], drawn[2][taken]]),
    )


def _once_each(
    place: Int64Array, source: Int8Array, turn: Int64Array
) -> tuple[Int64Array, Int8Array, Int64Array]:
    """Keep each lead's first slot."""
    _, first = np.unique(place, return_index=True)
    first.sort()
    return place[first], source[first], turn[first]
