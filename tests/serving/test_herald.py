"""Herald: who is to be told of what, on a real desk; once, and only of what somebody subscribed to."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from sqlalchemy import Engine

from features import for_leads
from features.instants import DAY, HOUR, MINUTE, SECOND, parse, render
from features.store.campaigns import write_campaign
from features.store.engine import reading, transaction
from features.store.outbox import DRIFT, HOT, LATE, PROMOTED, SHORT, told
from features.store.webhooks import Webhook, add_webhook
from serving.desk import Desk
from serving.herald import Herald
from serving.models import Models
from serving.post import Said
from serving.ranking.arms import HOLDOUT
from serving.ranking.policy import Arm, Experiment, Policy
from tests.features.store.tellings import a_disposition, an_event
from tests.serving.desks import OPEN, a_desk, a_dial, many_leads, tell, tell_leads
from training.bundle import Bundle, Model
from training.calibration import AS_IT_IS
from training.dataset import PRIOR_SECONDS
from training.margin import Curve, Margin

AT = OPEN
SILENT = Curve(False, np.empty(0), np.empty(0), 0.0)


def takes_all(url: str, headers: object, body: bytes) -> Said:
    return Said(204)


def a_herald(engine: Engine, *kinds: str, desk: Desk | None = None) -> Herald:
    """A herald of a desk without a model, and a subscriber to some kinds."""
    if kinds:
        with transaction(engine) as connection:
            add_webhook(connection, Webhook("wh_1", "https://crm.example/", kinds, None, None, AT))
    return Herald(desk or a_desk(engine), takes_all)


def found(engine: Engine, kind: str) -> list[dict[str, object]]:
    with reading(engine) as connection:
        return [dict(one.payload) for one in told(connection, kind, 0)]


def leads_told(engine: Engine, kind: str) -> list[str]:
    return sorted(str(one["lead_id"]) for one in found(engine, kind))


def plan(engine: Engine, **settings: object) -> None:
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"holdout": 0.0, **settings}, AT)


def a_model(desk: Desk, at: int = AT) -> Bundle:
    """A bundle in which the lead's need decides who buys, and worth halves with each hour of age."""
    desk.follow(at)
    features = for_leads(desk.ledger.past().leads)
    names = [feature.name for feature in features]

    def head(base: float, **curves: Curve) -> Model:
        return Model("", Margin(base, tuple(curves.get(name, SILENT) for name in names)), AS_IT_IS)

    need = Curve(False, np.array([0.0, 100.0]), np.array([-5.0, 0.0]), -5.0)
    age = Curve(False, np.array([0.0, 10.0]), np.array([0.0, -10 * np.log(2)]), 0.0)
    models = {
        "answer": head(0.0),
        "conversion": head(0.0, attribute_need=need),
        "decay": head(-6.0, lead_age_hours=age),
    }
    return Bundle("", at - DAY, features, models, PRIOR_SECONDS).named()


def with_model(engine: Engine, bundle: Bundle | None = None) -> Desk:
    desk = a_desk(engine)
    desk.models = Models(desk.models.uri, desk.models.cache, "", bundle or a_model(desk))
    return desk


def received(engine: Engine, count: int, age: int, first: int = 0) -> None:
    """Leads `lead-0000` and on, each needing it more than the one before."""
    when = render(AT - age)
    leads = many_leads(count, first, created_at=when, updated_at=when, value=100)
    tell_leads(engine, [lead | {"attributes": {"need": first + n}} for n, lead in enumerate(leads)], AT - age)


def test_the_best_fresh_lead_is_hot_once(engine: Engine):
    plan(engine)
    received(engine, 40, 10 * MINUTE)
    desk = with_model(engine)
    herald, other = a_herald(engine, HOT, desk=desk), Herald(with_model(engine), takes_all)

    for worker in (herald, herald, other):
        worker.look(AT)

    assert leads_told(engine, HOT) == ["lead-0038", "lead-0039"]
    one = found(engine, HOT)[0]
    assert one["campaign"] == "spring"
    assert one["received_at"] == render(AT - 10 * MINUTE)
    assert float(str(one["score"])) > 0
    assert "phone" not in str(one)
    assert "+1" not in str(found(engine, HOT))


