"""The handing-out: leases won in the queue's order, each a decision on record, all in one transaction."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, func, insert, select

from features.instants import SECOND
from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import LeadTable
from features.served import ServedVector
from features.store.bulk import insert_rows
from features.store.lead_book import LeadBook
from features.store.lookup import among
from features.store.served_vectors import write_served
from features.store.tables import batch, decision, draw, lead

from . import leases
from .draws import Told, Turn, written
from .leases import Claim
from .ranking.fairness import Account
from .ranking.policy import Policy
from .ranking.queue import RankedQueue
from .ranking.reasons import Reason
from .week_ahead import Window


@dataclass(frozen=True)
class Item:
    """One lead handed out, as the contract names its fields; instants in microseconds, NaN where unknown."""

    lease_id: str
    decision_id: str
    lead_id: str
    phone: str
    rank: int
    score: float
    """Expected value per agent-hour."""
    p_answer: float
    p_convert: float
    handle_s: float
    source: str
    attempt_no: int
    timezone: str
    callable_until: int
    agent_id: str | None
    reasons: tuple[Reason, ...]
    best_window: Window | None
    """None without evidence that one hour is better for the lead than another."""
    attributes: dict[str, float | str]
    arm: str
    propensity: float
    row: int
    """The lead's row in the ledger."""


@dataclass(frozen=True)
class Batch:
    """The answer to one poll."""

    batch_id: str
    campaign: str
    snapshot_id: str
    model_version: str | None
    ranked_at: int
    degraded: bool
    items: tuple[Item, ...]
    withheld: dict[str, int]
    next_poll_after_s: int
    expires_at: int


@dataclass(frozen=True)
class Seal:
    """What else goes on record in the transaction of a batch: at its begin, which may refuse, and its end."""

    begin: Callable[[Connection], None]
    end: Callable[[Connection, Batch], None]


@dataclass(frozen=True)
class Order:
    """What a dialer asks for in one poll; empty filters let every lead through."""

    n: int
    lease_seconds: int = 120
    dialer_id: str = "dialer"
    agents_ready: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Poll:
    """One poll of a dialer: what it asks of which campaign, when; `key` names it and seeds its draw."""

    campaign: str
    order: Order
    key: str
    at: int

    @property
    def batch_id(self) -> str:
        """The same for the same poll."""
        named = f"{self.campaign}|{self.order.dialer_id}|{self.key}"
        return hashlib.blake2b(named.encode(), digest_size=10).hexdigest()


@dataclass(frozen=True)
class Offered:
    """A queue, the row in the ledger of each of its entries, and what it was ranked from."""

    queue: RankedQueue
    rows: Int64Array
    told: Told


@dataclass(frozen=True)
class Round:
    """One attempt to fill a poll: whom the queue offered, which entries were won, and with what chance."""

    queue: RankedQueue
    rows: Int64Array
    """The row in the ledger of each of the queue's entries."""
    first: int
    """How many entries earlier rounds of the poll had tried."""
    entries: Int64Array
    """The entries won, in order."""
    chances: Float64Array
    tried: int
    wanted: int
    told: Told
    """What the queue was ranked from."""

    @property
    def lost(self) -> Int64Array:
        """Rows of the leads that turned out to be in other hands."""
        return np.setdiff1d(self.rows[: self.tried], self.rows[self.entries])

    def keep(self, kept: BoolArray) -> "Round":
        """The round with some of what was won; the rest counts as lost."""
        return replace(self, entries=self.entries[kept], chances=self.chances[kept])

    def name(self, poll: Poll, kind: str, i: int) -> str:
        """The id of the i-th entry's lease (`l`) or decision (`d`)."""
        return _name(poll, kind, self.first + int(self.entries[i]))


def win(
    connection: Connection,
    book: LeadBook,
    offered: Offered,
    poll: Poll,
    now: int,
    *,
    n: int,
    first: int,
) -> Round:
    """Claim the queue's leads in its order until `n` are won or none is left; a number counts once.

    `now` is the instant that leases compare with: the database's clock in normal running.
    """
    rows, until = offered.rows, now + poll.order.lease_seconds * SECOND
    won: list[int] = []
    tried, numbers = 0, set[str]()
    while len(won) < n and tried < rows.size:
        chunk = range(tried, min(tried + n - len(won), rows.size))
        claims: dict[int, Claim] = {}
        for entry in chunk:
            number = book.phones.word(book.columns["phone"][rows[entry]])
            if number not in numbers:
                key = int(book.columns["key"][rows[entry]])
                claims[entry] = Claim(_name(poll, "l", first + entry), key, number)
                numbers.add(number)
        held = leases.claim(connection, list(claims.values()), poll.order.dialer_id, until, now)
        won += [entry for entry, claimed in claims.items() if claimed.lease_id in held]
        tried = chunk.stop
    entries = np.array(won, np.int64)
    chances = offered.queue.propensity(tried, entries)
    return Round(offered.queue, rows, first, entries, chances, tried, n, offered.told)


