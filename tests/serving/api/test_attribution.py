"""GET /v1/attribution: a sale that follows a decision is credited to its arm."""

from features.instants import HOUR, MINUTE, render
from tests.features.store.tellings import NOON
from tests.serving.api.conftest import Door


def a_sale(door: Door) -> None:
    """A lead comes in, is leased, called and buys."""
    lead = {
        "lead_id": "l1",
        "campaign": "spring",
        "created_at": render(NOON - HOUR),
        "updated_at": render(NOON - HOUR),
        "phones": [{"e164": "+14155550123", "type": "cell"}],
        "channel": "web_form",
        "country": "US",
        "timezone": "America/New_York",
        "value": 80,
        "consent": {"basis": "express_written", "at": render(NOON - HOUR), "evidence": "form"},
    }
    assert door("POST", "/v1/leads:batch", {"items": [lead]}).status_code == 200
    door.at = NOON + 4 * HOUR
    leased = door("POST", "/v1/campaigns/spring/queue:lease", {"n": 1, "dialer_id": "d1"}).json()
    item = leased["items"][0]
    call = {
        "call_id": "c1",
        "lead_id": "l1",
        "campaign": "spring",
        "agent_id": "ada",
        "dialer_id": "d1",
        "started_at": render(door.at),
        "answered_at": render(door.at + MINUTE // 2),
        "ended_at": render(door.at + 10 * MINUTE),
        "outcome": "converted",
        "talk_s": 570,
        "hold_s": 0,
        "wrap_s": 30,
        "human_answered": True,
        "abandoned": False,
        "decision_id": item["decision_id"],
    }
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "dialer",
        "type": "io.leadrank.call.attempted",
        "time": render(door.at + 10 * MINUTE),
        "data": call,
    }
    door.at += 11 * MINUTE
    assert door("POST", "/v1/events", event, Content_Type="application/cloudevents+json").status_code == 202


def test_a_sale_after_a_decision_is_credited_to_its_arm(door: Door):
    a_sale(door)

    found = door("GET", "/v1/attribution?campaign=spring").json()

    assert found["sales"] == {
        "credited": {"number": 1, "value": 80.0},
        "organic": {"number": 0, "value": 0.0},
        "outside_window": {"number": 0, "value": 0.0},
    }
    assert sum(arm["gross"] for arm in found["arms"]) == 1
    assert sum(arm["leads"] for arm in found["arms"]) == 1
    assert {arm["arm"]: arm["promised_share"] for arm in found["arms"]} == {"model": 0.9, "holdout": 0.1}
    assert found["lifts"] == []
    assert "agent-days" in found["refusal"]


def test_a_campaign_that_nobody_named_is_not_found(door: Door):
    answer = door("GET", "/v1/attribution?campaign=autumn")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_campaign")


def test_a_campaign_without_a_holdout_can_tell_no_lift(door: Door):
    door("PUT", "/v1/campaigns/spring", {"mode": "power", "holdout": 0})

    answer = door("GET", "/v1/attribution?campaign=spring")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_holdout")


def test_a_key_for_another_campaign_does_not_reach_it(door: Door):
    answer = door.with_key("read", campaigns=["autumn"])("GET", "/v1/attribution?campaign=spring")

    assert answer.status_code == 404