def test_a_lead_past_its_half_life_is_not_hot_any_more(engine: Engine):
    plan(engine)
    received(engine, 40, 50 * MINUTE)
    received(engine, 2, 70 * MINUTE, first=60)

    a_herald(engine, HOT, desk=with_model(engine)).look(AT)

    assert leads_told(engine, HOT) == []

    received(engine, 1, 50 * MINUTE, first=90)
    a_herald(engine, HOT, desk=with_model(engine)).look(AT)
    assert leads_told(engine, HOT) == ["lead-0090"]


def test_without_a_head_that_knows_fading_the_youngest_are_fresh(engine: Engine):
    plan(engine)
    received(engine, 20, 119 * MINUTE)
    received(engine, 20, 121 * MINUTE, first=20)
    desk = a_desk(engine)
    whole = a_model(desk)
    models = {name: model for name, model in whole.models.items() if name != "decay"}
    bundle = replace(whole, models=models, version="").named()

    a_herald(engine, HOT, desk=with_model(engine, bundle)).look(AT)
    old = leads_told(engine, HOT)
    received(engine, 1, 119 * MINUTE, first=80)
    a_herald(engine, HOT, desk=with_model(engine, bundle)).look(AT)

    assert old == []
    assert leads_told(engine, HOT) == ["lead-0080"]


def test_called_leads_the_holdout_and_those_no_rule_lets_call_are_not_hot(engine: Engine):
    plan(engine, holdout=0.5)
    received(engine, 40, 30 * MINUTE)
    tell(engine, a_dial("c1", "lead-0039", AT - 20 * MINUTE))
    tell(engine, an_event("objection.received", "", AT - MINUTE, lead_id="lead-0038"))
    desk = with_model(engine)

    a_herald(engine, HOT, desk=desk).look(AT)

    free = desk.candidates("spring", AT)
    held = {desk.ledger.leads.ids[row] for row in free.row[free.arm == HOLDOUT]}
    best = {"lead-0037"} - held
    assert set(leads_told(engine, HOT)) == best
    assert held


def test_leads_of_an_experiments_arm_in_an_old_order_are_not_hot(engine: Engine):
    tried = Experiment("e", (Arm("old", 0.5, "oldest"), Arm("new", 0.5)), 0.0)
    plan(engine, experiments=[asdict(tried)])
    received(engine, 40, 30 * MINUTE)
    desk = with_model(engine)

    a_herald(engine, HOT, desk=desk).look(AT)

    arm = desk.roster.arms(np.arange(40), Policy(0.0, experiment=tried))
    assert leads_told(engine, HOT) == [f"lead-{row:04d}" for row in (38, 39) if arm[row] == 2]
    assert set(arm.tolist()) == {0, 2}


def test_without_a_model_nothing_is_hot(engine: Engine):
    plan(engine)
    received(engine, 5, MINUTE)

    a_herald(engine, HOT).look(AT)

    assert found(engine, HOT) == []


def test_a_lead_that_waits_too_long_is_told_once_with_its_deadline(engine: Engine):
    plan(engine, response_goal_s=300)
    received(engine, 1, 3 * MINUTE)
    received(engine, 1, 4 * MINUTE, first=1)
    received(engine, 2, 9 * MINUTE, first=2)
    received(engine, 1, 10 * MINUTE, first=4)
    tell(engine, a_dial("c1", "lead-0003", AT - 8 * MINUTE))
    herald = a_herald(engine, LATE)

    herald.look(AT)
    herald.look(AT)
    Herald(a_desk(engine), takes_all).look(AT)

    assert leads_told(engine, LATE) == ["lead-0001", "lead-0002"]
    assert found(engine, LATE)[0]["due_at"] == render(AT + MINUTE)
    assert found(engine, LATE)[0]["response_goal_s"] == 300
    herald.look(AT + 2 * MINUTE)
    assert leads_told(engine, LATE) == ["lead-0000", "lead-0001", "lead-0002"]


def test_where_no_goal_is_set_nothing_is_late_or_short(engine: Engine):
    plan(engine)
    received(engine, 3, 4 * MINUTE)

    a_herald(engine, LATE, SHORT).look(AT)

    assert found(engine, LATE) == found(engine, SHORT) == []


def sold(engine: Engine, count: int, day: int) -> None:
    for n in range(count):
        call = f"s{n}"
        dial = a_dial(call, f"lead-{n:04d}", day + n * MINUTE, "contact_no_decision", human_answered=True)
        tell(engine, dial, a_disposition(call, "converted", converted=True) | {"time": render(day + HOUR)})


