"""Erasure over HTTP: what is known of a lead goes from every table, and a receipt says what went."""

import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Engine, LargeBinary, Text, select

from features.instants import MINUTE, SECOND, render
from features.store.engine import reading
from features.store.tables import event, metadata, quarantine
from tests.features.store.tellings import a_call, a_lead, a_phone, an_event
from tests.serving.desks import OPEN, a_stop

from .conftest import Door

PHONE = a_phone("zed")
SECRETS = (PHONE, "Zaphod", "Zsource", "evid-Z", "94105")
POLL = {"n": 3, "dialer_id": "d1"}
LEASE, RANKING = "/v1/campaigns/spring/queue:lease", "/v1/campaigns/spring/ranking"


def zed() -> dict[str, object]:
    return a_lead(
        "zed",
        attributes={"nickname": "Zaphod"},
        source="Zsource",
        postal_code="94105",
        consent={"basis": "express", "at": render(OPEN - MINUTE), "evidence": "evid-Z"},
    )


def told_of_zed() -> list[dict[str, Any]]:
    """Events that make sense, and some that don't, which say what nobody may know later."""
    return [
        a_call("c1", "zed", phone=PHONE),
        a_call("c2", "zed", phone=PHONE, outcome="weird"),
        a_call("c3", "zed", phone=PHONE, nickname="Zaphod"),
        a_call("c4", "ann", phone=PHONE, outcome="weird"),
        an_event("consent.granted", "g1", OPEN, lead_id="zed", basis="express", evidence="evid-Z"),
        an_event("dnc.removed", "r1", OPEN, phone=PHONE, reason="Zaphod called"),
        an_event("voice.scored", "v1", OPEN, call_id="c1", tone={"Zaphod": 1.0}, transcript_ref="evid-Z"),
        a_call("c5", "new", phone=PHONE) | {"subject": "zed"},
    ]


@pytest.fixture
def floor(door: Door) -> Door:
    """A service at noon in New York that handed three leads out, and was told much of one of them."""
    door.at = OPEN
    door("POST", "/v1/leads:batch", [zed(), a_lead("ann"), a_lead("bob")])
    assert len(door("POST", LEASE, POLL, Idempotency_Key="p1").json()["items"]) == 3
    door("POST", "/v1/events", told_of_zed())
    return door


def erased(floor: Door, lead_id: str = "zed") -> dict[str, Any]:
    told: dict[str, Any] = floor(
        "POST", "/v1/events", [an_event("lead.erased", "", OPEN, lead_id=lead_id)]
    ).json()
    return told


def found(engine: Engine, words: tuple[str, ...]) -> set[tuple[str, str, str]]:
    """Where the database holds a word: (table, column, word), whatever the table."""
    with reading(engine) as connection:
        return {
            (table.name, column.name, word)
            for table in metadata.sorted_tables
            for column in table.c
            if isinstance(column.type, Text | JSON | LargeBinary)
            for value in connection.execute(select(column).where(column.is_not(None))).scalars()
            for text in _texts(value)
            for word in words
            if word in text
        }


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, bytes):
        yield value.decode("latin-1")
        try:
            yield zlib.decompress(value).decode("latin-1")
        except zlib.error:
            return
    else:
        yield str(value)


def test_no_table_holds_what_was_known_of_an_erased_lead(floor: Door):
    assert {word for _, _, word in found(floor.engine, SECRETS)} == set(SECRETS)

    erased(floor)

    assert found(floor.engine, SECRETS) == set()


def test_an_erasure_has_a_receipt(floor: Door):
    told = erased(floor)

    (receipt,) = told["receipts"]
    assert (receipt["lead_id"], receipt["erased_at"]) == ("zed", render(OPEN))
    expected = {"leads": 1, "attributes": 1, "consents": 2, "quarantined": 4, "decisions": 1, "leases": 2}
    assert {kind: receipt["reached"][kind] for kind in expected} == expected
    assert receipt["reached"]["answers"] == 1
    assert "receipts" not in floor("POST", "/v1/events", [a_stop("dnc.added", OPEN, lead_id="ann")]).json()