def record(
    connection: Connection,
    given: Batch,
    poll: Poll,
    rounds: Sequence[Round],
    policy: Policy,
    account: Account,
    book: LeadBook,
    served: Callable[[int], ServedVector | None],
) -> None:
    """Write a batch, its draw so that it can be weighed and drawn again, its decisions, what the model saw.

    `served` gives the vector of a lead by its row, None outside the sample.
    """
    connection.execute(
        insert(batch).values(
            batch_id=given.batch_id, campaign=poll.campaign, dialer_id=poll.order.dialer_id, at=poll.at,
            n=poll.order.n, key_text=poll.key, **_drawn(rounds[-1], policy),
            model_version=given.model_version, snapshot_id=given.snapshot_id, degraded=given.degraded,
            withheld=given.withheld, rules=[],
        )
    )  # fmt: skip
    turns = [Turn(one.wanted, one.tried, one.entries.tolist(), one.told) for one in rounds]
    drawn = written(policy, account, turns)
    connection.execute(insert(draw).values(batch_id=given.batch_id, at=poll.at, told=drawn))
    if given.items:
        insert_rows(connection, decision, [_decision(item, given, book) for item in given.items])
        vectors = {item.decision_id: served(item.row) for item in given.items}
        write_served(connection, {of: seen for of, seen in vectors.items() if seen is not None})


def _drawn(last: Round, policy: Policy) -> dict[str, float | None]:
    """What is told of a draw beside its record; no one temperature or kappa where several arms drew."""
    kappas = last.queue.kappas(last.tried)
    numbers = list(kappas or policy.drawn)
    arms, alone = [last.queue.arms[number] for number in numbers], len(numbers) == 1
    return {
        "pool": sum(arm.keys.size for arm in arms),
        "free": sum(arm.waiting for arm in arms),
        "kappa": _finite(kappas.get(numbers[0], -np.inf)) if alone else None,
        "temperature": policy.arms[numbers[0]].temperature if alone else None,
    }


def batches_at(connection: Connection, campaign: str, at: int) -> int:
    """How many batches a campaign gave at an instant."""
    same = (batch.c.campaign == campaign) & (batch.c.at == at)
    return connection.execute(select(func.count()).where(same)).scalar_one()


def numbers_of(connection: Connection, keys: Sequence[int]) -> dict[int, str]:
    """The numbers to dial, by the leads' database keys."""
    found = connection.execute(select(lead.c.id, lead.c.phones).where(among(connection, lead.c.id, keys)))
    return {key: phones[0]["e164"] for key, phones in found if phones}


def attributes_of(leads: LeadTable, row: int) -> dict[str, float | str]:
    """The latest value of each attribute of a lead; what is known to be missing is left out."""
    latest: dict[str, float | str] = {}
    for name, history in leads.attributes.items():
        last = int(history.starts[row + 1]) - 1
        if last < history.starts[row]:
            continue
        code = int(history.code[last])
        if code >= 0:
            latest[name] = history.levels[code]
        elif not np.isnan(history.number[last]):
            latest[name] = float(history.number[last])
    return latest


def _name(poll: Poll, kind: str, entry: int) -> str:
    return f"{poll.batch_id}-{kind}{entry}"


def _decision(item: Item, given: Batch, book: LeadBook) -> dict[str, object]:
    return {
        "decision_id": item.decision_id,
        "batch_id": given.batch_id,
        "lease_id": item.lease_id,
        "campaign": given.campaign,
        "lead": int(book.columns["key"][item.row]),
        "phone_hash": book.phones.word(book.columns["phone"][item.row]),
        "agent": item.agent_id,
        "at": given.ranked_at,
        "arm": item.arm,
        "source": item.source,
        "model_version": given.model_version,
        "rank": item.rank,
        "score": _finite(item.score),
        "propensity": _finite(item.propensity),
        "p_answer": _finite(item.p_answer),
        "p_convert": _finite(item.p_convert),
        "handle_s": _finite(item.handle_s),
        "attempt_no": item.attempt_no,
        "reasons": [reason.on_record for reason in item.reasons] or None,
    }


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
