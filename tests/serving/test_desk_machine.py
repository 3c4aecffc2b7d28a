"""Two workers on one store through any sequence of polls, words, calls, stops and restarts."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, select

from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND, parse, render
from features.store.engine import reading
from features.store.tables import decision, event, quarantine
from serving.desk import Desk
from serving.handout import Batch, Item, Order
from serving.leases import Ack
from serving.rule import Caps
from tests.conftest import empty
from tests.features.store.tellings import a_lead, an_event

from .desks import OPEN, a_desk, a_dial, a_stop, poll, remember, restarted, tell, tell_leads
from .rules.reference import TWINS, Person
from .twin import assert_agrees

NUMBERS = [f"+1212555010{n}" for n in range(4)]
CAPS = Caps()
RECEIVED = OPEN - 4 * HOUR
OUTCOMES = ["no_answer", "busy", "contact_refused", "converted", "do_not_call"]
CLOSES = {"contact_refused": "unworkable", "converted": "converted"}
UNTIL = {"dialing": 4 * HOUR, "extend": 120 * SECOND, "dialed": CAPS.min_gap, "released": 0, "rejected": 0}


@dataclass
class Holder:
    """A lease on one resource, as the twin keeps it."""

    lease_id: str
    until: int
    called: bool = False


@dataclass
class Known:
    """What was told of one lead."""

    phone: str
    calls: list[tuple[int, str]] = field(default_factory=list)
    callbacks: list[tuple[int, int]] = field(default_factory=list)
    """(told at, promised for)."""


OF_WHO_HOLDS = {"LEASED"}
"""A lead in hand may be dialed although this forbids to hand it out; all others count."""


class Floor(RuleBasedStateMachine):
    """The store, two desks, and a twin in plain Python of all that they may know."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        super().__init__()
        empty(engine)
        self.engine, self.at, self.folder, self.saved = engine, OPEN, folder, False
        self.desks = [a_desk(engine), a_desk(engine)]
        self.leads: dict[str, Known] = {}
        self.held: dict[str, Holder] = {}
        self.stops: dict[str, list[int]] = {}
        self.lifted: dict[str, list[int]] = {}
        self.told: list[str] = []
        self.given: list[Item] = []
        for number in (*NUMBERS, NUMBERS[0]):
            self.add_lead(number)
        for desk in self.desks:
            desk.follow(self.at)

    leases: Bundle[Item] = Bundle("leases")
    events: Bundle[dict[str, object]] = Bundle("events")

    @rule(
        step=st.sampled_from([0, SECOND, 30 * SECOND, 121 * SECOND, 16 * MINUTE, 3 * HOUR, DAY]),
    )
    def time_passes(self, step: int) -> None:
        self.at += step

    @rule(number=st.sampled_from(NUMBERS))
    def a_lead_comes_in(self, number: str) -> None:
        self.add_lead(number)

    def add_lead(self, number: str) -> None:
        name = f"lead-{len(self.leads)}"
        came = render(RECEIVED)
        tell_leads(
            self.engine,
            [
                a_lead(
                    name,
                    created_at=came,
                    updated_at=came,
                    phones=[{"e164": number, "type": "mobile"}],
                )
            ],
            self.at,
        )
        self.leads[name] = Known(number)

    @rule(target=leases, worker=st.integers(0, 1), n=st.integers(1, 4), seconds=st.sampled_from([10, 120]))
    def a_dialer_polls(self, worker: int, n: int, seconds: int):
        given = self.polled(self.desks[worker], n, seconds)
        return multiple(*given.items)

    @rule(target=leases, first=st.integers(0, 1), n=st.integers(1, 4))
    def both_workers_are_polled(self, first: int, n: int):
        one = self.polled(self.desks[first], n, 120)
        other = self.polled(self.desks[1 - first], n, 120)
        return multiple(*one.items, *other.items)

    @rule(worker=st.integers(0, 1))
    def what_a_worker_knows_is_saved(self, worker: int) -> None:
        remember(self.desks[worker], self.folder)
        self.saved = True

    @rule(target=leases, worker=st.integers(0, 1), remembers=st.booleans())
    def a_worker_restarts(self, worker: int, remembers: bool):
        """A fresh desk hands out exactly who may be called, one lead of each number.

        A number whose lease a stop has cut in half may wait until the other half expires.
        """
        free = {self.leads[name].phone for name in self.leads if self.forbidden(name) == []}
        halves = {
            known.phone
            for name, known in self.leads.items()
            if (holder := self.held.get(f"lead:{name}")) is not None and holder.until > self.at
        }
        known = remembers and self.saved
        self.desks[worker] = (
            restarted(self.desks[worker], self.folder, self.at) if known else a_desk(self.engine)
        )

        given = self.polled(self.desks[worker], 50, 120)

        numbers = {self.leads[item.lead_id].phone for item in given.items}
        assert free - halves <= numbers <= free
        return multiple(*given.items)

    @rule(worker=st.integers(0, 1), item=leases, state=st.sampled_from(list(UNTIL)))
    def a_dialer_says_what_becomes_of_a_lease(self, worker: int, item: Item, state: str) -> None:
        mine = [one for one in self.holders(item) if one is not None and one.lease_id == item.lease_id]
        holds = len(mine) == 2 and all(one.until > self.at for one in mine)
        refused = state in ("dialing", "extend") and not holds
        refused |= state == "dialing" and bool(set(self.forbidden(item.lead_id)) - OF_WHO_HOLDS)

        (answer,) = self.desks[worker].acknowledge([Ack(item.lease_id, state)], self.at)

        assert answer.status == (410 if refused else 200)
        for one in mine if not refused else ():
            if not one.called:
                until = self.at + UNTIL[state]
                one.until = max(one.until, until) if state == "extend" else until

    @rule(
        target=events,
        item=consumes(leases),
        outcome=st.sampled_from(OUTCOMES),
        wait=st.sampled_from([0, 5 * MINUTE]),
    )
    def a_lead_is_dialed(self, item: Item, outcome: str, wait: int) -> dict[str, object]:
        """Its event is told later, or never."""
        start = self.at + SECOND
        self.at = start + 2 * MINUTE + wait
        return a_dial(
            f"call-{item.lease_id}",
            item.lead_id,
            start,
            outcome,
            human_answered=outcome in CLOSES,
            lease_id=item.lease_id,
            decision_id=item.decision_id,
        )

    @rule(body=events, times=st.integers(1, 2))
    def a_call_is_told(self, body: dict[str, object], times: int) -> None:
        """Maybe twice, maybe again later, in any order."""
        said = body["data"]
        assert isinstance(said, dict)
        name = f"e-{said['call_id']}"
        for _ in range(times):
            tell(self.engine, body | {"id": name}, at=self.at)
        if name not in self.told:
            self.told.append(name)
            self.take_in(said, parse(str(body["time"])))

    @rule(name=st.integers(0, 9))
    def an_unknown_leads_call_is_told(self, name: int) -> None:
        id_ = f"stray-{name}"
        tell(self.engine, a_dial(id_, f"nobody-{name}", self.at - HOUR) | {"id": id_}, at=self.at)
        self.told += [id_] if id_ not in self.told else []

    @rule(data=st.data(), promised=st.sampled_from([10 * MINUTE, HOUR, 2 * DAY]))
    def a_callback_is_promised(self, data: st.DataObject, promised: int) -> None:
        if self.leads:
            name = data.draw(st.sampled_from(sorted(self.leads)))
            self.say(
                an_event("callback.scheduled", "", self.tick(), lead_id=name, at=render(self.at + promised))
            )
            self.leads[name].callbacks.append((self.at, self.at + promised))

    @rule(data=st.data(), lifts=st.booleans(), by_number=st.booleans())
    def somebody_wants_silence_or_lifts_it(self, data: st.DataObject, lifts: bool, by_number: bool) -> None:
        kind = "dnc.removed" if lifts else "dnc.added"
        if by_number or not self.leads:
            number = data.draw(st.sampled_from(NUMBERS))
            self.say(a_stop(kind, self.tick(), phone=number))
            self.stop([f"phone:{number}"], self.at, lifts)
        else:
            name = data.draw(st.sampled_from(sorted(self.leads)))
            self.say(a_stop(kind, self.tick(), lead_id=name))
            self.stop([f"lead:{name}", f"phone:{self.leads[name].phone}"], self.at, lifts)

    @invariant()
    def every_event_is_once_in_the_log_or_in_quarantine(self) -> None:
        with reading(self.engine) as connection:
            kept = [*connection.execute(select(event.c.id)).scalars(),
                    *connection.execute(select(quarantine.c.id)).scalars()]  # fmt: skip
        assert Counter(kept) == Counter(self.told)

    def teardown(self) -> None:
        with reading(self.engine) as connection:
            rows = connection.execute(select(decision.c.lease_id, decision.c.propensity)).all()
        assert sorted(row.lease_id for row in rows) == sorted(item.lease_id for item in self.given)
        assert all(0 < row.propensity <= 1 for row in rows)

    def polled(self, desk: Desk, n: int, seconds: int) -> Batch:
        """Poll; whatever is handed out is forbidden by no rule, free, and now held."""
        assert_agrees(desk, "spring", self.at, Order(n))
        given = poll(desk, self.at, n, seconds=seconds)
        assert [item.rank for item in given.items] == list(range(1, len(given.items) + 1))
        assert len(given.items) <= n
        sources = [item.source == "callback" for item in given.items]
        assert sources == sorted(sources, reverse=True)
        self.given += given.items
        for item in given.items:
            assert self.forbidden(item.lead_id) == [], item
            for resource in self.resources(item.lead_id):
                self.held[resource] = Holder(item.lease_id, self.at + seconds * SECOND)
        return given

    def forbidden(self, name: str) -> list[str]:
        """The rules that forbid to hand out a lead now, by their twins and by who holds what."""
        known, held = self.leads[name], [self.held.get(one) for one in self.resources(name)]
        of_number = [
            start for one in self.leads.values() if one.phone == known.phone for start, _ in one.calls
        ]
        callback = self.callback_of(known)
        closed = [CLOSES[outcome] for _, outcome in known.calls if outcome in CLOSES]
        person = Person(
            zones=("America/New_York",),
            country="US",
            region="NY",
            calls=tuple(sorted(of_number)),
            closed="dnc" if any(map(self.silenced, self.resources(name))) else (closed or [""])[0],
            callback_at=callback,
            not_before=0 if callback == NEVER else callback - 15 * MINUTE,
            leased_until=max([one.until for one in held if one is not None], default=0),
            created_at=RECEIVED,
            has_phone=True,
        )
        found = [
            id_ for id_, forbids in TWINS.items() if id_ != "CAP-LIFETIME" and forbids(person, CAPS, self.at)
        ]
        return found + (["CAP-LIFETIME"] if len(known.calls) >= CAPS.lifetime else [])

    def callback_of(self, known: Known) -> int:
        told_at, promised = max(known.callbacks, default=(0, NEVER))
        last = max((start for start, _ in known.calls), default=-NEVER)
        return NEVER if last >= promised - 15 * MINUTE and last > told_at else promised

    def take_in(self, said: dict[str, object], ended_at: int) -> None:
        """What a told call changes: its lead, its lease, and silence if that was asked for."""
        name = str(said["lead_id"])
        self.leads[name].calls.append((ended_at - 2 * MINUTE, str(said["outcome"])))
        for resource in self.resources(name):
            holder = self.held.get(resource)
            if holder is not None and holder.lease_id == said["lease_id"]:
                holder.until, holder.called = ended_at, True
        if said["outcome"] == "do_not_call":
            self.stop(self.resources(name), ended_at, lifts=False)

    def stop(self, subjects: list[str], since: int, lifts: bool) -> None:
        (self.lifted if lifts else self.stops).setdefault("", [])
        for subject in subjects:
            (self.lifted if lifts else self.stops).setdefault(subject, []).append(since)
            if self.silenced(subject):
                self.held.pop(subject, None)

    def silenced(self, subject: str) -> bool:
        lifted = self.lifted.get(subject, [])
        return any(not any(later > since for later in lifted) for since in self.stops.get(subject, []))

    def resources(self, name: str) -> list[str]:
        return [f"lead:{name}", f"phone:{self.leads[name].phone}"]

    def holders(self, item: Item) -> list[Holder | None]:
        return [self.held.get(one) for one in self.resources(item.lead_id)]

    def tick(self) -> int:
        """No two stops at one instant: then either may stand."""
        self.at += 1
        return self.at

    def say(self, body: dict[str, object]) -> None:
        name = f"e{len(self.told)}"
        tell(self.engine, body | {"id": name}, at=self.at)
        self.told.append(name)


def test_no_sequence_hands_out_whom_nobody_may_call_or_somebody_holds(engine: Engine, tmp_path: Path):
    class OnThisStore(Floor):
        def __init__(self) -> None:
            super().__init__(engine, tmp_path)

    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=40 if engine.dialect.name == "sqlite" else 8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
