"""The handing-out: leases won in the queue's order, each a decision on record, all in one transaction."""

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import NamedTuple

import numpy as np
import orjson
from sqlalchemy import Connection, func, select

from features.instants import SECOND
from features.kernel import BoolArray, Float64Array, Int64Array
from features.served import ServedVector
from features.store.bulk import Inserts
from features.store.lead_book import LeadBook
from features.store.served_vectors import served_rows
from features.store.tables import batch, decision, draw, served_vector
from features.store.trips import nothing

from . import leases
from .draws import Told, Turn, written
from .leases import Claim, Won
from .ranking.fairness import Account
from .ranking.policy import Policy
from .ranking.queue import RankedQueue, Source
from .ranking.reasons import Reasons
from .week_ahead import Window


class Item(NamedTuple):
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
    reasons: Reasons
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
    leads: int = 0
    """How many the campaign has: none where its name was never told."""


@dataclass(frozen=True)
class Seal:
    """What else goes on record in the transaction of a batch: at its begin, which may refuse, and its end."""

    begin: Callable[[Connection], None] = nothing
    end: Callable[[Connection, Batch], None] = nothing
    meanwhile: Callable[[Batch], None] = nothing
    """Done while the record is under way: what it makes of the batch counts only if that arrives."""


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
    origin: str = ""
    """Whose key it is, where others may use the same one."""

    def until(self, now: int) -> int:
        """Until when leases won at an instant hold."""
        return now + self.order.lease_seconds * SECOND

    @cached_property
    def batch_id(self) -> str:
        """The same for the same poll."""
        whose = f"|{self.origin}" if self.origin else ""
        named = f"{self.campaign}|{self.order.dialer_id}|{self.key}{whose}"
        return hashlib.blake2b(named.encode(), digest_size=10).hexdigest()


@dataclass(frozen=True)
class Offered:
    """A queue, the row in the ledger of each of its entries, and who tells what it was ranked from."""

    queue: RankedQueue
    rows: Int64Array
    testify: Callable[[], Told]


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
    claims: tuple[Claim, ...]
    """What each of them won."""
    chances: Float64Array
    tried: int
    wanted: int
    told: Told
    """What the queue was ranked from."""
    gained: Won
    """What else its claims brought."""

    @property
    def numbers(self) -> list[str]:
        """To dial, of each entry won; empty where the lead has none any more."""
        return [self.gained.numbers.get(claimed.lead, "") for claimed in self.claims]

    @property
    def lost(self) -> Int64Array:
        """Rows of the leads that turned out to be in other hands."""
        return np.setdiff1d(self.rows[: self.tried], self.rows[self.entries])

    def decision_id(self, poll: Poll, i: int) -> str:
        """Names the decision of the i-th entry won."""
        return f"{poll.batch_id}-d{self.first + int(self.entries[i])}"

    @property
    def ranked(self) -> Int64Array:
        """Places of those won whom the model ranked, in order."""
        won = self.entries[self.queue.source[self.entries] == Source.RANKED]
        return np.asarray(self.queue.place[won], np.int64)

    def keep(self, kept: BoolArray) -> "Round":
        """The round with some of what was won; the rest counts as lost."""
        chosen = kept.tolist()
        return replace(
            self,
            entries=self.entries[kept],
            claims=tuple(compress(self.claims, chosen)),
            chances=self.chances[kept],
        )


def win(
    connection: Connection,
    book: LeadBook,
    offered: Offered,
    poll: Poll,
    now: int,
    *,
    n: int,
    first: int,
    meanwhile: Callable[[], None] = nothing,
) -> Round:
    """Claim the queue's leads in its order until `n` are won or none is left; a number counts once.

    `now` is the instant that leases compare with: the database's clock in normal running. `meanwhile` is
    done while the first claim is under way.
    """
    rows, until = offered.rows, poll.until(now)
    keys, phones = book.columns["key"][rows].tolist(), book.columns["phone"][rows].tolist()
    hashes = book.phones.words(phones)
    won, found, tried, asked = dict[int, Claim](), list[Won](), 0, set[int]()
    testimony = list[Told]()

    def beside() -> None:
        testimony.append(offered.testify())
        meanwhile()

    while len(won) < n and tried < rows.size:
        chunk = range(tried, min(tried + n - len(won), rows.size))
        claims: dict[int, Claim] = {}
        for entry in chunk:
            if phones[entry] not in asked:
                claims[entry] = Claim(f"{poll.batch_id}-l{first + entry}", keys[entry], hashes[entry])
                asked.add(phones[entry])
        told, again = (poll.order.dialer_id, until, now), first + tried > 0
        found.append(leases.claim(connection, [*claims.values()], *told, again, beside))
        won |= {entry: one for entry, one in claims.items() if one.lease_id in found[-1].lease_ids}
        tried = chunk.stop
    if not testimony:
        beside()
    entries = np.array(list(won), np.int64)
    chances = offered.queue.propensity(tried, entries)
    gained, held = Won.of_all(found), tuple(won.values())
    return Round(offered.queue, rows, first, entries, held, chances, tried, n, testimony[0], gained)


