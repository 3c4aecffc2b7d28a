"""The orders to compare, in this process: from chance to the one that knows the truth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from ..instants import HOUR
from ..kernel import Float64Array, Int64Array
from .arrivals import stream
from .floor import Call, Fact, Floor, Offer
from .parameters import SEGMENTS, WorldParameters
from .truth import know_all, know_coefficients, money_per_second, skill_of

CALLBACK, RANKED, EXPLORE = "callback", "ranked", "explore"
_BEST_HOURS = (10, 11, 16, 17)
_ORDER_STREAM = 1 << 43

Keys = Callable[[Floor, Int64Array, int, Sequence[int]], Float64Array]
"""(floor, eligible leads, at, agents on shift) -> a key per lead: the highest is called first."""


@dataclass
class Order:
    """A queue ruled by one key; due callbacks come first, equal keys put the newest lead first."""

    floor: Floor
    keys: Keys
    uniform: float = 0.0
    """Share of slots given to leads drawn uniformly."""
    rng: Generator = field(default_factory=lambda: stream(0, _ORDER_STREAM))

    def leads(self, n: int, at: int, agents: Sequence[int]) -> list[Offer]:
        """At most `n` eligible leads, best first."""
        eligible = self.floor.eligible(at)
        promised = self.floor.ledger.callback_at[eligible]
        due = promised < np.iinfo(np.int64).max
        first = eligible[due][np.argsort(promised[due], kind="stable")][:n].tolist()
        rest = eligible[~due]
        ranked = best_first(rest, self.keys(self.floor, rest, at, agents), n - len(first)).tolist()
        offers = [Offer(lead, source=CALLBACK) for lead in first]
        return offers + self._mix(ranked, rest)

    def _mix(self, ranked: list[int], pool: Int64Array) -> list[Offer]:
        """Replace a share of the slots by leads drawn uniformly from the pool; nobody twice."""
        if self.uniform == 0 or not ranked:
            return [Offer(lead, source=RANKED) for lead in ranked]
        drawn = iter(pool[self.rng.choice(pool.size, len(ranked), replace=False)].tolist())
        coins = self.rng.random(len(ranked)) < self.uniform
        best, seen, offers = iter(ranked), set[int](), []
        for explore in coins.tolist():
            lead = next((lead for lead in (drawn if explore else best) if lead not in seen), None)
            if lead is not None:
                seen.add(lead)
                offers.append(Offer(lead, source=EXPLORE if explore else RANKED))
        return offers

    def arrive(self, leads: Int64Array, at: int) -> None:
        """Nothing to do: the floor itself is read."""

    def report(self, calls: Sequence[Call], at: int) -> None:
        """Nothing to do: the floor itself is read."""

    def settle(self, facts: Sequence[Fact], at: int) -> None:
        """Nothing to do: no order here looks at sales."""

    def release(self, offers: Sequence[Offer], at: int) -> None:
        """Nothing to do: nothing is leased."""

    def take(self, offer: Offer, at: int) -> bool:
        """The floor's own gate is enough."""
        return True


def best_first(leads: Int64Array, keys: Float64Array, n: int) -> Int64Array:
    """The `n` leads of the highest keys, highest first, equal keys newest first."""
    n = min(n, leads.size)
    if n <= 0:
        return leads[:0]
    if n < leads.size:
        threshold = np.partition(keys, keys.size - n)[keys.size - n]
        above = np.flatnonzero(keys > threshold)
        level = np.flatnonzero(keys == threshold)[-(n - above.size) :]
        kept = np.concatenate([above, level])
        leads, keys = leads[kept], keys[kept]
    return leads[np.lexsort((-leads, -keys))]


