"""The queue of one batch: due callbacks, then the arms by their shares, explored a little, with chances."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.random import Generator

from features.kernel import BoolArray, Float64Array, Int8Array, Int64Array

from .arms import HOLDOUT, MODEL, turns
from .exploration import POOL, chance, shuffled, utility
from .fairness import NOBODY, Account, Stocks, allotted, behind
from .orders import RANDOM

TRIED = -2
"""Stands for the source of a lead that is no longer never tried."""


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
    origin: Int64Array
    """Code of the lead's source, -1 where nobody named one."""

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

    def untried(self) -> tuple[Int64Array, Int64Array]:
        """Of the model arm's others those never tried: codes of sources, and how many each has."""

    def untried_of(self, origin: int, numbers: Int64Array) -> Int64Array:
        """Some of a source's, numbered from 0 as they were stored."""

    def origin_of(self, places: Int64Array) -> Int64Array:
        """Codes of leads' sources; TRIED for those that were tried."""

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
    fairness_floor: float = 0.02
    """Share of the model arm's dials, at least, that never-tried leads of each source get; 0: no floor."""


@dataclass(frozen=True)
class Slots:
    """The slots of a queue, and who might have stood in those that were drawn alike."""

    stock: Int64Array
    """By slot whom it was drawn from: 0 all the model arm, 1 + i the i-th source behind, -1 nobody."""
    sizes: Int64Array
    """How many leads each of these has."""
    holdout: BoolArray
    """Whether the slot is the holdout's."""
    shuffled: int = 0
    """How many leads of the holdout were shuffled; 0 where its order is a fixed one."""

    def drawn_alike(self, used: int, kin: Int64Array) -> Float64Array:
        """The chance to be drawn for one of the first `used` slots; `kin`: each lead's own stock, or 0.

        Whoever was never tried and is of a source that is behind may be drawn from either stock.
        """
        given = self.stock[:used]
        got = np.bincount(given[given >= 0], minlength=self.sizes.size)
        share = got / np.maximum(self.sizes, 1)
        return np.asarray(np.where(kin > 0, 1 - (1 - share[0]) * (1 - share[kin]), share[0]))

    def of_holdout(self, used: int) -> float:
        """The chance to be among the holdout's leads in the first `used` slots."""
        return float(self.holdout[:used].sum()) / self.shuffled if self.shuffled else 1.0


@dataclass(frozen=True)
class Entries:
    """Places in handing-out order: equally long columns."""

    place: Int64Array
    source: Int8Array
    turn: Int64Array
    """The place in the model arm's draw; -1 for the other sources."""
    slot: Int64Array
    """Callbacks have none, -1; leads whose slot was given to others stand behind all slots."""

    def take(self, which: Int64Array | BoolArray) -> "Entries":
        """Some of them, in the order given."""
        return Entries(self.place[which], self.source[which], self.turn[which], self.slot[which])

    def then(self, other: "Entries") -> "Entries":
        """These, and others behind them."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Entries(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class RankedQueue:
    """Entries in handing-out order, with spares behind for claims that fail."""

    entries: Entries
    kin: Int64Array
    """The stock of a source that is behind to which each entry drawn alike belongs, 0 none."""
    phi: Float64Array
    """The model arm's utilities in draw order."""
    keys: Float64Array
    """The model arm's keys in draw order, largest first."""
    slots: Slots

    @property
    def place(self) -> Int64Array:
        """Of each entry."""
        return self.entries.place

    @property
    def source(self) -> Int8Array:
        """Of each entry."""
        return self.entries.source

    @property
    def free(self) -> int:
        """How many leads of the model arm might have been called, due callbacks aside."""
        return int(self.slots.sizes[0])

    def propensity(self, used: int, taken: Int64Array) -> tuple[Float64Array, float]:
        """The chance of each entry `taken`, where the first `used` entries were won or lost; and kappa."""
        turn, source = self.entries.turn[taken], self.source[taken]
        behind = int(self.entries.turn[:used].max(initial=-1)) + 1
        kappa = float(self.keys[behind]) if behind < self.keys.size else -np.inf
        filled = int(self.entries.slot[:used].max(initial=-1)) + 1
        found, alike = np.ones(turn.size), source == Source.EXPLORE
        found[turn >= 0] = chance(self.phi[turn[turn >= 0]], kappa)
        found[alike] = self.slots.drawn_alike(filled, self.kin[taken[alike]])
        found[source == Source.HOLDOUT] = self.slots.of_holdout(filled)
        return found, kappa


