"""The event loop asks its queue at every poll and tells it everything once, in order."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from features.instants import HOUR, MINUTE, SECOND
from features.synthetic.floor import Floor, Offer
from features.synthetic.history import facts_of
from features.synthetic.orders import order
from features.synthetic.run import run


@dataclass
class Listening:
    """A queue that hands out the newest leads and remembers all it is told."""

    floor: Floor
    refuses: frozenset[int] = frozenset()
    arrived: list[tuple[int, int]] = field(default_factory=list)
    calls: list[tuple[int, object]] = field(default_factory=list)
    facts: list[tuple[int, object]] = field(default_factory=list)
    given: list[Offer] = field(default_factory=list)
    back: list[Offer] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def arrive(self, leads, at):
        self.arrived += [(lead, at) for lead in leads.tolist()]

    def report(self, calls, at):
        self.calls += [(at, call) for call in calls]

    def settle(self, facts, at):
        self.facts += [(at, fact) for fact in facts]

    def release(self, offers, at):
        self.back += offers

    def leads(self, n, at, agents):
        self.asked.append(at)
        offers = [
            o._replace(lease_id=f"lease-{o.lead}-{at}")
            for o in order("newest", self.floor).leads(n, at, agents)
        ]
        self.given += offers
        return offers

    def take(self, offer, at):
        return offer.lead not in self.refuses


@pytest.fixture
def told(world):
    floor = Floor.opening(world)
    queue = Listening(floor)
    return queue, run(floor, queue, world.start, world.day(7))


def test_every_lead_is_announced_once_and_never_before_it_arrives(world, told):
    queue, _ = told

    assert [lead for lead, _ in queue.arrived] == world.arrived_between(world.start, world.day(7)).tolist()
    assert all(world.leads.arrived[lead] < at for lead, at in queue.arrived)


def test_every_call_is_reported_once_after_its_end(told):
    queue, result = told

    assert sorted(call for _, call in queue.calls) == sorted(result.log)
    assert all(call.disposed_at <= at for at, call in queue.calls)


def test_every_sale_is_confirmed_to_the_queue_when_it_is_due(world, told):
    queue, result = told

    due = [fact for fact in facts_of(result) if fact.at <= world.day(7)]
    assert due
    assert [fact for _, fact in queue.facts] == due
    assert all(0 <= at - fact.at <= 36 * HOUR for at, fact in queue.facts)


def test_every_lease_is_dialed_or_given_back(told):
    queue, result = told

    dialed = [call.offer for call in result.log]
    assert sorted(dialed + queue.back) == sorted(queue.given)


def test_polls_come_every_five_minutes_while_someone_is_on_shift(world, told):
    queue, _ = told
    first_day = [at for at in queue.asked if at < world.day(1)]

    assert first_day[0] == world.start + 9 * HOUR
    assert {b - a for a, b in pairwise(first_day)} == {5 * MINUTE}


def test_another_poll_is_another_rhythm(world):
    floor = Floor.opening(world)
    queue = Listening(floor)

    run(floor, queue, world.start, world.day(1), poll=60 * SECOND)

    assert queue.asked[1] - queue.asked[0] == MINUTE


def test_what_the_queue_refuses_at_the_last_gate_is_not_dialed(world):
    floor = Floor.opening(world)
    odd = frozenset(range(1, len(world.leads), 2))
    queue = Listening(floor, refuses=odd)

    result = run(floor, queue, world.start, world.day(2))

    assert result.log
    assert all(call.lead % 2 == 0 for call in result.log)
    assert sorted([call.offer for call in result.log] + queue.back) == sorted(queue.given)


def test_an_agent_makes_one_call_at_a_time_within_the_shift_and_not_in_a_break(world, told):
    _, result = told
    shifts = {(s.agent, s.day): s for day in range(7) for s in world.shifts(day)}
    busy_until: dict[int, int] = {}
    for call in result.log:
        shift = shifts[call.agent, (call.started_at - world.start) // (24 * HOUR)]
        assert busy_until.get(call.agent, 0) <= call.started_at
        assert shift.start <= call.started_at < shift.stop
        assert not any(begin <= call.started_at < end for begin, end in shift.breaks)
        busy_until[call.agent] = call.disposed_at


def test_agent_days_add_up_to_the_calls(told):
    _, result = told
    days = result.agent_days

    assert days.dials.sum() == len(result.log)
    assert days.sales.sum() == result.calls.converted.sum()
    assert days.paid_s.sum() == (5 * 8 + 6) * 3600
    assert result.value_per_hour == pytest.approx(
        sum(c.value for c in result.log if c.confirmed_at < 2**62) / result.paid_hours
    )


def test_a_run_begins_at_midnight(world):
    floor = Floor.opening(world)

    with pytest.raises(ValueError, match="midnight"):
        run(floor, order("newest", floor), world.start + HOUR, world.stop)


def test_an_offer_for_one_agent_is_left_to_that_agent(world):
    class ForNobodyHere(Listening):
        def leads(self, n, at, agents):
            return [offer._replace(agent=99) for offer in super().leads(n, at, agents)]

    floor = Floor.opening(world)

    result = run(floor, ForNobodyHere(floor), world.start, world.day(1))

    assert result.log == ()
