"""From a lead to its KPI over HTTP: leases, acknowledgements, the last gate, decisions, accounts."""

from typing import Any

import pytest

from features.instants import DAY, HOUR, MINUTE, SECOND, render
from tests.features.store.tellings import NOON, a_lead, an_event
from tests.serving.desks import a_dial

from .conftest import Door

OPEN = NOON + 5 * HOUR
"""Noon in New York."""
POLL = {"n": 10, "dialer_id": "d1", "lease_seconds": 120}


@pytest.fixture
def floor(door: Door) -> Door:
    """A service at noon in New York, with three leads."""
    door.at = OPEN
    leads = [a_lead("ann", value=100), a_lead("bob", channel="referral"), a_lead("cat", phones=[])]
    assert door("POST", "/v1/leads:batch", leads).status_code == 200
    return door


def lease(door: Door, **more: object) -> dict[str, Any]:
    answer = door("POST", "/v1/campaigns/spring/queue:lease", POLL | more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def a_call(item: dict[str, Any], call_id: str, start: int, outcome: str = "converted") -> dict[str, Any]:
    data = {
        "call_id": call_id, "lead_id": item["lead_id"], "campaign": "spring", "agent_id": "joe",
        "dialer_id": "d1", "phone": item["phone"], "started_at": render(start),
        "ended_at": render(start + 3 * MINUTE),
        "outcome": outcome, "talk_s": 100, "hold_s": 0, "wrap_s": 20, "human_answered": True,
        "abandoned": False, "lease_id": item["lease_id"], "decision_id": item["decision_id"],
    }  # fmt: skip
    return {
        "specversion": "1.0", "id": call_id, "source": "dialer", "type": "io.leadrank.call.attempted",
        "time": render(start + 3 * MINUTE), "data": data,
    }  # fmt: skip


def test_a_lease_has_the_fields_of_the_contract(floor: Door):
    told = lease(floor)

    assert [item["rank"] for item in told["items"]] == [1, 2]
    assert set(told) == {
        "batch_id", "snapshot_id", "model_version", "ranked_at", "degraded", "expires_at", "items",
        "leads", "withheld", "next_poll_after_s",
    }  # fmt: skip
    item = next(item for item in told["items"] if item["lead_id"] == "ann")
    assert set(item) == {
        "lease_id", "decision_id", "lead_id", "phone", "rank", "score", "p_answer", "p_convert", "handle_s",
        "source", "attempt_no", "timezone", "callable_until", "best_window", "agent_id", "reasons",
        "attributes",
    }  # fmt: skip
    assert item["phone"].startswith("+1212555")
    assert (item["attempt_no"], item["timezone"]) == (1, "America/New_York")
    assert item["callable_until"] == render(OPEN + 9 * HOUR)
    assert (told["withheld"]["unworkable"], told["withheld"]["outside_hours"]) == (1, 0)
    assert (told["ranked_at"], told["expires_at"]) == (render(OPEN), render(OPEN + 120 * SECOND))


def test_a_leased_lead_is_not_leased_again_until_the_lease_expires(floor: Door):
    first, second = lease(floor), lease(floor, dialer_id="d2")
    floor.at = OPEN + 121 * SECOND
    third = lease(floor, dialer_id="d2")

    assert (len(first["items"]), second["items"], second["withheld"]["leased"]) == (2, [], 2)
    assert {item["lead_id"] for item in third["items"]} == {"ann", "bob"}


def test_at_night_the_queue_is_empty_and_says_why(floor: Door):
    floor.at = OPEN + 12 * HOUR

    told = lease(floor)

    assert told["items"] == []
    assert told["withheld"]["outside_hours"] == 2


def test_filters_and_exclusions_are_kept(floor: Door):
    assert [item["lead_id"] for item in lease(floor, filters={"channels": ["referral"]})["items"]] == ["bob"]
    assert lease(floor, exclude=["ann"])["items"] == []


def test_a_poll_that_filters_everybody_out_is_told_that_it_did(floor: Door):
    nobody, somebody = lease(floor, filters={"channels": ["event"]}), lease(floor)

    assert (nobody["items"], sum(nobody["withheld"].values())) == ([], nobody["withheld"]["filtered"])
    assert (nobody["withheld"]["filtered"], nobody["leads"], somebody["leads"]) == (3, 3, 3)
    assert lease(floor, exclude=["cat"])["leads"] == 3
    assert "filtered" not in somebody["withheld"]


def test_a_campaign_that_nobody_named_has_an_empty_queue(floor: Door):
    told = floor("POST", "/v1/campaigns/winter/queue:lease", POLL)

    assert (told.status_code, told.json()["items"], told.json()["leads"]) == (200, [], 0)
    assert lease(floor)["leads"] == 3


def test_the_same_poll_gets_the_same_leases_while_they_live_and_then_410(floor: Door):
    poll = ("POST", "/v1/campaigns/spring/queue:lease", POLL)

    first, again = floor(*poll, Idempotency_Key="p1"), floor(*poll, Idempotency_Key="p1")
    other = floor(*poll[:2], POLL | {"n": 3}, Idempotency_Key="p1")
    floor.at = OPEN + 120 * SECOND
    gone = floor(*poll, Idempotency_Key="p1")
    floor.at = OPEN + 5 * HOUR
    floor(*poll, Idempotency_Key="p2")
    long_gone = floor(*poll, Idempotency_Key="p1")

    assert first.json()["items"]
    assert again.content == first.content
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (gone.status_code, gone.json()["code"]) == (410, "lease_expired")
    assert long_gone.status_code == 410


@pytest.mark.parametrize("kind", ["dnc.added", "objection.received", "lead.erased"])
def test_a_poll_told_again_leaves_out_who_was_stopped_since(floor: Door, kind: str):
    poll = ("POST", "/v1/campaigns/spring/queue:lease", POLL)
    first = floor(*poll, Idempotency_Key="p1").json()
    stop = an_event(kind, time=OPEN, lead_id="ann")
    assert floor("POST", "/v1/events", stop, Content_Type="application/cloudevents+json").status_code == 202

    again = floor(*poll, Idempotency_Key="p1")

    assert again.json() == first | {"items": [one for one in first["items"] if one["lead_id"] == "bob"]}
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_polls_key_is_spent_for_good_although_nobody_asked_for_more_than_a_day(floor: Door):
    poll = ("POST", "/v1/campaigns/spring/queue:lease", POLL)

    floor(*poll, Idempotency_Key="p1")
    floor.at = OPEN + 25 * HOUR
    gone = floor(*poll, Idempotency_Key="p1")

    assert (gone.status_code, gone.json()["code"]) == (410, "lease_expired")


def test_two_keys_of_one_name_may_use_the_same_idempotency_key(floor: Door):
    poll = ("POST", "/v1/campaigns/spring/queue:lease", POLL | {"n": 1})
    successor = floor.with_key("queue")

    first, other = floor(*poll, Idempotency_Key="p1"), successor(*poll, Idempotency_Key="p1")

    assert (first.status_code, other.status_code) == (200, 200), other.text
    assert {first.json()["items"][0]["lead_id"], other.json()["items"][0]["lead_id"]} == {"ann", "bob"}


@pytest.mark.parametrize("poll", [
    {"n": 0}, {"n": 501}, {"lease_seconds": 9}, {"lease_seconds": 901}, {"dialer_id": "a b"}, {"hurry": True},
    {"filters": {"moods": []}},
])  # fmt: skip
def test_a_poll_outside_the_limits_is_refused(floor: Door, poll: dict[str, object]):
    assert floor("POST", "/v1/campaigns/spring/queue:lease", POLL | poll).status_code == 422


def test_acknowledgements_are_answered_one_by_one(floor: Door):
    first, second = lease(floor)["items"]
    acks = [
        {"lease_id": first["lease_id"], "state": "dialing"},
        {"lease_id": second["lease_id"], "state": "released"},
        {"lease_id": "nobody", "state": "dialing"},
        {"lease_id": first["lease_id"], "state": "dancing"},
        7,
    ]

    told = floor("POST", "/v1/leases:ack", acks).json()["items"]
    floor.at = OPEN + HOUR
    next_ones = [item["lead_id"] for item in lease(floor)["items"]]
    late = floor("POST", "/v1/leases:ack", [{"lease_id": second["lease_id"], "state": "dialing"}]).json()[
        "items"
    ]

    assert [(one["lease_id"], one["status"], one.get("code")) for one in told] == [
        (first["lease_id"], 200, None), (second["lease_id"], 200, None), ("nobody", 404, "unknown_lease"),
        (first["lease_id"], 422, "malformed"), (None, 422, "malformed"),
    ]  # fmt: skip
    assert next_ones == [second["lead_id"]]
    assert late[0]["status"] == 410


def test_another_campaigns_lease_is_unknown_to_a_limited_key(floor: Door):
    lease_id = lease(floor)["items"][0]["lease_id"]
    stranger = floor.with_key("queue", campaigns=["autumn"])

    told = stranger("POST", "/v1/leases:ack", [{"lease_id": lease_id, "state": "released"}]).json()["items"]

    assert told == [{"lease_id": lease_id, "status": 404, "code": "unknown_lease"}]
    assert lease(floor)["items"] == []


def test_the_last_gate_knows_no_lead_or_lease_of_another_campaign_for_a_limited_key(floor: Door):
    floor("PUT", "/v1/campaigns/autumn", {})
    held = lease(floor, n=1)["items"][0]
    stranger = floor.with_key("queue", campaigns=["autumn"])

    def gate(**named: str) -> dict[str, Any]:
        told: dict[str, Any] = stranger(
            "POST", "/v1/eligibility:check", {"campaign": "autumn", **named}
        ).json()
        return told

    assert gate(lead_id="ann") == gate(lead_id="nobody")
    assert gate(lease_id=held["lease_id"]) == gate(lease_id="nobody")
    assert not gate(lead_id="bob")["allow"]


def test_the_last_gate_asks_every_rule(floor: Door):
    held = lease(floor)["items"][0]

    def gate(**named: str) -> dict[str, Any]:
        answer = floor("POST", "/v1/eligibility:check", {"campaign": "spring", **named})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    own, other, nobody = gate(lease_id=held["lease_id"]), gate(lead_id="cat"), gate(lead_id="nobody")
    by_number = gate(phone=held["phone"])
    floor.at = OPEN + 60 * SECOND
    dnc = {
        "specversion": "1.0", "id": "dnc", "source": "s", "type": "io.leadrank.dnc.added",
        "time": render(floor.at), "data": {"phone": held["phone"]},
    }  # fmt: skip
    assert floor("POST", "/v1/events", [dnc]).json()["accepted"] == 1
    stopped = gate(lease_id=held["lease_id"])

    assert (own["allow"], own["rules_failed"]) == (True, [])
    assert own["valid_until"] is not None
    assert (other["allow"], "NO-PHONE" in other["rules_failed"]) == (False, True)
    assert nobody["allow"] is False
    assert by_number["rules_failed"] == ["LEASED"]
    assert stopped["allow"] is False


@pytest.mark.parametrize("named", [{}, {"lead_id": "ann", "phone": "+12125550100"}, {"phone": "5550100"}])
def test_the_last_gate_wants_exactly_one_name(floor: Door, named: dict[str, str]):
    assert floor("POST", "/v1/eligibility:check", {"campaign": "spring", **named}).status_code == 422


def test_a_decision_is_on_record_with_the_call_that_carried_it_out_and_its_credit(floor: Door):
    first, second = lease(floor)["items"]
    floor.at = OPEN + 10 * MINUTE
    told = [a_call(first, "c1", OPEN + MINUTE), a_call(second, "c2", OPEN + MINUTE, "contact_refused")]
    assert floor("POST", "/v1/events", told).json()["accepted"] == 2

    decision = floor("GET", f"/v1/decisions/{first['decision_id']}").json()
    rate = floor("GET", "/v1/kpis?kpi=call_conversion_rate&campaign=spring&by=policy").json()
    length = floor("GET", "/v1/kpis?kpi=average_call_duration&campaign=spring").json()
    waited = floor("GET", "/v1/kpis?kpi=lead_response_time&campaign=spring&by=channel").json()
    afterwards = lease(floor)

    assert (decision["lead_id"], decision["rank"], decision["lease_id"]) == (
        first["lead_id"],
        1,
        first["lease_id"],
    )
    assert decision["arm"] in ("model", "holdout")
    assert 0 < decision["propensity"] <= 1
    assert [(call["call_id"], call["outcome"]) for call in decision["calls"]] == [("c1", "converted")]
    assert {row["group"]["policy"] for row in rate["rows"]} <= {"model", "holdout"}
    assert sum(row["detail"]["net"] for row in rate["rows"]) == 1
    assert sum(row["n"] for row in rate["rows"]) == 2
    assert length["rows"][0]["value"] == 180
    assert {row["group"]["channel"]: row["n"] for row in waited["rows"]} == {"referral": 1, "web_form": 1}
    assert afterwards["withheld"]["converted"] == 1
    assert afterwards["items"] == []


def test_a_lead_explains_itself(floor: Door):
    told = floor("GET", "/v1/leads/ann/explain").json()

    assert (told["lead_id"], told["eligibility"]["allow"], told["windows"]) == (
        "ann",
        True,
        "no_timing_evidence",
    )
    assert told["callable_until"] == render(OPEN + 9 * HOUR)


def test_diagnostics_count_why_leads_wait_and_until_when(floor: Door):
    floor.at = OPEN + 12 * HOUR

    told = floor("GET", "/v1/campaigns/spring/diagnostics").json()

    assert (told["leads"], told["callable"], told["withheld"]["outside_hours"]) == (3, 0, 2)
    assert told["next_callable_at"] == render(OPEN + 20 * HOUR)
    (zone,) = told["by_zone"]
    assert told["withheld_by_zone"][zone]["outside_hours"] == 2
    assert [hour["callable"] for hour in told["ahead"]] == [0] * 8 + [2] * 13 + [0] * 3
    assert told["ahead"][8] == {"starts_at": render(OPEN + 20 * HOUR), "callable": 2, "by_zone": {zone: 2}}


def test_diagnostics_tell_what_dialers_did_of_late(floor: Door):
    """A lease without a word; three people pick up, one finds nobody there; a machine is nobody."""
    floor("POST", "/v1/campaigns/spring/queue:lease", {"n": 1, "dialer_id": "d1", "lease_seconds": 60})
    floor.at = OPEN + 12 * HOUR
    calls = [
        a_dial("c1", "ann", OPEN + HOUR, "contact_no_decision", human_answered=True),
        a_dial("c2", "ann", OPEN + 2 * HOUR, "abandoned", human_answered=True, abandoned=True),
        a_dial("c3", "bob", OPEN + 3 * HOUR, "machine", abandoned=True),
        a_dial("c4", "bob", OPEN - 20 * DAY, "contact_no_decision", human_answered=True),
    ]
    told = floor("POST", "/v1/events", calls, content_type="application/cloudevents-batch+json").json()
    assert told["accepted"] == 4

    found = floor("GET", "/v1/campaigns/spring/diagnostics").json()

    assert found["lately"]["abandoned_24h"] == {"live_answers": 2, "abandoned": 1, "rate": 50.0}
    assert found["lately"]["abandoned_30d"]["live_answers"] == 3
    assert found["lately"]["lease_expiries_24h"] == 1
    assert found["rank_age"] is None


def test_without_a_model_there_are_no_versions(floor: Door):
    assert floor("GET", "/v1/models").json() == {"items": [], "degraded": False, "trouble": ""}


def test_what_is_said_of_one_lead_holds_for_another_of_its_number_only_where_it_is_the_numbers(door: Door):
    """Hands and gap are the number's; a dead line closes the lead that was called."""
    door.at = OPEN
    shared = a_lead("bob", phones=a_lead("ann")["phones"])
    door("POST", "/v1/leads:batch", [a_lead("ann"), shared])
    (first,) = lease(door)["items"]
    assert lease(door)["withheld"]["leased"] == 2
    rejected = {"lease_id": first["lease_id"], "state": "rejected", "reason": "no such number"}

    door("POST", "/v1/leases:ack", [rejected])
    door.at = OPEN + SECOND
    (again,) = lease(door)["items"]
    door.at = OPEN + 10 * MINUTE
    door("POST", "/v1/events", [a_call(again, "c1", OPEN + MINUTE, "disconnected")])
    soon = lease(door)
    door.at = OPEN + 3 * HOUR
    (other,) = lease(door)["items"]

    assert (soon["items"], {name for name, count in soon["withheld"].items() if count}) == (
        [],
        {"unworkable", "min_gap"},
    )
    assert {again["lead_id"], other["lead_id"]} == {"ann", "bob"}
