"""Leads for the agents who are ready: everybody's share, the pairs that promise most, all on record."""

from collections import Counter

import numpy as np
import pytest
from sqlalchemy import Engine, select

from features import Moments, compute, for_leads
from features.instants import DAY, HOUR, MINUTE, render
from features.store.engine import reading
from features.store.tables import decision
from serving.desk import Desk
from serving.handout import Batch, Order
from serving.models import Models
from tests.features.store.tellings import an_event
from training.bundle import Bundle, Model
from training.calibration import AS_IT_IS
from training.dataset import PRIOR_SECONDS
from training.margin import Curve, Margin

from .desks import OPEN, a_desk, a_dial, many_leads, tell, tell_leads

READY = ("joe", "eve", "new")


@pytest.fixture
def floor(engine: Engine) -> Engine:
    """Twelve leads, and two agents one of whom sells."""
    tell_leads(engine, many_leads(20))
    said = ("contact_refused", "converted")
    dials = [
        a_dial(f"c{n}", f"lead-{n + 12:04d}", OPEN - DAY + n * HOUR // 2, said[n % 2],
               human_answered=True, talk_s=100, agent_id=READY[n % 2])
        for n in range(8)
    ]  # fmt: skip
    tell(engine, *dials, at=OPEN - 12 * HOUR)
    return engine


def with_a_model(desk: Desk) -> Desk:
    """A desk whose model believes in agents who sold, and a little in leads stored late."""
    desk.follow(OPEN)
    features = for_leads(desk.ledger.past().leads)
    flat, rising = (
        Curve(False, np.empty(0), np.empty(0), 0.0),
        Curve(False, np.array([0.0, 1.0]), np.array([0.0, 3.0]), 0.0),
    )
    curves = tuple(
        rising if one.name.startswith("agent_") and "sale" in one.name else flat for one in features
    )
    assert rising in curves
    model = Model("", Margin(-1.0, curves), AS_IT_IS)
    bundle = Bundle("", OPEN - DAY, features, {"answer": model, "conversion": model}, PRIOR_SECONDS).named()
    desk.models = Models(desk.models.uri, desk.models.cache, "", bundle)
    return desk


def asked(desk: Desk, n: int, ready: tuple[str, ...] = READY, at: int = OPEN) -> Batch:
    return desk.lease("spring", Order(n, agents_ready=ready), "k", at)


@pytest.mark.parametrize("model", [False, True])
@pytest.mark.parametrize("agent", READY)
def test_a_callback_goes_to_the_agent_who_promised_it_if_ready(floor: Engine, model: bool, agent: str):
    told = {"lead_id": "lead-0003", "at": render(OPEN)}
    tell(floor, an_event("callback.scheduled", time=OPEN - HOUR, agent_id="eve", **told))
    tell(floor, an_event("callback.scheduled", "moved", OPEN - MINUTE, agent_id=agent, **told))
    desk = with_a_model(a_desk(floor)) if model else a_desk(floor)

    first, *others = asked(desk, 3).items

    assert (first.lead_id, first.source, first.agent_id) == ("lead-0003", "callback", agent)
    assert agent not in {item.agent_id for item in others}


def test_a_callback_goes_to_somebody_else_if_its_agent_isnt_ready(floor: Engine):
    promised = {"lead_id": "lead-0003", "at": render(OPEN), "agent_id": "gone"}
    tell(floor, an_event("callback.scheduled", time=OPEN - HOUR, **promised))

    first, *_ = asked(a_desk(floor), 3).items

    assert (first.lead_id, first.agent_id in READY) == ("lead-0003", True)


@pytest.mark.parametrize("model", [False, True])
def test_everybody_who_is_ready_gets_a_share_and_it_is_on_record(floor: Engine, model: bool):
    desk = with_a_model(a_desk(floor)) if model else a_desk(floor)

    given = asked(desk, 7)

    shares = Counter(item.agent_id for item in given.items)
    assert (sum(shares.values()), max(shares.values()) <= 3) == (7, True)
    assert shares.keys() <= {*READY}
    with reading(floor) as connection:
        kept = dict(connection.execute(select(decision.c.decision_id, decision.c.agent)).all())
    assert kept == {item.decision_id: item.agent_id for item in given.items}


def test_without_names_nobody_is_chosen(floor: Engine):
    given = asked(with_a_model(a_desk(floor)), 5, ())

    assert {item.agent_id for item in given.items} == {None}


def test_who_sells_gets_leads_and_who_does_not_waits_where_there_are_fewer_leads_than_agents(floor: Engine):
    desk = with_a_model(a_desk(floor))

    given = asked(desk, 1, ("joe", "eve"), OPEN + MINUTE)

    (item,) = given.items
    codes = np.array([desk.ledger.calls.agents.known(name) for name in ("joe", "eve")])
    bundle = desk.models.champion()
    assert bundle is not None
    both = Moments(np.full(2, item.row), codes, np.full(2, OPEN + MINUTE))
    chances = bundle.predict(compute(desk.ledger.past(), both, bundle.features))["conversion"]
    assert chances[1] > chances[0]
    assert item.agent_id == "eve"
