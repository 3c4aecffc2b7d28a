"""The floor keeps the rules, and its coins don't depend on the order of calls."""

from dataclasses import replace

import numpy as np
import pytest

from features.calls import FINAL, Outcome
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.synthetic.floor import Floor, Offer
from features.synthetic.orders import order
from features.synthetic.parameters import family
from features.synthetic.run import run
from features.synthetic.world import make_world

from . import reference


def monday_noon(world):
    return world.start + 12 * HOUR


@pytest.mark.parametrize("name", ["newest", "random", "oracle"])
def test_no_call_breaks_a_rule(world, name):
    floor = Floor.opening(world)

    result = run(floor, order(name, floor), world.start, world.stop)

    assert len(result.log) > 400
    assert reference.breaches(world, list(result.log)) == []


def test_the_reference_finds_a_call_at_night(history):
    call = history.result.log[0]
    at_night = call._replace(started_at=call.started_at - 8 * HOUR)

    rules = {rule for _, rule in reference.breaches(history.floor.world, [at_night])}

    assert "hours" in rules


def test_the_merged_instant_says_what_the_rules_say(history):
    floor, world = history.floor, history.floor.world
    for at in range(world.day(7) + 7 * HOUR, world.day(9), 53 * MINUTE):
        single = [lead for lead in range(len(world.leads)) if floor.may_dial(lead, at)]

        assert floor.eligible(at).tolist() == single


def test_after_three_calls_in_a_day_a_lead_rests_until_its_own_midnight(world):
    floor = Floor.opening(world)
    lead = int(np.flatnonzero(world.leads.dead & (world.leads.zone_h == -1))[0])
    day = int(world.leads.arrived[lead] - world.start) // DAY + 1
    for hour in (10, 13, 16):
        floor.play(Offer(lead), 0, world.day(day) + hour * HOUR)
        floor.ledger.closed[lead] = False
    floor.ledger.not_before[lead] = floor._next_chance(lead, day)

    may = {
        at: (floor.may_dial(lead, at), lead in floor.eligible(at))
        for at in (world.day(day) + hour * HOUR for hour in (19, 21, 32, 33, 40))
    }

    assert list(may.values()) == [(False, False)] * 3 + [(True, True)] * 2


def test_a_call_brings_the_same_whatever_was_called_before(world):
    one, other = Floor.opening(world), Floor.opening(world)
    leads = one.eligible(monday_noon(world))[:60].tolist()

    forward = {lead: play_as_novice(one, lead) for lead in leads}
    backward = {lead: play_as_novice(other, lead) for lead in reversed(leads)}

    assert forward == backward
    assert len({call.outcome for call in forward.values()}) > 3


def play_as_novice(floor, lead):
    """Play one call; the agent has learned nothing from those before."""
    floor.conversations[:] = 0
    return floor.play(Offer(lead), 0, monday_noon(floor.world))


def test_two_orders_meet_the_same_coins(world):
    """Where nobody picked up under either order, the same thing happened instead."""
    logs = []
    for name in ("newest", "fewest_attempts"):
        floor = Floor.opening(world)
        logs.append(run(floor, order(name, floor), world.start, world.stop).log)

    kinds = [{(c.lead, c.attempt): c.outcome for c in log if not c.human_answered} for log in logs]
    both = kinds[0].keys() & kinds[1].keys()
    assert len(both) > 100
    assert all(kinds[0][key] == kinds[1][key] for key in both)


def test_a_copy_goes_its_own_way(world):
    floor = Floor.opening(world)
    twin = floor.copy()
    lead = int(floor.eligible(monday_noon(world))[0])

    floor.play(Offer(lead), 0, monday_noon(world))

    assert floor.ledger.attempts[lead] == 1
    assert twin.ledger.attempts[lead] == 0


def test_copies_that_go_on_alike_stay_alike(world):
    floor = Floor.opening(world)
    run(floor, order("newest", floor), world.start, world.day(4))

    runs = [run(f, order("static_score", f), world.day(4), world.stop) for f in (floor.copy(), floor.copy())]

    assert runs[0].log == runs[1].log