def rank(field: Field, n: int, policy: Policy, account: Account, rng: Generator) -> RankedQueue:
    """Order up to `n` leads and as many spares; `account`: what the campaign's calls were spent on so far."""
    due, waiting = field.due(), (field.waiting(MODEL), field.waiting(HOLDOUT))
    slots = min(max(2 * (n - due.size), 0), sum(waiting))
    model, phi, keys = _model_order(field, max(n, 1), slots, policy, rng)
    holdout = _holdout_order(field, slots, waiting[HOLDOUT], policy, rng)
    filled = turns(
        (field.seconds_of(model), field.seconds_of(holdout)),
        (1 - policy.holdout, policy.holdout),
        account.spent,
        slots,
    )
    arm, j = filled[:, 0], filled[:, 1]
    drawn = Entries(
        place=np.concatenate([model, holdout])[j + np.array([0, model.size])[arm]],
        source=np.where(arm == MODEL, Source.RANKED, Source.HOLDOUT).astype(np.int8),
        turn=np.where((arm == MODEL) & (phi.size > 0), j, -1),
        slot=np.arange(arm.size),
    )
    late = _behind(field, policy, account, n)
    stock = _stocks(arm == MODEL, waiting[MODEL], late, policy, rng)
    stocks = Slots(
        stock,
        sizes=np.concatenate([[waiting[MODEL]], late.size]),
        holdout=arm == HOLDOUT,
        shuffled=waiting[HOLDOUT] if policy.baseline_order == RANDOM else 0,
    )
    queue = _called_back(due).then(_once_each(_explored(field, drawn, stocks, late, rng)))
    return RankedQueue(queue, _kin(field, queue, late), phi, keys, stocks)


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


def _called_back(due: Int64Array) -> Entries:
    nothing = np.full(due.size, -1)
    return Entries(due, np.full(due.size, Source.CALLBACK, np.int8), nothing, nothing)


def _behind(field: Field, policy: Policy, account: Account, n: int) -> Stocks:
    """The sources that had less than their floor; where there is none, nobody is asked."""
    if not (policy.fairness_floor and account.dials):
        return NOBODY
    return behind(policy.fairness_floor, account, *field.untried(), n)


def _stocks(ours: BoolArray, waiting: int, late: Stocks, policy: Policy, rng: Generator) -> Int64Array:
    """`Slots.stock`: a `uniform` share of the model arm's slots, and what sources that are behind get."""
    stock = np.full(ours.size, -1)
    alike = np.flatnonzero(ours & (rng.random(ours.size) < policy.uniform))
    stock[alike[:waiting]] = 0
    if len(late):
        left = np.flatnonzero(ours & (stock < 0))
        given = allotted(late, rng.random(left.size))
        stock[left[given >= 0]] = 1 + given[given >= 0]
    return stock


def _explored(field: Field, drawn: Entries, slots: Slots, late: Stocks, rng: Generator) -> Entries:
    """The queue with leads drawn alike in slots that were turned over; behind it those who stood there."""
    taken = slots.stock >= 0
    if not taken.any():
        return drawn
    place = drawn.place.copy()
    for stock, size in enumerate(slots.sizes.tolist()):
        mine = np.flatnonzero(slots.stock == stock)
        if mine.size:
            numbers = rng.choice(size, mine.size, replace=False)
            of_source = (int(late.origin[stock - 1]), numbers) if stock else None
            place[mine] = field.untried_of(*of_source) if of_source else field.numbered(MODEL, numbers)
    source = np.where(taken, Source.EXPLORE, drawn.source).astype(np.int8)
    displaced = replace(drawn.take(taken), slot=np.full(int(taken.sum()), taken.size))
    return Entries(place, source, np.where(taken, -1, drawn.turn), drawn.slot).then(displaced)


def _kin(field: Field, queue: Entries, late: Stocks) -> Int64Array:
    kin = np.zeros(queue.place.size, np.int64)
    if len(late):
        alike = np.flatnonzero(queue.source == Source.EXPLORE)
        same = field.origin_of(queue.place[alike])[:, None] == late.origin
        kin[alike] = np.where(same.any(axis=1), 1 + same.argmax(axis=1), 0)
    return kin


def _once_each(queue: Entries) -> Entries:
    """Keep each lead's first slot."""
    _, first = np.unique(queue.place, return_index=True)
    first.sort()
    return queue.take(first)
