"""The queue of one batch: due callbacks, then the arms by their shares, explored a little, with chances."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.random import Generator

from features.kernel import BoolArray, Float64Array, Int8Array, Int64Array, kernel, part

from .arms import starts_of, turns
from .exploration import POOL, chance, relative, shuffled, utility
from .fairness import NOBODY, Account, Stocks, allotted, behind
from .orders import RANDOM
from .policy import BY_SCORE, Arm, Policy

TRIED = -2
"""Stands for the source of a lead that is no longer never tried."""

RANKED_ARMS = -1
"""Stands for all arms that the model ranks, together."""


class Source(IntEnum):
    """Why a lead stands where it stands."""

    CALLBACK = 0
    RANKED = 1
    EXPLORE = 2
    HOLDOUT = 3
    """In an old order: of the holdout, or of an experiment's arm that keeps one."""


@dataclass(frozen=True)
class Candidates:
    """The leads that may be called now: equally long columns, in the order in which they were stored."""

    row: Int64Array
    """The lead's row in the LeadTable."""
    arm: Int8Array
    """Its number, as in `Policy.arms`."""
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
        """The first of an arm's others: by score, of equals the one stored first, without scores the
        newest; or by the arm's old order, if that is random all as stored."""

    def numbered(self, arm: int, numbers: Int64Array) -> Int64Array:
        """Some of an arm's others, or of those of RANKED_ARMS, numbered from 0 as they were stored."""

    def untried(self) -> tuple[Int64Array, Int64Array]:
        """Of the others of RANKED_ARMS those never tried: codes of sources, and how many each has."""

    def untried_of(self, origin: int, numbers: Int64Array) -> Int64Array:
        """Some of a source's, numbered from 0 as they were stored."""

    def origin_of(self, places: Int64Array) -> Int64Array:
        """Codes of leads' sources; TRIED for those that were tried."""

    def index_of(self, places: Int64Array) -> Float64Array:
        """By what the model ranks: expected value per second, or what it leaves to a better hour."""

    def seconds_of(self, places: Int64Array) -> Float64Array:
        """Expected seconds of the dial."""


@dataclass(frozen=True)
class Slots:
    """The slots of a queue, and who might have stood in those that were drawn alike."""

    stock: Int64Array
    """By slot whom it was drawn from: 0 all RANKED_ARMS, 1 + i the i-th source behind, -1 nobody."""
    sizes: Int64Array
    """How many leads each of these has."""
    arm: Int64Array
    """Whose slot it is."""

    def drawn_alike(self, used: int, kin: Int64Array) -> Float64Array:
        """The chance to be drawn for one of the first `used` slots; `kin`: each lead's own stock, or 0.

        Whoever was never tried and is of a source that is behind may be drawn from either stock.
        """
        given = self.stock[:used]
        got = np.bincount(given[given >= 0], minlength=self.sizes.size)
        share = got / np.maximum(self.sizes, 1)
        return np.asarray(np.where(kin > 0, 1 - (1 - share[0]) * (1 - share[kin]), share[0]))

    def of_shuffled(self, used: int, arm: int, waiting: int) -> float:
        """The chance to be among an arm's leads in the first `used` slots, if all that wait were shuffled."""
        return np.count_nonzero(self.arm[:used] == arm) / waiting


@dataclass(frozen=True)
class Entries:
    """Places in handing-out order: equally long columns."""

    place: Int64Array
    source: Int8Array
    arm: Int64Array
    """Whose order brought it here; -1 for callbacks and leads drawn alike."""
    turn: Int64Array
    """The place in that order."""
    slot: Int64Array
    """Callbacks have none, -1; leads whose slot was given to others stand behind all slots."""


@dataclass(frozen=True)
class Turns:
    """The slots of a queue before any is turned over: equally long columns."""

    place: Int64Array
    arm: Int64Array
    turn: Int64Array
    """The place in the arm's order."""


@dataclass(frozen=True)
class Ordered:
    """An arm's leads in its order."""

    place: Int64Array
    waiting: int
    """How many might have been called, due callbacks aside."""
    phi: Float64Array
    """Utilities of those drawn by score; empty where an order or chance alone decided, and so are keys."""
    keys: Float64Array
    """Largest first."""
    shuffled: bool = False
    """Whether all that wait had the same chance to be first."""


