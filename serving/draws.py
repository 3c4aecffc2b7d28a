"""Draws: all that a queue was told while it was ranked, kept so that it can be ranked again, bit by bit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from features.kernel import Float64Array, Int64Array

from .packed import packed, unpacked
from .ranking.arms import MODEL
from .ranking.exploration import generator
from .ranking.fairness import Account
from .ranking.policy import Policy
from .ranking.queue import RANKED_ARMS, Field, RankedQueue, phi_of, rank
from .rows import union

Told = Mapping[str, Any]

INDEX = "index"
"""Kept besides, by what the model ranked, where that is another number than the score."""

COLUMNS = ("lead", "score", "p_answer", "p_convert", "worth", "seconds", "features")
"""Kept of a lead that a queue looked at: its database key, expected value per second, what that is made of,
and the print of the features that the model saw (`scores.prints`)."""


Pair = tuple[Int64Array, Int64Array]

_NO_PAIR: Pair = np.empty(0, np.int64), np.empty(0, np.int64)


@dataclass
class Witness:
    """Passes a queue's questions on to a field, and remembers the answers; itself a `ranking.queue.Field`."""

    asked: Field
    waits: dict[int, int] = field(default_factory=dict)
    dues: Int64Array = field(default_factory=lambda: np.empty(0, np.int64))
    firsts: dict[int, Int64Array] = field(default_factory=dict)
    numbers: dict[int, Pair] = field(default_factory=dict)
    stocks: Pair = _NO_PAIR
    untrieds: dict[int, Pair] = field(default_factory=dict)
    origins: Pair = _NO_PAIR

    @property
    def scored(self) -> bool:
        """See `Field`; so are all the others."""
        return self.asked.scored

    def waiting(self, arm: int) -> int:
        return self.waits.setdefault(arm, self.asked.waiting(arm))

    def due(self) -> Int64Array:
        self.dues = self.asked.due()
        return self.dues

    def first(self, arm: int, most: int) -> Int64Array:
        self.firsts[arm] = self.asked.first(arm, most)
        return self.firsts[arm]

    def numbered(self, arm: int, numbers: Int64Array) -> Int64Array:
        self.numbers[arm] = numbers, self.asked.numbered(arm, numbers)
        return self.numbers[arm][1]

    def untried(self) -> Pair:
        self.stocks = self.asked.untried()
        return self.stocks

    def untried_of(self, origin: int, numbers: Int64Array) -> Int64Array:
        self.untrieds[origin] = numbers, self.asked.untried_of(origin, numbers)
        return self.untrieds[origin][1]

    def origin_of(self, places: Int64Array) -> Int64Array:
        self.origins = places, self.asked.origin_of(places)
        return self.origins[1]

    def index_of(self, places: Int64Array) -> Float64Array:
        return self.asked.index_of(places)

    def seconds_of(self, places: Int64Array) -> Float64Array:
        return self.asked.seconds_of(places)

    def testimony(self, describe: Callable[[Int64Array], Told]) -> dict[str, object]:
        """All of it; `describe` gives the COLUMNS of leads by their places."""
        numbered = [places for of in (self.numbers, self.untrieds) for _, places in of.values()]
        listed = [self.dues, *self.firsts.values(), *numbered, self.origins[0]]
        places = union(listed)
        parts = iter([places.searchsorted(one) for one in listed])
        return {
            "scored": self.scored,
            "waiting": list(self.waits.items()),
            "due": next(parts),
            "first": [(arm, next(parts)) for arm in self.firsts],
            "numbered": [(arm, numbers, next(parts)) for arm, (numbers, _) in self.numbers.items()],
            "untried": self.stocks,
            "untried_of": [(origin, numbers, next(parts)) for origin, (numbers, _) in self.untrieds.items()],
            "origins": (next(parts), self.origins[1]),
            "leads": describe(places),
        }


class Record:
    """A witness's testimony as a `ranking.queue.Field` again: a place is a position in its list of leads."""

    def __init__(self, told: Told) -> None:
        self.scored: bool = told["scored"]
        self.leads: Told = told["leads"]
        self._waiting = dict(told["waiting"])
        self._due = _whole(told["due"])
        self._first = {arm: _whole(places) for arm, places in told["first"]}
        self._numbered = _by_number(told["numbered"])
        self._numbered.setdefault(
            RANKED_ARMS, self._numbered.get(MODEL, {})
        )  # so it stood before experiments
        self._untried = told.get("untried", _NO_PAIR)
        self._untried_of = _by_number(told.get("untried_of", ()))
        self._origin = dict(zip(*told.get("origins", _NO_PAIR), strict=True))

    def waiting(self, arm: int) -> int:
        return int(self._waiting[arm])

    def due(self) -> Int64Array:
        return self._due

    def first(self, arm: int, most: int) -> Int64Array:
        return self._first[arm][:most]

    def numbered(self, arm: int, numbers: Int64Array) -> Int64Array:
        return _whole([self._numbered[arm][number] for number in numbers.tolist()])

    def untried(self) -> Pair:
        origin, size = self._untried
        return _whole(origin), _whole(size)

    def untried_of(self, origin: int, numbers: Int64Array) -> Int64Array:
        return _whole([self._untried_of[origin][number] for number in numbers.tolist()])

    def origin_of(self, places: Int64Array) -> Int64Array:
        return _whole([self._origin[place] for place in places.tolist()])

    def index_of(self, places: Int64Array) -> Float64Array:
        return self._column("index" if "index" in self.leads else "score")[places]

    def seconds_of(self, places: Int64Array) -> Float64Array:
        return self._column("seconds")[places]

    def _column(self, name: str) -> Float64Array:
        return np.array(self.leads[name], np.float64)