def _fifo(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    return -leads.astype(np.float64)


def _newest(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    return leads.astype(np.float64)


def _fewest_attempts(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    return -floor.ledger.attempts[leads].astype(np.float64)


def _last_call_newest(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    return floor.ledger.last_attempt[leads].astype(np.float64)


def _last_call_oldest(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    return -floor.ledger.last_attempt[leads].astype(np.float64)


def _static_score(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    """What was known at arrival: the channel and x."""
    parameters = floor.world.parameters
    of_channel = np.array([channel.convert for channel in parameters.channels])
    score = of_channel[floor.world.leads.channel[leads]]
    return np.asarray(score + parameters.need_convert * floor.world.leads.need_hat[leads])


def _best_hour(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    """In 10-12 and 16-18 local time the newest, after them the least called."""
    hour = ((at - floor.world.start + floor.ledger.zone[leads]) // HOUR) % 24
    return np.where(np.isin(hour, _BEST_HOURS), 1.0 + leads, -floor.ledger.attempts[leads].astype(np.float64))


def _feature_index(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    """r / s with the true coefficients, from what can be observed."""
    chances = np.empty((leads.size, 2))
    ledger = floor.ledger
    help_ = _help(floor, at, agents)
    know_coefficients(
        floor.truth, leads, ledger.attempts, ledger.last_attempt, ledger.callback_at, help_, at, chances
    )
    return _money(floor, leads, chances)


def _oracle(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    """r / s with the true chances; it doesn't know the coins."""
    chances = np.empty((leads.size, 2))
    ledger = floor.ledger
    help_ = _help(floor, at, agents)
    know_all(floor.truth, leads, ledger.attempts, ledger.last_attempt, ledger.callback_at, help_, at, chances)
    return _money(floor, leads, chances)


def _oracle_sales(floor: Floor, leads: Int64Array, at: int, agents: Sequence[int]) -> Float64Array:
    """The oracle that counts sales, not their value."""
    chances, out, ledger = np.empty((leads.size, 2)), np.empty(leads.size), floor.ledger
    help_ = _help(floor, at, agents)
    know_all(floor.truth, leads, ledger.attempts, ledger.last_attempt, ledger.callback_at, help_, at, chances)
    money_per_second(chances, np.ones(leads.size), *expected_seconds(floor.world.parameters), out)
    return out


def _help(floor: Floor, at: int, agents: Sequence[int]) -> Float64Array:
    """What the crew on shift and the scripts in use add to a sale's logit, on average, by segment."""
    truth, dice = floor.truth, floor.dice
    day = (at - floor.world.start) // (24 * HOUR)
    scripts = truth.scripts[dice.script_table[day, : dice.script_count[day]]].mean(axis=0)
    crew = [
        np.mean([skill_of(truth, agent, s, int(floor.conversations[agent])) for agent in agents])
        for s in range(len(SEGMENTS))
    ]
    return np.asarray(scripts + np.array(crew))


def _money(floor: Floor, leads: Int64Array, chances: Float64Array) -> Float64Array:
    out = np.empty(leads.size)
    money_per_second(chances, floor.world.leads.value[leads], *expected_seconds(floor.world.parameters), out)
    return out


def expected_seconds(parameters: WorldParameters) -> tuple[float, float, float, float]:
    """Mean seconds of an agent: dead number, no answer, talk without and with a sale (wrap included)."""
    p = parameters
    lost_s = p.voicemail * (p.voicemail_s + p.machine_missed * p.machine_missed_s)
    talk_s = p.hang_up * p.hang_up_s + (1 - p.hang_up) * np.exp(p.talk[0] + p.talk[1] ** 2 / 2)
    sale_s = np.exp(p.sale_talk[0] + p.sale_talk[1] ** 2 / 2)
    return p.dead_s, sum(p.ring_s) / 2 + lost_s, float(talk_s) + p.wrap_s, float(sale_s) + p.sale_wrap_s


_KEYS: dict[str, Keys] = {
    "fifo": _fifo,
    "newest": _newest,
    "fewest_attempts": _fewest_attempts,
    "last_call_newest": _last_call_newest,
    "last_call_oldest": _last_call_oldest,
    "static_score": _static_score,
    "best_hour": _best_hour,
    "feature_index": _feature_index,
    "oracle": _oracle,
    "oracle_sales": _oracle_sales,
}
ORDERS = ("random", *_KEYS)


def order(name: str, floor: Floor) -> Order:
    """The order of that name on this floor; `KeyError` for an unknown name."""
    rng = stream(floor.world.seed, _ORDER_STREAM)
    if name == "random":
        return Order(floor, lambda f, leads, at, agents: rng.random(leads.size))
    return Order(floor, _KEYS[name])


def bootstrap(floor: Floor, uniform: float = 0.10) -> Order:
    """Newest first, with a share of the slots drawn uniformly: the floor before any model."""
    return Order(floor, _newest, uniform, stream(floor.world.seed, _ORDER_STREAM + 1))
