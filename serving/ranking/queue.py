"""The queue of one batch: due callbacks, then the arms by their shares, explored a little, with chances."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.random import Generator

from features.instants import NEVER
from features.kernel import BoolArray, Float64Array, Int8Array, Int64Array

from .arms import HOLDOUT, MODEL, turns
from .exploration import chance, draw_order, utility
from .orders import ORDERS


class Source(IntEnum):
    """Why a lead stands where it stands."""

    CALLBACK = 0
    RANKED = 1
    EXPLORE = 2
    HOLDOUT = 3


@dataclass(frozen=True)
class Candidates:
    """The leads that may be called now: equally long columns."""

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

    def without(self, places: Int64Array) -> "Candidates":
        """All but those at some places."""
        columns = {field.name: np.delete(getattr(self, field.name), places) for field in fields(self)}
        return Candidates(**columns)


@dataclass(frozen=True)
class Policy:
    """How a campaign wants its queue: shares as fractions, the draw's temperature, the old order's name."""

    holdout: float = 0.1
    uniform: float = 0.01
    temperature: float = 0.2
    baseline_order: str = "newest"


@dataclass(frozen=True)
class RankedQueue:
    """Places among the candidates in handing-out order, with spares behind for claims that fail."""

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


def rank(
    candidates: Candidates, n: int, policy: Policy, spent: tuple[float, float], rng: Generator
) -> RankedQueue:
    """Order up to `n` leads and as many spares; `spent`: seconds of model arm and holdout so far."""
    due = np.flatnonzero(candidates.callback_at < NEVER)
    due = due[np.lexsort((candidates.row[due], candidates.callback_at[due]))]
    waiting = candidates.callback_at == NEVER
    slots = min(max(2 * (n - due.size), 0), len(candidates) - due.size)
    model, phi, keys = _model_order(candidates, waiting, max(n, 1), policy, rng)
    holdout = _holdout_order(candidates, waiting, policy, rng)
    filled = turns(
        (candidates.seconds[model], candidates.seconds[holdout]),
        (1 - policy.holdout, policy.holdout),
        spent,
        slots,
    )
    place = np.array([(model, holdout)[arm][j] for arm, j in filled], np.int64)
    turn = np.array([j if arm == MODEL and phi.size else -1 for arm, j in filled], np.int64)
    source = np.array([Source.RANKED if arm == MODEL else Source.HOLDOUT for arm, _ in filled], np.int8)
    drawn = place.copy(), source.copy(), turn.copy()
    uniform = _explore(candidates, waiting, policy, rng, place, source, turn)
    place, source, turn = _once_each(*_with_displaced((place, source, turn), drawn))
    return RankedQueue(
        place=np.concatenate([due, place]),
        source=np.concatenate([np.full(due.size, Source.CALLBACK, np.int8), source]),
        turn=np.concatenate([np.full(due.size, -1), turn]),
        phi=phi,
        keys=keys,
        uniform_chance=uniform,
        random_holdout_chance=min(1.0, n / max(holdout.size, 1))
        if policy.baseline_order == "random"
        else 1.0,
    )


def _model_order(
    candidates: Candidates, waiting: BoolArray, n: int, policy: Policy, rng: Generator
) -> tuple[Int64Array, Float64Array, Float64Array]:
    """The model arm's order with phi and keys; without scores by rule: newest, then fewest attempts."""
    mine = np.flatnonzero(waiting & (candidates.arm == MODEL))
    if np.isnan(candidates.score[mine]).any():
        return mine[_by_order("newest", candidates, mine, rng)], np.empty(0), np.empty(0)
    phi = utility(candidates.score[mine], policy.temperature)
    drawn, keys = draw_order(phi, n, rng)
    return mine[drawn], phi[drawn], keys


def _holdout_order(candidates: Candidates, waiting: BoolArray, policy: Policy, rng: Generator) -> Int64Array:
    mine = np.flatnonzero(waiting & (candidates.arm == HOLDOUT))
    return mine[_by_order(policy.baseline_order, candidates, mine, rng)]


def _by_order(name: str, candidates: Candidates, mine: Int64Array, rng: Generator) -> Int64Array:
    return ORDERS[name](
        candidates.created_at[mine], candidates.attempts[mine], candidates.last_call_at[mine], rng
    )


def _explore(
    candidates: Candidates,
    waiting: BoolArray,
    policy: Policy,
    rng: Generator,
    place: Int64Array,
    source: Int8Array,
    turn: Int64Array,
) -> float:
    """Turn a `uniform` share of the model arm's slots over to any of its leads; return each chance, m/N."""
    mine = np.flatnonzero(waiting & (candidates.arm == MODEL))
    given = np.flatnonzero((source == Source.RANKED) & (rng.random(source.size) < policy.uniform))
    if given.size == 0 or mine.size == 0:
        return 0.0
    given = given[: mine.size]
    place[given] = rng.choice(mine, given.size, replace=False)
    source[given], turn[given] = Source.EXPLORE, -1
    return given.size / mine.size


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
