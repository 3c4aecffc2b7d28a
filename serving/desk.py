"""The desk: one request, top to bottom: follow the store, forbid, score, rank, claim, record."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection, Engine

from features.instants import NEVER, SECOND
from features.kernel import Float64Array, Int8Array, Int64Array
from features.store.engine import reading, transaction
from features.store.ledger import Ledger

from . import leases
from .handout import Batch, Item, Order, Poll, Won, attributes_of, numbers_of, record, win
from .leases import Ack, AckResult
from .models import Models
from .plan import Plan
from .ranking.arms import ARMS, HOLDOUT, MODEL, in_holdout, places
from .ranking.exploration import generator
from .ranking.queue import Candidates, RankedQueue, Source, rank
from .ranking.value import value_per_second
from .roster import Roster
from .rule import callback_due
from .rules.hours import open_until
from .scores import ScoreSheet
from .standing import Standing
from .verdicts import Verdicts, judge_all

USUAL_SECONDS = 60.0
"""What a dial is taken to cost while no model says better."""


@dataclass(frozen=True)
class Floor:
    """A campaign's leads at an instant: their rows in the ledger, how they stand, what the rules say."""

    rows: Int64Array
    standing: Standing
    verdicts: Verdicts


@dataclass
class Desk:
    """One worker's view of the floor; `clock` gives the instant that leases compare with."""

    engine: Engine
    models: Models
    salt: bytes
    clock: Callable[[Connection, int], int] = lambda _connection, at: at
    ledger: Ledger = field(default_factory=Ledger)
    sheet: ScoreSheet = field(default_factory=ScoreSheet.empty)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.roster = Roster(self.ledger)
        self._places = np.empty(0)

    def follow(self, at: int) -> None:
        """Read what the store learned since the last request; at first everything, open leases too."""
        first = self.ledger.seq == 0
        with reading(self.engine) as connection:
            self.ledger.follow(connection)
            self.roster.follow()
            if first:
                self.roster.restore(leases.open_leases(connection, at), at)
        new = places(self.salt, "holdout", self.ledger.leads.ids[self._places.size :])
        self._places = np.concatenate([self._places, new])
        self.sheet.reserve(len(self.ledger.leads))
        self.sheet.forget(self.ledger.take_touched())

    def plan(self, campaign: str) -> Plan:
        """The campaign's plan; one that nobody named yet has the defaults."""
        return Plan.of(self.ledger.campaigns.get(campaign, {}))

    def lease(self, campaign: str, order: Order, key: str, at: int) -> Batch:
        """Hand out the best leads of a campaign to one dialer, each a decision on record.

        `key` names the poll and seeds its draw: equal keys on equal states give equal queues.
        """
        poll = Poll(campaign, order, key, at)
        with self.lock:
            self.follow(at)
            plan = self.plan(campaign)
            floor = self.floor(campaign, at, order)
            candidates = self._candidates(floor, plan, at)
            spent = self.roster.spent(self.ledger.leads.code("campaign", campaign), self._arms(plan), at)
            queue = rank(candidates, order.n, plan.policy, spent, generator(f"{campaign}|{key}"))
            given = self._hand_out(poll, plan, floor, candidates, queue)
            self.roster.hold([item.row for item in given.items], at, given.expires_at)
        return given

    def acknowledge(self, acks: Sequence[Ack], at: int) -> list[AckResult]:
        """Apply what a dialer says of its leases, each on its own."""
        with self.lock, transaction(self.engine) as connection:
            now = self.clock(connection, at)
            results = [leases.acknowledge(connection, ack, now, self._min_gap) for ack in acks]
        for result in results:
            if result.until is not None and self.ledger.leads.knows(result.lead):
                self.roster.extend(self.ledger.leads.row_of_key(result.lead), result.until)
        return results

    def floor(self, campaign: str, at: int, order: Order | None = None) -> Floor:
        """The campaign's leads that pass the order's filters, with the verdict on each."""
        book = self.ledger.leads
        mine = (book.columns["campaign"] == book.code("campaign", campaign)) & ~book.columns["erased"]
        if order is not None:
            for name, words in (
                ("channel", order.channels),
                ("region", order.regions),
                ("list", order.lists),
            ):
                if words:
                    mine &= np.isin(book.columns[name], [book.code(name, word) for word in words])
            mine[[row for row in map(book.row, order.exclude) if row is not None]] = False
        rows = np.flatnonzero(mine)
        caps = self.plan(campaign).caps
        standing = self.roster.standing(rows, caps, at)
        return Floor(rows, standing, judge_all(standing, caps, at))

    def _candidates(self, floor: Floor, plan: Plan, at: int) -> Candidates:
        """The leads that no rule forbids, scored."""
        free = ~floor.verdicts.forbidden
        rows, standing = floor.rows[free], floor.standing.take(free)
        score, seconds = self._score(rows, at)
        return Candidates(
            row=rows,
            arm=self._arms(plan)[rows],
            score=score,
            seconds=seconds,
            callback_at=np.where(callback_due(standing, at), standing.callback_at, NEVER),
            created_at=standing.created_at,
            attempts=standing.attempts,
            last_call_at=standing.last_call_at,
        )

    def _score(self, rows: Int64Array, at: int) -> tuple[Float64Array, Float64Array]:
        """Expected value per second and seconds of each lead's dial; NaN and a guess while there is no model."""
        bundle = self.models.champion()
        if bundle is None:
            return np.full(rows.size, np.nan), np.full(rows.size, USUAL_SECONDS)
        past = self.ledger.past()
        self.sheet.refresh(past, bundle, rows, at)
        value = past.leads.value[rows]
        known = value[~np.isnan(value)]
        worth = np.where(np.isnan(value), known.mean() if known.size else 1.0, value)
        seconds = self.sheet.seconds[rows]
        return value_per_second(
            self.sheet.p_answer[rows], self.sheet.p_convert[rows], worth, seconds
        ), seconds

    def _arms(self, plan: Plan) -> Int8Array:
        """Every lead's arm, by its row in the ledger."""
        return np.where(in_holdout(self._places, plan.policy.holdout), HOLDOUT, MODEL).astype(np.int8)

    def _min_gap(self, campaign: str) -> int:
        return self.plan(campaign).caps.min_gap

    def _hand_out(
        self, poll: Poll, plan: Plan, floor: Floor, candidates: Candidates, queue: RankedQueue
    ) -> Batch:
        """Win leases in the queue's order and put batch and decisions on record, in one transaction."""
        with transaction(self.engine) as connection:
            now = self.clock(connection, poll.at)
            won = win(connection, self.ledger.leads, candidates.row[queue.place], queue, poll, now)
            items = self._items(connection, poll, candidates, queue, won)
            given = Batch(
                batch_id=poll.batch_id,
                campaign=poll.campaign,
                snapshot_id=str(self.ledger.seq),
                model_version=self.models.version,
                ranked_at=poll.at,
                degraded=self.models.degraded,
                items=items,
                withheld=floor.verdicts.withheld,
                next_poll_after_s=_next_poll(floor.verdicts, len(items), poll.at),
                expires_at=won.expires_at,
            )
            record(connection, given, poll, won, queue, plan.policy.temperature, self.ledger.leads)
        return given

    def _items(
        self, connection: Connection, poll: Poll, candidates: Candidates, queue: RankedQueue, won: Won
    ) -> tuple[Item, ...]:
        book, past = self.ledger.leads, self.ledger.past()
        place = queue.place[won.entries]
        rows = candidates.row[place]
        keys = book.columns["key"][rows].tolist()
        standing = self.roster.standing(rows, self.plan(poll.campaign).caps, poll.at)
        closes = open_until(standing, poll.at)
        numbers = numbers_of(connection, keys)
        reasons = self.models.reasons(past, rows, poll.at)
        return tuple(
            Item(
                lease_id=won.lease_id(poll, i),
                decision_id=f"{poll.batch_id}-d{entry}",
                lead_id=book.ids[row],
                phone=numbers[key],
                rank=i + 1,
                score=float(candidates.score[place[i]]) * 3600,
                p_answer=float(self.sheet.p_answer[row]),
                p_convert=float(self.sheet.p_convert[row]),
                handle_s=float(candidates.seconds[place[i]]),
                source=Source(queue.source[entry]).name.lower(),
                attempt_no=int(standing.attempts[i]) + 1,
                timezone=standing.zones[standing.zone[i]][0],
                callable_until=int(closes[i]),
                agent_id=None,
                reasons=reasons[i],
                attributes=attributes_of(past.leads, int(row)),
                arm=ARMS[candidates.arm[place[i]]],
                propensity=float(won.chances[i]),
                row=int(row),
            )
            for i, (entry, row, key) in enumerate(zip(won.entries, rows, keys, strict=True))
        )


def _next_poll(verdicts: Verdicts, given: int, at: int) -> int:
    """Seconds until another poll may find more: soon, or when the next lead frees up after an empty one."""
    frees_up = int(verdicts.until[verdicts.until > at].min(initial=NEVER))
    if given or frees_up == NEVER:
        return 5 if given else 300
    return int(np.clip((frees_up - at) // SECOND, 5, 300))
