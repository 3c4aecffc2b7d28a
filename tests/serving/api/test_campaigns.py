"""Campaigns over HTTP: defaults, replacement, what is refused; and the events' door."""

import orjson
import pytest

from tests.features.store.tellings import a_call, a_lead, an_event

from .conftest import Door

DEFAULTS = {
    "mode": "predictive", "confirmation": False, "horizon_days": 30, "max_age_days": 30, "holdout": 0.1,
    "uniform": 0.01, "temperature": 0.2, "timing": False,
    "caps": {"per_day": 3, "lifetime": 8, "min_gap_s": 7200},
}  # fmt: skip


def test_a_campaign_first_named_by_a_lead_has_the_defaults(door: Door):
    door("POST", "/v1/leads:batch", [a_lead()])

    told = door("GET", "/v1/campaigns/spring").json()

    assert {name: told[name] for name in DEFAULTS} == DEFAULTS


def test_settings_are_replaced_whole(door: Door):
    wanted = {"mode": "power", "timezone": "America/New_York", "caps": {"per_day": 2}, "holdout": 0.2}

    made = door("PUT", "/v1/campaigns/spring", wanted)
    read = door("GET", "/v1/campaigns/spring").json()
    door("PUT", "/v1/campaigns/spring", {"mode": "preview"})
    replaced = door("GET", "/v1/campaigns/spring").json()

    assert (made.status_code, made.json()) == (201, read)
    assert (read["mode"], read["caps"]) == ("power", {"per_day": 2, "lifetime": 8, "min_gap_s": 7200})
    assert (replaced["mode"], replaced["holdout"], replaced["timezone"]) == ("preview", 0.1, None)
    assert door("PUT", "/v1/campaigns/spring", {}).status_code == 200


@pytest.mark.parametrize("settings", [
    {"mode": "fast"}, {"timezone": "Mars/Base"}, {"holdout": -0.1}, {"caps": {"per_day": 0}}, {"speed": 1},
    {"shifts": [{"name": "early", "start": "8", "end": "16:00"}]},
    {"shifts": [{"name": "late", "start": "16:00", "end": "24:30"}]},
])  # fmt: skip
def test_settings_that_make_no_sense_are_refused(door: Door, settings: dict[str, object]):
    assert door("PUT", "/v1/campaigns/spring", settings).status_code == 422


def test_a_campaigns_name_is_an_identifier(door: Door):
    assert door("PUT", "/v1/campaigns/a%20b", {}).status_code == 422


def test_events_are_taken_in_once_and_the_rest_waits_with_a_reason(door: Door):
    door("POST", "/v1/leads:batch", [a_lead()])
    stranger, early = a_call("c2", "bob"), an_event("call.disposed", call_id="c9", disposition="converted")
    odd = a_call("c3", ended_at="2026-01-05T01:00:00Z", name="odd")

    told = door("POST", "/v1/events", [a_call(), a_call(), stranger, early, odd, {"id": "x"}])

    assert told.status_code == 202
    assert (told.json()["accepted"], told.json()["duplicates"]) == (1, 1)
    codes = {one["code"] for one in told.json()["quarantined"]}
    assert {"unknown_lead", "unknown_call", "ended_before_started"} <= codes
    assert [one["index"] for one in told.json()["rejected"]] == [5]

    waiting = door("GET", "/v1/quarantine?limit=2").json()
    rest = door("GET", f"/v1/quarantine?after={waiting['next']}").json()
    assert sum(waiting["counts"].values()) == len(waiting["items"]) + len(rest["items"]) == 3
    assert door("GET", "/v1/quarantine?code=unknown_lead").json()["items"][0]["id"] == stranger["id"]

    door("POST", "/v1/leads:batch", [a_lead("bob")])
    assert "unknown_lead" not in door("GET", "/v1/quarantine").json()["counts"]
    assert door("POST", "/v1/quarantine:replay", {"codes": ["unknown_call"]}).json()["accepted"] == 0


@pytest.mark.parametrize("kind", ["application/cloudevents+json", "application/json"])
def test_one_event_may_come_by_itself(door: Door, kind: str):
    door("POST", "/v1/leads:batch", [a_lead()])

    assert door.send("/v1/events", orjson.dumps(a_call()), kind).json()["accepted"] == 1
