"""Herald: sees what others are to be told of, writes it to the outbox once, and sends what is due."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from features import Moments, Past, compute
from features.attempts import Conversions
from features.instants import DAY, HOUR, SECOND, render
from features.kernel import BoolArray, Int64Array
from features.store.engine import reading, transaction
from features.store.outbox import HOT, LATE, PROMOTED, SHORT, tell, told
from features.store.reads import Stretch, read_conversions
from features.store.webhooks import wanted_kinds
from training.bundle import Bundle

from .desk import Desk
from .goals import UNLIKELY, Goals, chance, elapsed, hottest, late, period_of, sold_leads
from .leases import takes_turn
from .post import Sender
from .ranking.queue import Candidates
from .scores import FRESH
from .webhooks import Round, deliver

OLDEST = 7 * DAY
"""No lead is hot that was received longer ago."""
TURN = 8 * SECOND
"""One worker's turn to look lasts so long; the others leave it alone."""
ASKED_EVERY = HOUR
"""How often a campaign's sales are counted."""

Event = tuple[str, str, dict[str, object]]
"""Kind, key (of the same kind none is told twice) and payload."""


@dataclass
class Herald:
    """Looks at a desk's floor; what was told stays told whoever looks next."""

    desk: Desk
    send: Sender
    _told: set[tuple[str, str]] = field(default_factory=set)
    """What this worker wrote or found written."""
    _counted_at: dict[str, int] = field(default_factory=dict)
    _version: str | None = None

    def attend(self, at: int) -> Round:
        """Look, then send: all that is due by `at`."""
        self.look(at)
        return self.deliver(at)

    def takes_the_turn(self, at: int) -> bool:
        """Whether this worker, and no other, looks this time."""
        with transaction(self.desk.engine) as connection:
            now = self.desk.clock(connection, at)
            return takes_turn(connection, "herald", now + TURN, now)

    def look(self, at: int) -> None:
        """Write what is new to the outbox; what nobody subscribed to isn't looked for."""
        self._note_champion(at)
        kinds = self._wanted()
        if not kinds & {HOT, LATE, SHORT}:
            return
        with self.desk.lock:
            self.desk.follow(at)
            campaigns = dict(self.desk.ledger.campaigns)
        for campaign, settings in campaigns.items():
            with self.desk.lock:
                found = list(self._events(kinds, campaign, Goals.of(settings), at))
            self._write(found, at)

    def deliver(self, at: int) -> Round:
        """Send what is due to whom."""
        if not self._wanted():
            return Round()
        return deliver(self.desk.engine, self.send, self.desk.clock, at)

    def _wanted(self) -> frozenset[str]:
        with reading(self.desk.engine) as connection:
            return wanted_kinds(connection)

    def _note_champion(self, at: int) -> None:
        """A champion other than the last one told of is news, whoever subscribes: changes count from it."""
        version = self.desk.models.version
        if version is None or version == self._version:
            return
        with transaction(self.desk.engine) as connection:
            before = told(connection, PROMOTED, 0)
            last = before[-1] if before else None
            was = last.payload["bundle"] if last else None
            if was != version and self._still_serves(version):
                tell(
                    connection,
                    PROMOTED,
                    f"{last.id if last else 0}|{version}",
                    at,
                    {"bundle": version, "before": was},
                )
        self._version = version

    def _still_serves(self, version: str) -> bool:
        """Whether the registry says so now: another worker may know of a newer champion than this one did."""
        found = self.desk.models.found() or self.desk.models.champion()
        return found is not None and found.version == version

    def _events(self, kinds: frozenset[str], campaign: str, goals: Goals, at: int) -> Iterator[Event]:
        asks_for_leads = HOT in kinds or (LATE in kinds and goals.response is not None)
        if asks_for_leads:
            free = self.desk.candidates(campaign, at)
            if HOT in kinds:
                yield from self._hot(campaign, free, at)
            if LATE in kinds and goals.response is not None:
                yield from self._late(campaign, free, goals.response, at)
        if SHORT in kinds and goals.target is not None:
            yield from self._short(campaign, goals, goals.target, at)

    def _hot(self, campaign: str, free: Candidates, at: int) -> Iterator[Event]:
        """Leads in an old order are never told: they would be called out of the order they are there for."""
        ranked = self.desk.plan(campaign, at).policy.drawn
        wanted = hottest(free.score) & (free.attempts == 0) & np.isin(free.arm, ranked)
        wanted &= free.created_at > at - OLDEST
        new = [place for place in np.flatnonzero(wanted).tolist() if not self._knows(HOT, free, place)]
        bundle = self.desk.models.champion()
        if bundle is None or not new:
            return
        young = keeps_half(self.desk.ledger.past(), bundle, free.row[new], at)
        for place in compress(new, young):
            told = {"score": round(float(free.score[place]) * 3600, 4), "model_version": bundle.version}
            yield self._of_lead(HOT, campaign, free, place, told)

    def _late(self, campaign: str, free: Candidates, goal: int, at: int) -> Iterator[Event]:
        for place in np.flatnonzero(late(free.created_at, free.attempts, goal, at)).tolist():
            if not self._knows(LATE, free, place):
                due = int(free.created_at[place]) + goal
                told = {"response_goal_s": goal // SECOND, "due_at": render(due)}
                yield self._of_lead(LATE, campaign, free, place, told)

    def _short(self, campaign: str, goals: Goals, target: int, at: int) -> Iterator[Event]:
        """Once a local day, and counted once an hour."""
        since, until = period_of(goals.period, goals.zone, at)
        if at - self._counted_at.get(campaign, -ASKED_EVERY) < ASKED_EVERY:
            return
        self._counted_at[campaign] = at
        sold = self._sold(campaign, goals, since, at)
        hope = chance(sold, target, elapsed(goals.hours, goals.zone, since, at, until))
        if hope < UNLIKELY:
            day = render(period_of("day", goals.zone, at)[0])
            told = {"campaign": campaign, "goal": goals.goal, "target": target, "sold": sold}
            span = {"period": goals.period, "from": render(since), "to": render(until)}
            yield SHORT, f"{campaign}|{day}", {**told, **span, "chance": round(hope, 4)}

    def _sold(self, campaign: str, goals: Goals, since: int, at: int) -> int:
        """Sales of the period so far, as `goals.sold_leads` counts them."""
        book, calls = self.desk.ledger.leads, self.desk.ledger.calls.columns
        mine = (calls["campaign"] == book.code("campaign", campaign)) & calls["converted"].astype(np.bool_)
        called = calls["lead"][mine & (calls["started_at"] >= since)]
        with reading(self.desk.engine) as connection:
            said = read_conversions(connection, Stretch(since, at, at, campaign))
        lead = np.array(
            [book.row_of_key(key) if book.knows(key) else -1 for key in said.lead.tolist()], np.int64
        )
        ours = (said.goal.codes == _code(said, goals.goal)) & (lead >= 0)
        recorded = lead[ours & said.ours & (said.at >= since) & (said.at <= at)]
        return int(sold_leads(called, recorded, lead[ours & said.cancelled], goals.confirmation).size)

    def _of_lead(
        self, kind: str, campaign: str, free: Candidates, place: int, more: dict[str, object]
    ) -> Event:
        name = self.desk.ledger.leads.ids[free.row[place]]
        received = render(int(free.created_at[place]))
        return kind, name, {"campaign": campaign, "lead_id": name, "received_at": received, **more}

    def _knows(self, kind: str, free: Candidates, place: int) -> bool:
        return (kind, self.desk.ledger.leads.ids[free.row[place]]) in self._told

    def _write(self, found: list[Event], at: int) -> None:
        new = [event for event in found if event[:2] not in self._told]
        if not new:
            return
        with transaction(self.desk.engine) as connection:
            for kind, key, payload in new:
                tell(connection, kind, key, at, payload)
        self._told.update((kind, key) for kind, key, _ in new)


def keeps_half(past: Past, bundle: Bundle, rows: Int64Array, at: int) -> BoolArray:
    """Which leads are younger than their half-life: still worth more than half of what they were at receipt.

    Without a head that knows how worth fades, the youngest.
    """
    created = past.leads.created_at[rows]
    if "decay" not in bundle.models:
        return np.asarray(created > at - FRESH, np.bool_)
    then = np.concatenate([created, np.full(rows.size, at)])
    asked = Moments(np.tile(rows, 2), np.full(2 * rows.size, -1), then)
    said = bundle.predict(compute(past, asked, bundle.features), threads=1)["decay"]
    return np.asarray(said[rows.size :] > said[: rows.size] / 2, np.bool_)


def _code(said: Conversions, goal: str) -> int:
    return said.goal.levels.index(goal) if goal in said.goal.levels else -2
