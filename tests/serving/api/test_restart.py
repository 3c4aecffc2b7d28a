"""A service that starts again goes on from what it remembered, and reads only what was stored since."""

from typing import Any

from features.instants import HOUR
from tests.features.store.tellings import NOON, a_lead, a_phone, an_event

from .conftest import Door, Opened

POLL = {"n": 9, "dialer_id": "d1"}


def told(opened: Opened) -> Door:
    """A service at noon in New York that took in two leads."""
    door = opened()
    door.at = NOON + 5 * HOUR
    door("POST", "/v1/leads:batch", [a_lead("ann"), a_lead("bob")])
    return door


def lease(door: Door, **more: object) -> set[Any]:
    door.at = NOON + 5 * HOUR
    given = door("POST", "/v1/campaigns/spring/queue:lease", POLL | more).json()
    return {item["lead_id"] for item in given["items"]}


def test_a_restarted_service_begins_with_the_ledger_of_the_one_before(opened: Opened):
    first = told(opened)
    first("GET", "/v1/campaigns/spring/diagnostics")
    first.close()

    again = opened()

    assert again.client.app.state.desk.ledger.leads.ids == ["ann", "bob"]  # type: ignore[attr-defined]


def test_it_learns_what_was_stored_while_it_was_away(opened: Opened):
    other, first = opened(), told(opened)
    first("GET", "/v1/campaigns/spring/diagnostics")
    first.close()
    other.at = NOON + 5 * HOUR
    stop = an_event("dnc.added", phone=a_phone("ann"), time=NOON)
    assert other("POST", "/v1/events", stop, content_type="application/cloudevents+json").status_code == 202

    assert lease(opened()) == {"bob"}


def test_it_still_knows_who_holds_what(opened: Opened):
    first = told(opened)
    held = lease(first, n=1)
    first.close()

    assert lease(opened(), dialer_id="d2") == {"ann", "bob"} - held
