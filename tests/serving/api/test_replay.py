"""Decisions replayed over HTTP: the same order again, from what was kept, while it is kept."""

import pytest

from features.instants import DAY, HOUR, MINUTE, SECOND
from features.store.decisions import forget_draws
from features.store.engine import transaction
from serving.draws import COLUMNS
from serving.upkeep import DRAWS_KEPT
from tests.features.store.tellings import an_event
from tests.serving.desks import OPEN, a_dial, many_leads

from .conftest import Door


@pytest.fixture
def handed_out(door: Door) -> tuple[Door, list[str]]:
    """A service at noon in New York that handed out four of seven leads; the decisions' ids."""
    door.at = OPEN
    door("POST", "/v1/leads:batch", many_leads(7))
    asked = {"n": 4, "dialer_id": "d"}
    items = door("POST", "/v1/campaigns/spring/queue:lease", asked).json()["items"]
    return door, [item["decision_id"] for item in items]


def test_a_decision_tells_its_pool_and_that_it_comes_out_the_same(handed_out: tuple[Door, list[str]]):
    door, decisions = handed_out

    plain = door("GET", f"/v1/decisions/{decisions[1]}").json()
    told = door("GET", f"/v1/decisions/{decisions[1]}?replay=true").json()

    assert "replay" not in plain
    assert told["replay"]["same"] is True
    assert told["replay"]["order"][told["rank"] - 1] == told["lead_id"]
    assert told["replay"]["propensity"][told["rank"] - 1] == told["propensity"]
    assert set(told["replay"]["pool"][0]) == {*COLUMNS}
    assert told["replay"]["gone"] == []


def test_an_erased_lead_is_named_no_more(handed_out: tuple[Door, list[str]]):
    door, decisions = handed_out
    lead = door("GET", f"/v1/decisions/{decisions[0]}").json()["lead_id"]
    door("POST", "/v1/events", [an_event("lead.erased", "", OPEN, lead_id=lead)])

    told = door("GET", f"/v1/decisions/{decisions[1]}?replay=true").json()["replay"]

    assert (told["same"], told["order"][0]) == (True, None)
    assert [one["why"] for one in told["gone"]] == ["erased"]
    assert lead not in {one["lead"] for one in told["pool"]}


def test_pools_are_kept_for_ninety_days(handed_out: tuple[Door, list[str]]):
    door, decisions = handed_out
    with transaction(door.engine) as connection:
        forget_draws(connection, OPEN)
    kept = door("GET", f"/v1/decisions/{decisions[0]}?replay=true").json()["replay"]

    door.at = OPEN + DRAWS_KEPT + SECOND
    door("GET", "/v1/campaigns/spring/diagnostics")
    gone = door("GET", f"/v1/decisions/{decisions[0]}?replay=true").json()["replay"]

    assert (kept["same"], DRAWS_KEPT) == (True, 90 * DAY)
    assert gone == {"same": None, "gone": [{"input": "pool", "why": "kept_no_more"}]}


def test_slots_that_a_floor_gave_come_out_the_same_again(door: Door):
    """Every call so far went to one source: leads of the other are owed some."""
    door.at = OPEN
    door("PUT", "/v1/campaigns/spring", {"holdout": 0.0, "fairness_floor": 0.2})
    told = many_leads(40, source="dear") + many_leads(40, first=40, source="forgotten")
    door("POST", "/v1/leads:batch", told)
    calls = [a_dial(f"c{n}", f"lead-{n:04d}", OPEN - 2 * HOUR - n * MINUTE) for n in range(20)]
    door("POST", "/v1/events", calls, content_type="application/cloudevents-batch+json")

    items = door("POST", "/v1/campaigns/spring/queue:lease", {"n": 30, "dialer_id": "d"}).json()["items"]

    given = [item for item in items if item["source"] == "explore"]
    assert given
    assert {item["lead_id"] >= "lead-0040" for item in given} == {True}
    again = door("GET", f"/v1/decisions/{given[0]['decision_id']}?replay=true").json()
    assert again["replay"]["same"] is True
    assert 0 < again["propensity"] < 1
