"""The abandon cap over HTTP: polls of predictive campaigns slow down near it, and say so."""

from typing import Any

import pytest

from features.instants import DAY, HOUR, render
from tests.features.store.tellings import an_event
from tests.serving.desks import OPEN, a_dial, many_leads

from .conftest import Door

BATCH = "application/cloudevents-batch+json"
BRITISH: dict[str, Any] = {"country": "GB", "region": None, "timezone": "Europe/London"}


def busy(door: Door, lost: int, start: int = OPEN - DAY, of: int = 100, british: bool = False) -> None:
    """Thirty leads to call; others have answered so many calls, and some of those were abandoned."""
    door.at, place = OPEN, BRITISH if british else {}
    people = many_leads(30, **place) + many_leads(of, 1000, **place)
    assert door("POST", "/v1/leads:batch", people).status_code == 200
    events = [
        a_dial(f"c{n}", f"lead-{1000 + n}", start, "abandoned" if n < lost else "contact_refused",
               human_answered=True, abandoned=n < lost)
        for n in range(of)
    ]  # fmt: skip
    assert door("POST", "/v1/events", events, content_type=BATCH).json()["accepted"] == of


def lease(door: Door, n: int = 12, **more: object) -> dict[str, Any]:
    wanted = {"n": n, "dialer_id": "d1", "lease_seconds": 120} | more
    told: dict[str, Any] = door("POST", "/v1/campaigns/spring/queue:lease", wanted).json()
    return told


@pytest.mark.parametrize(("lost", "given"), [(0, 12), (2, 12), (3, 4), (9, 4)])
def test_near_the_cap_a_poll_gives_fewer_leads_and_counts_the_rest(door: Door, lost: int, given: int):
    busy(door, lost)

    told = lease(door)

    assert (len(told["items"]), told["withheld"]["abandon_cap"]) == (given, 12 - given)


def test_diagnostics_tell_each_rules_counts_and_warn(door: Door):
    busy(door, 3)

    told = door("GET", "/v1/campaigns/spring/diagnostics").json()

    (one,) = told["abandonment"]
    assert (one["rule"], one["within_h"], one["live_answers"], one["abandoned"]) == (
        "US-ABANDON",
        720,
        100,
        3,
    )
    assert (one["rate"], one["cap"], one["pace"]) == (3.0, 3.0, pytest.approx(1 / 3))
    assert [alert["at"] for alert in told["alerts"]] == [told["as_of_at"]]
    assert [(alert["kind"], alert["payload"]["rule"]) for alert in told["alerts"]] == [
        ("abandon_cap.near", "US-ABANDON")
    ]


@pytest.mark.parametrize("mode", ["power", "preview"])
def test_where_each_agent_dials_one_lead_nothing_is_held_back(door: Door, mode: str):
    busy(door, 9)
    door("PUT", "/v1/campaigns/spring", {"mode": mode})

    assert len(lease(door)["items"]) == 12
    assert door("GET", "/v1/campaigns/spring/diagnostics").json()["abandonment"] == []


def test_a_campaign_sets_its_own_cap_but_not_above_the_law(door: Door):
    busy(door, 3)

    door("PUT", "/v1/campaigns/spring", {"abandon_cap": 0.2})
    above = lease(door)
    door("PUT", "/v1/campaigns/spring", {"abandon_cap": 0.05})
    british = lease(door, exclude=[item["lead_id"] for item in above["items"]])

    assert (len(above["items"]), len(british["items"])) == (4, 4)


def test_in_britain_a_day_counts_and_the_campaigns_cap_holds(door: Door):
    busy(door, 3, start=OPEN - DAY + HOUR, british=True)

    shrunk = lease(door)
    door.at = OPEN + 2 * HOUR
    later = lease(door)
    door.at = OPEN
    door("PUT", "/v1/campaigns/spring", {"abandon_cap": 0.05})
    allowed = lease(door, n=6)

    assert [len(told["items"]) for told in (shrunk, later, allowed)] == [4, 12, 6]


def test_due_callbacks_are_given_however_many_calls_were_abandoned(door: Door):
    busy(door, 9)
    promised = [
        an_event("callback.scheduled", f"p{n}", OPEN, lead_id=f"lead-{n:04d}", at=render(OPEN))
        for n in range(7)
    ]
    assert door("POST", "/v1/events", promised, content_type=BATCH).json()["accepted"] == 7

    told = lease(door)

    assert [item["source"] for item in told["items"]] == ["callback"] * 7
    assert told["withheld"]["abandon_cap"] == 5


def test_a_call_that_turns_out_to_be_a_machine_was_not_abandoned(door: Door):
    busy(door, 3)
    said = an_event("call.disposed", "x", OPEN, call_id="c0", disposition="machine", converted=False)
    assert door("POST", "/v1/events", [said]).json()["accepted"] == 1

    assert len(lease(door)["items"]) == 12