def test_a_campaign_that_falls_short_is_told_once_a_day(engine: Engine):
    plan(engine, goal_target=100, goal_period="month", timezone="America/New_York")
    received(engine, 10, 9 * DAY)
    middle = parse("2026-01-16T17:00:00Z")
    herald = a_herald(engine, SHORT)

    for after in (0, 30 * MINUTE, 2 * HOUR, DAY, DAY + HOUR):
        herald.look(middle + after)

    days = found(engine, SHORT)
    assert len(days) == 2
    assert (days[0]["campaign"], days[0]["target"], days[0]["sold"]) == ("spring", 100, 0)
    assert days[0]["from"] == "2026-01-01T05:00:00Z"
    assert float(str(days[0]["chance"])) < 0.1


@pytest.mark.parametrize(("target", "told_of"), [(9, False), (60, True)])
def test_sales_are_counted_against_the_target(engine: Engine, target: int, told_of: bool):
    plan(engine, goal_target=target, goal_period="month")
    received(engine, 10, 9 * DAY)
    sold(engine, 8, AT - DAY)

    a_herald(engine, SHORT).look(AT + 11 * DAY)

    assert bool(found(engine, SHORT)) is told_of
    if told_of:
        assert found(engine, SHORT)[0]["sold"] == 8


def test_a_sale_that_was_cancelled_or_recorded_by_itself_counts_as_it_should(engine: Engine):
    plan(engine, goal_target=500)
    received(engine, 5, 9 * DAY)
    sold(engine, 3, AT - DAY)
    facts = {"goal": "sale", "value": 1.0, "at": render(AT - HOUR)}
    tell(engine, an_event("conversion.recorded", "r", AT - HOUR, lead_id="lead-0004", **facts))
    tell(engine, an_event("conversion.cancelled", "x", AT - MINUTE, lead_id="lead-0000", **facts))

    a_herald(engine, SHORT).look(AT + 11 * DAY)

    assert found(engine, SHORT)[0]["sold"] == 3


def test_another_champion_is_news_once_and_so_is_the_way_back(engine: Engine):
    received(engine, 1, MINUTE)
    desk = with_model(engine)
    first = desk.models.champion()
    assert first is not None
    second = replace(first, version="", created_at=first.created_at + HOUR).named()
    herald = a_herald(engine, PROMOTED, desk=desk)

    for bundle in (first, first, second, first):
        desk.models._bundle = bundle
        herald.look(AT)
        Herald(with_model(engine, bundle), takes_all).look(AT)

    steps = [(one["before"], one["bundle"]) for one in found(engine, PROMOTED)]
    assert steps == [(None, first.version), (first.version, second.version), (second.version, first.version)]


def test_what_nobody_subscribed_to_is_not_looked_for(engine: Engine):
    plan(engine, response_goal_s=300)
    received(engine, 1, 4 * MINUTE)

    a_herald(engine).look(AT)
    a_herald(engine, DRIFT).look(AT)

    assert found(engine, LATE) == []


def test_of_an_erased_lead_nobody_is_told_any_more(engine: Engine):
    plan(engine, response_goal_s=300)
    received(engine, 2, 4 * MINUTE)
    herald = a_herald(engine, LATE)
    herald.look(AT)

    tell(engine, an_event("lead.erased", "", AT, lead_id="lead-0001"))

    assert leads_told(engine, LATE) == ["lead-0000"]
    assert herald.attend(AT).sent == 1
    assert leads_told(engine, LATE) == ["lead-0000"]


def test_one_worker_looks_at_a_time(engine: Engine):
    one, other = a_herald(engine), a_herald(engine)

    turns = [one.takes_the_turn(AT), other.takes_the_turn(AT), other.takes_the_turn(AT + 8 * SECOND)]

    assert turns == [True, False, True]


def test_what_was_seen_is_sent(engine: Engine):
    plan(engine, response_goal_s=300)
    received(engine, 2, 4 * MINUTE)
    herald = a_herald(engine, LATE)

    rounds = [herald.attend(AT).sent, herald.attend(AT).sent, a_herald(engine).attend(AT).sent]

    assert rounds == [2, 0, 0]