@dataclass(frozen=True)
class RankedQueue:
    """Entries in handing-out order, with spares behind for claims that fail."""

    entries: Entries
    kin: Int64Array
    """The stock of a source that is behind to which each entry drawn alike belongs, 0 none."""
    arms: tuple[Ordered, ...]
    """By number."""
    slots: Slots

    @property
    def place(self) -> Int64Array:
        """Of each entry."""
        return self.entries.place

    @property
    def source(self) -> Int8Array:
        """Of each entry."""
        return self.entries.source

    def kappas(self, used: int) -> dict[int, float]:
        """By arm that drew by score: the key of its first lead not among the first `used` entries; -inf where
        all are. Arms that none of these stems from are left out: nobody of theirs could have been drawn.
        """
        found = dict[int, float]()
        arm, turn = self.entries.arm[:used], self.entries.turn[:used]
        for number in np.unique(arm[arm >= 0]).tolist():
            keys, behind = self.arms[number].keys, int(turn[arm == number].max()) + 1
            if keys.size:
                found[number] = float(keys[behind]) if behind < keys.size else -np.inf
        return found

    def propensity(self, used: int, taken: Int64Array) -> Float64Array:
        """The chance of each entry `taken`, where the first `used` entries were won or lost."""
        arm, turn = self.entries.arm[taken], self.entries.turn[taken]
        alike, found = self.source[taken] == Source.EXPLORE, np.ones(turn.size)
        filled = int(self.entries.slot[:used].max(initial=-1)) + 1
        for number, kappa in self.kappas(used).items():
            mine = arm == number
            found[mine] = chance(self.arms[number].phi[turn[mine]], kappa)
        for number, one in enumerate(self.arms):
            if one.shuffled:
                found[arm == number] = self.slots.of_shuffled(filled, number, max(one.waiting, 1))
        found[alike] = self.slots.drawn_alike(filled, self.kin[taken[alike]])
        return found


def rank(field: Field, n: int, policy: Policy, account: Account, rng: Generator) -> RankedQueue:
    """Order up to `n` leads and as many spares; `account`: what the campaign's calls were spent on so far."""
    due, waiting = field.due(), [field.waiting(number) for number in range(len(policy.arms))]
    slots = min(max(2 * (n - due.size), 0), sum(waiting))
    arms = tuple(
        _ordered(field, number, arm, (policy.asked(max(n, 1), number), slots, waiting[number]), rng)
        for number, arm in enumerate(policy.arms)
    )
    drawn = _taking_turns(field, arms, policy, account, slots)
    late = _behind(field, policy, account, n)
    most, ranked = sum(waiting[number] for number in policy.drawn), policy.ranked
    stock = _stocks(ranked[drawn.arm], most, late, policy, rng)
    stocks = Slots(stock, sizes=np.array([most, *late.size]), arm=drawn.arm)
    queue = _in_line(due, drawn, ranked, _alike(field, stocks, late, rng))
    return RankedQueue(queue, _kin(field, queue, late), arms, stocks)


def _ordered(field: Field, number: int, arm: Arm, sizes: tuple[int, int, int], rng: Generator) -> Ordered:
    """An arm's order. `sizes`: leads asked of it, slots, leads that wait. Without scores nothing is drawn."""
    n, slots, waiting = sizes
    nothing = np.empty(0)
    if arm.order == BY_SCORE and field.scored:
        pool = field.first(number, POOL * n)
        phi = phi_of(arm, field.index_of(pool), n)
        drawn, keys = shuffled(phi, rng)
        return Ordered(pool[drawn], waiting, phi[drawn], keys)
    if arm.order == RANDOM:
        some = field.numbered(number, rng.permutation(waiting)[:slots])
        return Ordered(some, waiting, nothing, nothing, shuffled=True)
    return Ordered(field.first(number, slots), waiting, nothing, nothing)


def phi_of(arm: Arm, index: Float64Array, n: int) -> Float64Array:
    """The utilities of an arm's pool, best first, of which `n` are asked."""
    if arm.timing:
        return relative(index, n, arm.temperature)
    return utility(index, arm.temperature)


def _taking_turns(
    field: Field, arms: Sequence[Ordered], policy: Policy, account: Account, slots: int
) -> Turns:
    """The arms' leads in the slots that are theirs."""
    places = [one.place for one in arms]
    seconds, shares = [field.seconds_of(one) for one in places], [arm.share for arm in policy.arms]
    arm, turn = turns(seconds, shares, account.spent, slots).T
    return Turns(np.concatenate(places)[starts_of(places)[arm] + turn], arm, turn)


