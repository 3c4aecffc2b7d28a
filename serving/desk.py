"""The desk: one request, top to bottom: follow the store, forbid, score, rank, claim, record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from sqlalchemy import Connection, Engine

from features.instants import SECOND, render
from features.kernel import Int64Array
from features.served import ServedVector
from features.store.bulk import Inserts, insert_all
from features.store.engine import database_clock, glance, has_one_writer, reading, transaction
from features.store.ledger import latest_change
from features.store.served_vectors import write_meanings
from training.bundle import Bundle

from . import leases
from .abandons import Nearness, shrunk
from .draws import Witness
from .fair_lock import FairLock
from .handout import (
    Batch,
    Item,
    Offered,
    Order,
    Poll,
    Round,
    Seal,
    batches_at,
    meant_by,
    record_of,
    win,
)
from .hands import Hands
from .items import Draft, Known, attributes_of, items_of
from .leases import Ack, AckResult
from .lineup import Lineup, Terms
from .memory import Memory
from .models import Models
from .partners import with_agents
from .plan import Plan
from .ranking.exploration import generator
from .ranking.fairness import Account
from .ranking.queue import Candidates, rank
from .remarks import Remarked, Remarks
from .retraining import Trainer
from .rule import Caps
from .scores import ScoreSheet
from .standing import Standing
from .subjects import allowed, has_number
from .switchbacks import in_force
from .verdicts import allowed_until, judge_all
from .view import View, passing

MOST_ROUNDS = 8
"""How often one poll tries anew when other workers hold the leads that it wanted."""

LOST_FOR = 60 * SECOND
"""A lead found in other hands is not asked for again within this time."""

NOTHING_ELSE = Seal()
"""Goes on record with a batch."""

NOTHING_TOLD: Mapping[str, object] = {}
"""The settings of a campaign that nobody named yet."""


@dataclass
class Desk:
    """One worker's view of the floor."""

    engine: Engine
    models: Models
    trainer: Trainer
    salt: bytes
    by_database: bool = False
    """Whether leases compare with the database's clock; otherwise requests say the time."""
    memory: Memory = field(default_factory=Memory.empty)
    """What it knows; by default nothing yet."""
    hands: Hands = field(default_factory=Hands)
    """What it hears of leads that other workers hold; by default nothing."""
    lock: FairLock = field(default_factory=FairLock)
    patience: int = 0
    """A request overtaken by one later by up to this is answered as of then: its clock was read before."""
    at_once: bool = True
    """Whether a new champion serves at once; otherwise it scores everybody before, behind the requests."""

    def __post_init__(self) -> None:
        self.ledger, self.roster = self.memory.ledger, self.memory.roster
        self.sheet, self.lineups = self.memory.sheet, self.memory.lineups
        self.roster.salt = self.salt
        self.remarks = Remarks(self.sheet)
        self.heir: ScoreSheet | None = None
        """The scores of a champion who doesn't serve yet."""
        self.swept_at = 0
        """When old draws were last forgotten."""
        self._knows_leases, self._latest = False, 0
        self._planned: tuple[Mapping[str, object], int, Plan] = {}, 0, Plan()
        """The settings that were last asked for, at which instant, and what they say."""
        self._meant = set[str]()
        """The fingerprints whose meaning is known to be on record."""

    def clock(self, connection: Connection, at: int) -> int:
        """The instant that leases compare with, for a request made at `at`."""
        return database_clock(connection) if self.by_database else at

    def follow(self, at: int) -> int:
        """Read what the store learned since the last request, at first open leases too.

        Returns the instant as of which a request made at `at` is answered.
        """
        with glance(self.engine) as connection:
            return self._arrive(connection, at)[0]

    def _arrive(self, connection: Connection, at: int) -> tuple[int, int]:
        """Follow the store, whose clock is read along with the question whether it has news.

        Returns as of when the request is answered, and the instant that leases compare with: one of before
        they are claimed, so that none is taken early.
        """
        latest, now = latest_change(connection)
        if latest != self.ledger.seq or not self._knows_leases:
            with reading(self.engine) as whole:
                self.ledger.follow(whole)
                self._take_over()
                if not self._knows_leases:
                    self.roster.restore(leases.open_leases(whole, at), at)
                    self._knows_leases = True
        self.roster.hear(self.hands.heard())
        at = self._as_of(at)
        return at, now if self.by_database else at

    def _as_of(self, at: int) -> int:
        """One that another overtook is answered as of the other: windows are never moved back for it."""
        overtaken = at < self._latest <= at + self.patience
        self._latest = self._latest if overtaken else at
        return self._latest

    def _take_over(self) -> None:
        """Let the roster learn what the ledger did; what changed is scored anew."""
        touched = self.roster.follow()
        for sheet in (self.sheet, self.heir):
            if sheet is not None:
                sheet.reserve(len(self.ledger.leads))
                sheet.forget(touched)

    def plan(self, campaign: str, at: int) -> Plan:
        """The campaign's plan at an instant; one that nobody named yet has the defaults."""
        told = self.ledger.campaigns.get(campaign, NOTHING_TOLD)
        settings, asked_at, found = self._planned
        if settings is not told or asked_at != at:
            found = Plan.of(in_force(told, self.salt, at), at)
            self._planned = told, at, found
        return found

    def lease(
        self, campaign: str, order: Order, key: str, at: int, seal: Seal = NOTHING_ELSE, origin: str = ""
    ) -> Batch:
        """Hand out the best leads of a campaign to one dialer, each a decision on record.

        `key` names the poll and seeds its draw: equal keys on equal states give equal queues. An empty one is
        replaced by the instant and the number of batches given at it. Of one `key` polls of other origins are
        others, though they draw alike.
        """
        with self._taking() as taken, ExitStack() as ending:
            if not key or has_one_writer(self.engine):  # the next poll's name needs this one's record
                ending.enter_context(self.lock)
            with self.lock:
                if not self._knows_leases or has_one_writer(self.engine):
                    self._prepare(campaign, at)
                connection = ending.enter_context(transaction(self.engine))
                at, now = self._arrive(connection, at)
                poll = Poll(campaign, order, key or self._next_key(campaign, at), at, origin)
                lineup, book = self.lineup(campaign, at), self.ledger.leads
                with passing(lineup, book, order) as view:
                    self._score(view)
                    given, told = self._hand_out(connection, poll, view, now, seal, taken)
                self.roster.hold([item.row for item in given.items], at, given.expires_at)
            seal.end(connection, given)
            insert_all(connection, told, last=True, meanwhile=partial(seal.meanwhile, given))
        self._meant |= meant_by(told)
        return given

    @contextmanager
    def _taking(self) -> Iterator[list[int]]:
        """Rows of leads that a poll says it takes: taken back if it ends in an error, at other workers too.

        Where its record arrived all the same, the lease table knows better.
        """
        taken = list[int]()
        try:
            yield taken
        except BaseException:
            if taken:
                with self.lock:
                    self.roster.hold(taken, 0, 0)
                    self._tell(np.array(taken, np.int64), 0, 0)
            raise

    def _prepare(self, campaign: str, at: int) -> None:
        """Learn, judge and score what a poll needs outside its transaction: others may wait for that one."""
        self._score(View(self.lineup(campaign, self.follow(at))))

    def look_again(self, campaign: str, at: int) -> None:
        """Judge anew whom a poll took, behind its answer: the next one finds it done, unless it waits."""
        if not self.lock.taken:
            with self.lock:
                if at >= self._latest:
                    self.lineup(campaign, at)

    def acknowledge(self, acks: Sequence[Ack], at: int) -> list[AckResult]:
        """Apply what a dialer says of its leases, each on its own."""
        with self.lock:
            at = self.follow(at)
            may_dial = partial(allowed, self.roster, lambda name: self.plan(name, at).caps, at=at)
            with transaction(self.engine) as connection:
                now = self.clock(connection, at)
                results = leases.acknowledge(connection, acks, now, self._min_gap(at), may_dial)
            self._extend({
                self.ledger.leads.row_of_key(result.lead): result.until
                for result in results
                if result.until is not None and self.ledger.leads.knows(result.lead)
            })  # fmt: skip
        return results

    def _extend(self, until: Mapping[int, int]) -> None:
        """Remember until when leads are withheld, by row, and tell the other workers."""
        for row, end in until.items():
            self.roster.extend(row, end)
        rows = np.array(list(until), np.int64)
        self._tell(rows, self.roster.held_since(rows), np.array(list(until.values()), np.int64))

    def _tell(self, rows: Int64Array, since: Int64Array | int, until: Int64Array | int) -> None:
        self.hands.tell(self.ledger.leads.columns["key"][rows], since, until)

    def _min_gap(self, at: int) -> Callable[[str], int]:
        """A campaign's least time between two dials."""
        return lambda campaign: self.plan(campaign, at).caps.min_gap

    def lineup(self, campaign: str, at: int) -> Lineup:
        """The campaign's leads as they stand at an instant; its lock must be held."""
        at, news = self._as_of(at), self.roster.take_news()
        for one in self.lineups.values():
            one.hear(news)
        code = self.ledger.leads.code("campaign", campaign)
        terms = Terms(code, self.plan(campaign, at), self.models.champion())
        found = self.lineups.get(campaign)
        if found is None or not found.holds(terms, at):
            found = self.lineups[campaign] = Lineup(self.roster, self.sheet, terms, at)
        found.follow(at)
        return found

    def candidates(self, campaign: str, at: int) -> Candidates:
        """The leads that may be called, scored."""
        lineup = self.lineup(campaign, at)
        view = View(lineup)
        self._score(view)
        return view.candidates()

    def succeed(self, champion: Bundle, sheet: ScoreSheet) -> None:
        """Let a champion serve who scored whoever may be called; the desk's lock must be held."""
        self.models.take(champion)
        self.sheet, self.heir, self.remarks = sheet, None, Remarks(sheet)
        for one in self.lineups.values():
            one.turn_to(champion, sheet)
        self.memory = replace(self.memory, sheet=sheet)

    def _score(self, view: View) -> None:
        """See that nobody who may be called lacks a score that serves."""
        slots = view.unscored()
        if slots.size:
            view.lineup.score(slots, self.ledger.past(), self.ledger.seq)
            view.follow(slots)

    def remark(self, rows: Int64Array, plan: Plan, at: int) -> tuple[Standing, Remarked]:
        """How some leads of a campaign stand, and what is said of each; the lock must be held."""
        standing = self.roster.standing(rows, plan.caps, at)
        return standing, self.remarks.of(self.models, self.ledger.past(), rows, standing, at)

    def account(self, campaign: str, at: int) -> Account:
        """What the campaign's calls of late were spent on."""
        code = self.ledger.leads.code("campaign", campaign)
        return self.roster.account(code, self.plan(campaign, at).policy, at)

    def abandoned(self, lineup: Lineup, at: int) -> tuple[Nearness, ...]:
        """How near the campaign is to its cap on abandoned calls."""
        return self.roster.abandoned(lineup.terms.campaign, lineup.terms.plan.abandon_cap, at)

    def _paced(self, poll: Poll, view: View) -> int:
        """How many leads a poll gets: fewer near the cap on abandoned calls."""
        slowest = min((one.pace for one in self.abandoned(view.lineup, poll.at)), default=1.0)
        return shrunk(poll.order.n, view.due().size, slowest)

    def _next_key(self, campaign: str, at: int) -> str:
        with reading(self.engine) as connection:
            return f"{render(at)}#{batches_at(connection, campaign, at)}"

    def _hand_out(
        self, connection: Connection, poll: Poll, view: View, now: int, seal: Seal, taken: list[int]
    ) -> tuple[Batch, Inserts]:
        """Win leases in the queue's order; what is to go on record of them. `taken` gets whom it asks for."""
        policy, withheld = view.lineup.terms.plan.policy, view.withheld()
        n = self._paced(poll, view)
        withheld["abandon_cap"] = max(min(poll.order.n, view.free()) - n, 0)
        account = self.account(poll.campaign, poll.at)
        seal.begin(connection)
        rounds, won = list[Round](), list[Item]()
        for one, known in self._rounds(connection, poll, view, account, now, n, taken):
            rounds.append(one)
            won += items_of(poll, view, one, known, self.ledger.leads.ids, first_rank=len(won) + 1)
        view.lineup.learn_price(np.concatenate([one.ranked for one in rounds]), poll.at)
        items = with_agents(connection, tuple(won), poll, self.ledger, view.lineup.terms)
        given = Batch(
            batch_id=poll.batch_id,
            campaign=poll.campaign,
            snapshot_id=str(self.ledger.seq),
            model_version=self.sheet.version or self.models.version,
            ranked_at=poll.at,
            degraded=self.models.degraded,
            items=items,
            withheld=withheld,
            next_poll_after_s=view.next_poll(len(items)),
            expires_at=poll.until(now),
            leads=view.leads,
        )
        served = self._served(connection, given)
        return given, record_of(given, poll, rounds, policy, account, self.ledger.leads, served)

    def _served(self, connection: Connection, given: Batch) -> dict[int, ServedVector]:
        """What the model saw of the batch's leads that are in the sample; what it means is on record."""
        rows = np.array([item.row for item in given.items], np.int64)
        found = self.sheet.served(self.ledger.past(), rows)
        sets = {one.fingerprint: one.features for one in found.values()}
        if not sets.keys() <= self._meant:
            write_meanings(connection, sets)
        return found

    def _rounds(
        self,
        connection: Connection,
        poll: Poll,
        view: View,
        account: Account,
        now: int,
        n: int,
        taken: list[int],
    ) -> Iterator[tuple[Round, Known]]:
        """Rank and claim until the poll is filled; leads lost to other workers make room for others."""
        terms, book = view.lineup.terms, self.ledger.leads
        rng = generator(f"{poll.campaign}|{poll.key}")
        missing, first, known = n, 0, self.ledger.seq
        for _ in range(MOST_ROUNDS):
            witness = Witness(view)
            with self.hands.turn():
                view.put_aside_rows(self.roster.hear(self.hands.heard()))
                queue = rank(witness, missing, terms.plan.policy, account, rng)
                rows = view.rows(queue.place)
                self._tell(rows[:missing], poll.at, poll.until(now))
            taken += rows[:missing].tolist()
            offered = Offered(queue, rows, partial(witness.testimony, view.lineup.described))
            draft = Draft(partial(self._known, terms.plan, poll.at), rows[:missing])
            found = win(connection, book, offered, poll, now, n=missing, first=first, meanwhile=draft.make)
            if found.claims and found.gained.seq != self.ledger.seq:
                self._read_on()
            if self.ledger.seq > known:
                found = self._still_allowed(connection, poll, terms.plan.caps, found, now)
                draft.forget()
            yield found, draft.of(found.rows[found.entries])
            missing, first = missing - found.entries.size, first + found.tried
            if not missing or not found.lost.size:
                return
            self.roster.hold(found.lost, poll.at, poll.at + LOST_FOR)
            view.put_aside(queue.place[: found.tried])

    def _read_on(self) -> None:
        """Learn what was stored since the request began; the lineup stays as it is."""
        with reading(self.engine) as connection:
            if self.ledger.follow(connection):
                self._take_over()

    def _still_allowed(self, connection: Connection, poll: Poll, caps: Caps, found: Round, now: int) -> Round:
        """What was won, less whom the rules forbid or who has another number by news that came meanwhile."""
        rows, leads = found.rows[found.entries], self.ledger.leads
        forbidden = judge_all(self.roster.standing(rows, caps, poll.at), caps, poll.at).forbidden
        for i in np.flatnonzero(~forbidden).tolist():
            forbidden[i] = not has_number(leads, int(rows[i]), found.claims[i].phone_hash)
        leases.give_back(connection, [found.claims[i] for i in np.flatnonzero(forbidden).tolist()], now)
        return found.keep(~forbidden)

    def _known(self, plan: Plan, at: int, rows: Int64Array) -> Known:
        """What dialers are told of some leads."""
        standing, remarks = self.remark(rows, plan, at)
        until, leads = allowed_until(standing, plan.caps, at), self.ledger.past().leads
        return Known(rows, standing, until, remarks, self.sheet.of(rows), attributes_of(leads, rows))