def test_what_is_told_of_an_erased_lead_later_counts_and_is_not_kept_in_clear(floor: Door):
    erased(floor)

    again = [one | {"id": f"late-{one['id']}"} for one in told_of_zed() if one["id"] != "r1"]
    again = [one for one in again if one["data"].get("lead_id") in ("zed", None)]
    told = floor("POST", "/v1/events", again).json()

    assert told["accepted"] == 3
    assert found(floor.engine, SECRETS) == set()


def test_an_event_about_an_erased_lead_is_known_again(floor: Door):
    """Those that wait still too: what was blanked isn't told anew by telling it again."""
    erased(floor)
    before = kept_in_quarantine(floor)

    told = floor("POST", "/v1/events", told_of_zed()).json()

    assert (told["accepted"], told["duplicates"]) == (0, len(told_of_zed()))
    assert kept_in_quarantine(floor) == before


def kept_in_quarantine(floor: Door) -> list[object]:
    with reading(floor.engine) as connection:
        return list(connection.execute(select(quarantine.c.payload).order_by(quarantine.c.row)).scalars())


def test_a_call_that_waited_counts_after_its_lead_was_erased(floor: Door):
    erased(floor)
    with reading(floor.engine) as connection:
        kept = select(quarantine.c.payload).where(quarantine.c.id == "attempt-c2")
        data = connection.execute(kept).scalar_one()["data"]

    assert "phone" not in data
    assert (data["call_id"], data["lead_id"], data["outcome"]) == ("c2", "zed", "weird")


def test_what_was_replayed_stands_in_the_log_alone(door: Door):
    door.at = OPEN
    door("POST", "/v1/events", [a_call("c1", "zed", phone=PHONE)])

    door("POST", "/v1/leads:batch", [zed()])

    with reading(door.engine) as connection:
        assert connection.execute(select(quarantine.c.payload)).scalars().all() == [{}]
        assert connection.execute(select(event.c.data)).scalar_one()["phone"] == PHONE


def test_an_erased_lead_is_explained_to_nobody(floor: Door):
    erased(floor)

    told = floor("GET", "/v1/leads/zed/explain")

    assert (told.status_code, told.json()["code"]) == (404, "unknown_lead")


def test_a_decision_of_an_erased_lead_names_it_no_more(floor: Door):
    items = floor("POST", LEASE, POLL, Idempotency_Key="p1").json()["items"]
    path = {item["lead_id"]: f"/v1/decisions/{item['decision_id']}" for item in items}
    before = floor("GET", path["zed"]).json()

    erased(floor)

    after = floor("GET", path["zed"]).json()
    assert (before["lead_id"], before["erased"]) == ("zed", False)
    assert (after["lead_id"], after["erased"], after["reasons"], after["score"]) == (None, True, [], None)
    kept = ("rank", "arm", "source", "propensity", "at")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert floor("GET", path["ann"]).json()["lead_id"] == "ann"


def test_pages_of_an_older_snapshot_leave_out_who_was_erased_since(door: Door):
    door.at = OPEN
    door("POST", "/v1/leads:batch", [a_lead(name) for name in ("ann", "bob", "cyd")])
    first = door("GET", f"{RANKING}?limit=1").json()
    cursor = f"{first['snapshot_id']}.0"
    gone = first["items"][0]["lead_id"]
    door.at = OPEN + SECOND
    erased(door, gone)

    page = door("GET", f"{RANKING}?cursor={cursor}").json()

    assert [item["rank"] for item in page["items"]] == [2, 3]
    assert gone not in {item["lead_id"] for item in page["items"]}


def test_who_objected_is_not_called_whatever_else_was_wished(floor: Door):
    stops = [a_stop(kind, OPEN, lead_id="bob") for kind in ("dnc.added", "objection.received")]
    floor("POST", "/v1/events", stops)

    told = floor("GET", "/v1/leads/bob/explain").json()

    assert "EU-OBJECT" in told["eligibility"]["rules_failed"]
    assert (told["heads"], told["decay"], told["score"], told["model_version"]) == ({}, [], None, None)