def test_two_runs_in_a_row_are_one_run(world):
    whole, parted = Floor.opening(world), Floor.opening(world)

    at_once = run(whole, order("newest", whole), world.start, world.stop)
    first = run(parted, order("newest", parted), world.start, world.day(5))
    second = run(parted, order("newest", parted), world.day(5), world.stop)

    assert first.log + second.log == at_once.log


def test_after_a_final_outcome_nobody_calls_again(history):
    closed = {c.lead: c.started_at for c in history.result.log if c.outcome in FINAL}

    later = [c for c in history.result.log if c.lead in closed and c.started_at > closed[c.lead]]

    assert closed
    assert later == []


@pytest.fixture(scope="module")
def promises():
    """Calls that ended in a promise, in a world where nearly every talk does."""
    parameters = replace(family("F0", scale=0.08, agents=2, days=12), callback=0.9, refuse=0.0, stop=0.0)
    world = make_world(parameters, seed=1)
    floor = Floor.opening(world)
    return world, run(floor, order("newest", floor), world.start, world.stop)


def test_a_promise_is_kept_within_the_half_hour_while_the_floor_is_open(promises):
    _, result = promises
    said = {(c.lead, c.attempt): c.callback_at for c in result.log if c.callback_at < NEVER}
    kept = [c for c in result.log if (c.lead, c.attempt - 1) in said]
    on_time = [c for c in kept if abs(c.started_at - said[c.lead, c.attempt - 1]) <= 30 * MINUTE]

    assert len(kept) > 50
    assert len(on_time) / len(kept) > 0.7
    assert np.mean([c.human_answered for c in on_time]) == pytest.approx(0.65, abs=0.1)


def test_promises_lie_in_the_leads_day_and_not_on_a_sunday(promises):
    world, result = promises
    for call in result.log:
        if call.callback_at < NEVER:
            local = call.callback_at - world.start + int(world.leads.zone_h[call.lead]) * HOUR
            assert 10 <= local // HOUR % 24 < 18
            assert local // DAY % 7 != 6
            assert 2 * HOUR <= call.callback_at - call.started_at <= 72 * HOUR + 12 * HOUR


def test_sales_are_confirmed_and_cancelled_as_specified():
    parameters = replace(family("F0", scale=0.3, agents=6, days=6), market_floor=1.0, novice=3.0)
    world = make_world(parameters, seed=1)
    floor = Floor.opening(world)

    sales = [c for c in run(floor, order("newest", floor), world.start, world.stop).log if c.converted]

    at_once = np.mean([c.confirmed_at == c.disposed_at for c in sales])
    ever = np.mean([c.confirmed_at < NEVER for c in sales])
    cancelled = [c for c in sales if c.cancelled_at < NEVER]
    assert len(sales) > 400
    assert at_once == pytest.approx(0.70, abs=0.06)
    assert ever == pytest.approx(0.70 + 0.30 * 0.85, abs=0.04)
    assert len(cancelled) / len(sales) / ever == pytest.approx(0.08, abs=0.04)
    assert all(c.confirmed_at < c.cancelled_at <= c.confirmed_at + 15 * DAY for c in cancelled)


def test_seconds_and_instants_of_every_call_agree(history):
    for call in history.result.log:
        assert call.started_at < call.ended_at <= call.disposed_at
        assert call.talk_s >= 0
        if call.human_answered and not call.abandoned:
            assert call.ended_at - call.answered_at == round(call.talk_s * 10) * 100_000
        assert call.converted == (call.outcome is Outcome.CONVERTED) == (call.value > 0)


def test_marginals_lie_inside_the_public_ranges():
    """Contact 10-30 %, sales per talk 2-15 %, talk: median near 181 s, sale twice as long as none."""
    world = make_world(family("F0", scale=0.3, agents=3, days=12), seed=2)
    floor = Floor.opening(world)

    calls = run(floor, order("fewest_attempts", floor), world.start, world.stop).calls

    talked = calls.human_answered & ~calls.abandoned
    none = calls.talk_s[talked & ~calls.converted & (calls.outcome != Outcome.WRONG_NUMBER)]
    assert 0.10 < calls.human_answered.mean() < 0.30
    assert 0.02 < calls.converted[talked].mean() < 0.15
    assert np.median(none) == pytest.approx(181, rel=0.25)
    assert 1.8 < np.mean(calls.talk_s[calls.converted]) / np.mean(none) < 3.2