def record_of(
    given: Batch,
    poll: Poll,
    rounds: Sequence[Round],
    policy: Policy,
    account: Account,
    book: LeadBook,
    served: Mapping[int, ServedVector],
) -> Inserts:
    """A batch, its draw so that it can be weighed and drawn again, its decisions, what the model saw.

    `served` has the vectors of the leads in the sample, by their rows.
    """
    turns = [Turn(one.wanted, one.tried, one.entries.tolist(), one.told) for one in rounds]
    drawn = {"batch_id": given.batch_id, "at": poll.at, "told": written(policy, account, turns)}
    seen = {item.decision_id: served[item.row] for item in given.items if item.row in served}
    return {
        batch: [_batch(given, poll, rounds, policy)],
        draw: [drawn],
        served_vector: served_rows(seen),
        decision: _decisions(given, book),
    }


def meant_by(record: Inserts) -> set[str]:
    """The fingerprints of the features whose values are on record with it."""
    return {str(row["fingerprint"]) for row in record[served_vector]}


def _batch(given: Batch, poll: Poll, rounds: Sequence[Round], policy: Policy) -> dict[str, object]:
    return {
        "batch_id": given.batch_id, "campaign": poll.campaign, "dialer_id": poll.order.dialer_id,
        "at": poll.at, "n": poll.order.n, "key_text": poll.key, **_drawn(rounds[-1], policy),
        "model_version": given.model_version, "snapshot_id": given.snapshot_id,
        "degraded": given.degraded, "withheld": given.withheld, "rules": [policy.side] if policy.side else [],
        "reasons": _reasons_of(given.items),
        "ran_out": [ended for one in rounds for ended in one.gained.ran_out] or None,
    }  # fmt: skip


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


def _reasons_of(items: Sequence[Item]) -> bytes:
    return zlib.compress(b"[%s]" % b",".join(item.reasons.on_record for item in items), level=1)


def reasons_on_record(batch_reasons: bytes | None, rank: int) -> list[dict[str, object]]:
    """A decision's reasons out of what its batch keeps of all of them; `rank` counts from 1."""
    kept = orjson.loads(zlib.decompress(batch_reasons)) if batch_reasons else []
    return kept[rank - 1] if rank <= len(kept) else []


def batches_at(connection: Connection, campaign: str, at: int) -> int:
    """How many batches a campaign gave at an instant."""
    same = (batch.c.campaign == campaign) & (batch.c.at == at)
    return connection.execute(select(func.count()).where(same)).scalar_one()


def _decisions(given: Batch, book: LeadBook) -> list[dict[str, object]]:
    """Rows of the decision table; NaN becomes null on its way."""
    rows = [item.row for item in given.items]
    keys, phones = (book.columns[name][rows].tolist() for name in ("key", "phone"))
    return [
        {
            "decision_id": item.decision_id,
            "batch_id": given.batch_id,
            "lease_id": item.lease_id,
            "campaign": given.campaign,
            "lead": key,
            "phone_hash": phone,
            "agent": item.agent_id,
            "at": given.ranked_at,
            "arm": item.arm,
            "source": item.source,
            "model_version": given.model_version,
            "rank": item.rank,
            "score": item.score,
            "propensity": item.propensity,
            "p_answer": item.p_answer,
            "p_convert": item.p_convert,
            "handle_s": item.handle_s,
            "attempt_no": item.attempt_no,
        }
        for item, key, phone in zip(given.items, keys, book.phones.words(phones), strict=True)
    ]


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
