"""Each order keeps its rule; the one that knows the truth brings most."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.instants import DAY, HOUR, NEVER
from features.synthetic.floor import Floor
from features.synthetic.orders import (
    CALLBACK,
    EXPLORE,
    ORDERS,
    best_first,
    bootstrap,
    expected_seconds,
    order,
)
from features.synthetic.parameters import FAMILIES, family
from features.synthetic.run import run
from features.synthetic.world import make_world


@pytest.fixture
def floor(history):
    """The floor after a week, free to be played on."""
    return history.floor.copy()


def tuesday(floor):
    return floor.world.day(8) + 15 * HOUR


@settings(deadline=None)
@given(keys=arrays(np.float64, st.integers(0, 30), elements=st.integers(-3, 3)), n=st.integers(0, 40))
def test_the_best_come_first_and_the_newest_among_equals(keys, n):
    leads = np.arange(keys.size) * 2

    best = best_first(leads, keys, n).tolist()

    assert best == sorted(leads.tolist(), key=lambda lead: (-keys[lead // 2], -lead))[:n]


@pytest.mark.parametrize("name", ORDERS)
def test_every_order_offers_eligible_leads_once_and_due_callbacks_first(floor, name):
    at = tuesday(floor)
    eligible = floor.eligible(at).tolist()
    floor.ledger.callback_at[eligible[5]] = at - 6 * DAY

    offers = order(name, floor).leads(40, at, [0])

    assert len({offer.lead for offer in offers}) == len(offers) == 40
    assert {offer.lead for offer in offers} <= set(eligible)
    assert (offers[0].lead, offers[0].source) == (eligible[5], CALLBACK)


def test_the_plain_orders_keep_their_rule(floor):
    at, ledger = tuesday(floor), floor.ledger
    rows = {
        name: [o.lead for o in order(name, floor).leads(500, at, [0]) if o.source != CALLBACK]
        for name in ORDERS
    }

    assert rows["fifo"] == sorted(rows["fifo"])
    assert rows["newest"] == sorted(rows["newest"], reverse=True)
    assert np.all(np.diff(ledger.attempts[rows["fewest_attempts"]]) >= 0)
    assert np.all(np.diff(ledger.last_attempt[rows["last_call_oldest"]].astype(float)) >= 0)
    assert np.all(np.diff(ledger.last_attempt[rows["last_call_newest"]].astype(float)) <= 0)
    assert rows["random"] != rows["newest"]


def test_the_bootstrap_policy_draws_a_tenth_uniformly(floor):
    policy, at = bootstrap(floor), tuesday(floor)

    offers = [offer for _ in range(40) for offer in policy.leads(100, at, [0])]

    explored = [offer for offer in offers if offer.source == EXPLORE]
    newest = set(floor.eligible(at)[-110:].tolist())
    assert len(explored) / len(offers) == pytest.approx(0.10, abs=0.02)
    assert all(offer.lead in newest for offer in offers if offer.source not in (EXPLORE, CALLBACK))
    assert np.mean([offer.lead in newest for offer in explored]) < 0.5


def test_expected_seconds_are_those_of_the_specification(world):
    dead, quiet, talk, sale = expected_seconds(world.parameters)

    assert dead == 8
    assert quiet == pytest.approx(26, abs=3)
    assert talk == pytest.approx(255, abs=5)
    assert sale == pytest.approx(620, abs=10)


def test_who_has_no_promise_is_never_first_class(floor):
    offers = order("newest", floor).leads(30, tuesday(floor), [0])

    assert all(floor.ledger.callback_at[o.lead] != NEVER for o in offers if o.source == CALLBACK)


def money(parameters, seed, names):
    world = make_world(parameters, seed)
    floors = {name: Floor.opening(world) for name in names}
    return [
        run(floor, order(name, floor), world.start, world.stop).value_per_hour
        for name, floor in floors.items()
    ]


def test_the_oracle_beats_the_rules_on_average():
    names = ["oracle", "newest", "static_score", "random"]
    parameters = family("F0", scale=0.1, agents=1, days=7)

    means = np.mean([money(parameters, seed, names) for seed in range(1, 6)], axis=0)

    assert means[0] > max(means[1:])
    assert means[3] == min(means)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_the_oracle_beats_every_order_in_every_family(name):
    names = ["oracle", *(other for other in ORDERS if other != "oracle")]
    parameters = family(name, scale=0.1, agents=1, days=14)

    means = np.mean([money(parameters, seed, names) for seed in range(1, 6)], axis=0)

    assert means[0] > max(means[1:])
    assert means[names.index("feature_index")] > means[names.index("random")]