@dataclass(frozen=True)
class Turn:
    """One round of a poll: how many leads it wanted, how many entries it tried and which of them it won."""

    wanted: int
    tried: int
    won: Sequence[int]
    told: Told


def written(policy: Policy, account: Account, turns: Sequence[Turn]) -> bytes:
    """A poll's draw in bytes: its numbers come back bit by bit."""
    said = {"policy": asdict(policy), **vars(account), "turns": [vars(turn) for turn in turns]}
    return packed(said)


@dataclass(frozen=True)
class Pool:
    """The leads that one arm drew from in one round of a poll: equally long columns."""

    lead: Int64Array
    """Database keys."""
    score: Float64Array
    chance: Float64Array
    """That a dial sells, as the model expects: an answer, and a sale given one."""
    worth: Float64Array
    """Of a sale."""
    seconds: Float64Array
    """Of the dial."""
    phi: Float64Array
    """The utilities that the draw was made with."""
    won: slice
    """The leads of any arm and source that the round won, among those of the poll in their order."""


def pools(record: bytes) -> list[Pool]:
    """What the model drew from, in each round by arm; nothing where no draw was by score."""
    said, found, begins = unpacked(record), list[Pool](), 0
    policy = Policy.read(said["policy"])
    for turn in (Turn(**one) for one in said["turns"]):
        won, kept = slice(begins, begins + len(turn.won)), Record(turn.told)
        asked = dict(turn.told["first"]) if kept.scored else {}
        for arm in policy.drawn:
            if arm in asked:
                places = _whole(asked[arm])
                n = policy.asked(max(turn.wanted, 1), arm)
                phi = phi_of(policy.arms[arm], kept.index_of(places), n)
                found.append(_pool(kept, places, phi, won))
        begins = won.stop
    return found


def _pool(kept: Record, places: Int64Array, phi: Float64Array, won: slice) -> Pool:
    def column(name: str) -> Float64Array:
        return np.array(kept.leads[name], np.float64)[places]

    return Pool(
        lead=_whole(kept.leads["lead"])[places],
        score=column("score"),
        chance=column("p_answer") * column("p_convert"),
        worth=column("worth"),
        seconds=column("seconds"),
        phi=phi,
        won=won,
    )


@dataclass(frozen=True)
class Replayed:
    """A poll ranked again from its record: equally long columns over the leads handed out, in their order."""

    lead: Int64Array
    """Database keys."""
    propensity: Float64Array
    pool: tuple[Told, ...]
    """The leads that each round looked at."""
    drawn: tuple[Told, ...]
    """By round and arm that drew by score: its temperature and kappa, the key of its first lead not tried."""


def replay(record: bytes, key: str) -> Replayed:
    """Rank a poll again, under the name that seeds its generator (`campaign|key`)."""
    said = unpacked(record)
    policy, rng = Policy.read(said["policy"]), generator(key)
    firsts = tuple((origin, firsts) for origin, firsts in said.get("firsts", ()))
    account = Account(tuple(said["spent"]), said.get("dials", 0), firsts)
    leads, chances = list[Int64Array](), list[Float64Array]()
    pools, drawn = list[Told](), list[Told]()
    for turn in (Turn(**one) for one in said["turns"]):
        kept = Record(turn.told)
        queue = rank(kept, turn.wanted, policy, account, rng)
        lead, chance = _outcome(queue, kept, turn)
        leads.append(lead)
        chances.append(chance)
        pools.append(kept.leads)
        drawn += [
            {"arm": policy.arms[arm].name, "temperature": policy.arms[arm].temperature, "kappa": kappa}
            for arm, kappa in queue.kappas(turn.tried).items()
        ]
    return Replayed(np.concatenate(leads), np.concatenate(chances), tuple(pools), tuple(drawn))


def _outcome(queue: RankedQueue, kept: Record, turn: Turn) -> tuple[Int64Array, Float64Array]:
    won = _whole(turn.won)
    return _whole(kept.leads["lead"])[queue.place[won]], queue.propensity(turn.tried, won)


def _by_number(told: Sequence[tuple[int, Sequence[int], Sequence[int]]]) -> dict[int, dict[int, int]]:
    return {of: dict(zip(numbers, places, strict=True)) for of, numbers, places in told}


def _whole(numbers: Sequence[int]) -> Int64Array:
    return np.array(numbers, np.int64)