def _behind(field: Field, policy: Policy, account: Account, n: int) -> Stocks:
    """The sources that had less than their floor; where there is none, nobody is asked."""
    if not (policy.fairness_floor and account.dials):
        return NOBODY
    return behind(policy.fairness_floor, account, *field.untried(), n)


def _stocks(ours: BoolArray, waiting: int, late: Stocks, policy: Policy, rng: Generator) -> Int64Array:
    """`Slots.stock`: a `uniform` share of `ours`, the model's slots, and what sources that are behind get."""
    stock = np.full(ours.size, -1)
    alike = np.flatnonzero(ours & (rng.random(ours.size) < policy.uniform))
    stock[alike[:waiting]] = 0
    if len(late):
        left = np.flatnonzero(ours & (stock < 0))
        given = allotted(late, rng.random(left.size))
        stock[left[given >= 0]] = 1 + given[given >= 0]
    return stock


def _alike(field: Field, slots: Slots, late: Stocks, rng: Generator) -> Int64Array:
    """By slot the lead drawn alike for it, -1 where it isn't turned over."""
    place = np.full(slots.stock.size, -1)
    for stock, size in enumerate(slots.sizes.tolist()):
        mine = np.flatnonzero(slots.stock == stock)
        if mine.size:
            numbers = rng.choice(size, mine.size, replace=False)
            of_source = (int(late.origin[stock - 1]), numbers) if stock else None
            place[mine] = field.untried_of(*of_source) if of_source else field.numbered(RANKED_ARMS, numbers)
    return place


def _in_line(due: Int64Array, drawn: Turns, ranked: BoolArray, alike: Int64Array) -> Entries:
    """Due callbacks, the slots, and who stood in slots that were turned over."""
    most = due.size + 2 * alike.size
    out, seen = np.empty((5, most), np.int64), np.full(2 * most + 1, -1)
    found = line_up(due, drawn.place, drawn.arm, drawn.turn, ranked, alike, seen, out)
    place, source, arm, turn, slot = out[:, :found]
    return Entries(place, source.astype(np.int8), arm, turn, slot)


def _kin(field: Field, queue: Entries, late: Stocks) -> Int64Array:
    kin = np.zeros(queue.place.size, np.int64)
    if len(late):
        alike = np.flatnonzero(queue.source == Source.EXPLORE)
        same = field.origin_of(queue.place[alike])[:, None] == late.origin
        kin[alike] = np.where(same.any(axis=1), 1 + same.argmax(axis=1), 0)
    return kin


@kernel
def line_up(
    due: Int64Array,
    place: Int64Array,
    arm: Int64Array,
    turn: Int64Array,
    ranked: BoolArray,
    alike: Int64Array,
    seen: Int64Array,
    out: Int64Array,
) -> int:
    """Fill the columns of `out` as `Entries` has them, each lead where it is first; return how many.

    By slot `place`, `arm` and `turn` of who stands there, and who was drawn `alike` instead, -1 nobody;
    `ranked`: by arm whether the model ranks it; `seen`: -1 throughout, with more room than there are entries.
    """
    found = 0
    for i in range(due.size):
        found = enter(due[i], Source.CALLBACK, -1, -1, -1, found, seen, out)
    for slot in range(alike.size):
        if alike[slot] >= 0:
            found = enter(alike[slot], Source.EXPLORE, -1, -1, slot, found, seen, out)
        else:
            source = Source.RANKED if ranked[arm[slot]] else Source.HOLDOUT
            found = enter(place[slot], source, arm[slot], turn[slot], slot, found, seen, out)
    for slot in range(alike.size):
        if alike[slot] >= 0:
            found = enter(place[slot], Source.RANKED, arm[slot], turn[slot], alike.size, found, seen, out)
    return found


@part
def enter(
    place: int, source: int, arm: int, turn: int, slot: int, found: int, seen: Int64Array, out: Int64Array
) -> int:
    """Write an entry behind the others, unless its lead was `seen` before; return how many there are."""
    at = place % seen.size
    while seen[at] >= 0:
        if seen[at] == place:
            return found
        at = (at + 1) % seen.size
    seen[at] = place
    out[0, found], out[1, found], out[2, found], out[3, found], out[4, found] = place, source, arm, turn, slot
    return found + 1
