"""Leads in: each for itself, never older than what is known, every attribute with its time."""

import pytest
from sqlalchemy import Engine, select

from features.instants import DAY, HOUR, parse
from features.store.engine import reading, transaction
from features.store.tables import campaign, consent, lead, lead_attribute, lead_past
from features.store.writes import Known, accept_events, accept_leads
from tests.features.store.tellings import NOON, a_lead, an_event


def accepted(engine: Engine, *items: object, at: int = NOON, known: Known = "received"):
    with transaction(engine) as connection:
        return accept_leads(connection, items, at, known)


def rows(engine: Engine, table):
    with reading(engine) as connection:
        return connection.execute(select(table).order_by(table.c.seq)).all()


def test_a_new_lead_is_created_and_its_campaign_with_it(engine: Engine):
    results = accepted(engine, a_lead("ann"), a_lead("bob"))

    assert [(one.lead_id, one.result) for one in results] == [("ann", "created"), ("bob", "created")]
    assert [row.lead_id for row in rows(engine, lead)] == ["ann", "bob"]
    assert [(row.campaign, row.settings) for row in rows(engine, campaign)] == [("spring", {})]


def test_the_same_lead_again_is_unchanged_and_keeps_its_number(engine: Engine):
    accepted(engine, a_lead(attributes={"pets": 2}))
    before = rows(engine, lead)

    results = accepted(engine, a_lead(attributes={"pets": 2}))

    assert results[0].result == "unchanged"
    assert rows(engine, lead) == before


def test_a_newer_lead_updates_and_gets_a_new_number(engine: Engine):
    accepted(engine, a_lead(), a_lead("bob"))
    before = {row.lead_id: row.seq for row in rows(engine, lead)}

    results = accepted(engine, a_lead(region="NJ", updated_at="2026-01-05T09:00:00Z"))

    after = {row.lead_id: row for row in rows(engine, lead)}
    assert results[0].result == "updated"
    assert after["ann"].region == "NJ"
    assert after["ann"].seq > max(before.values())
    assert after["bob"].seq == before["bob"]


def test_an_older_lead_is_stale_and_ignored(engine: Engine):
    accepted(engine, a_lead(updated_at="2026-01-05T09:00:00Z"))

    results = accepted(engine, a_lead(region="NJ", updated_at="2026-01-05T08:30:00Z"))

    assert results[0].result == "stale"
    assert rows(engine, lead)[0].region == "NY"


def test_of_two_versions_in_one_batch_both_count_in_their_order(engine: Engine):
    results = accepted(engine, a_lead(), a_lead(region="NJ", updated_at="2026-01-05T09:00:00Z"))

    assert [one.result for one in results] == ["created", "updated"]
    assert [row.region for row in rows(engine, lead)] == ["NJ"]


@pytest.mark.parametrize(
    "bad",
    [
        {"phones": [{"e164": "0123"}]},
        {"channel": "Web Form"},
        {"timezone": "Mars/Olympus"},
        {"lead_id": "no spaces"},
        {"created_at": "2026-01-05T08:00:00"},
        {"created_at": "2026-01-07T08:00:00Z"},
        {"surprise": 1},
        {"value": float("inf")},
        {"attributes": {"nested": {"a": 1}}},
        {"region": "N\x00Y"},
    ],
)
def test_one_bad_lead_never_fails_the_others(engine: Engine, bad):
    results = accepted(engine, a_lead() | bad, "not a lead", a_lead("bob"))

    assert [one.result for one in results] == ["rejected", "rejected", "created"]
    assert results[0].reason
    assert [row.lead_id for row in rows(engine, lead)] == ["bob"]


def test_an_attribute_keeps_each_value_with_the_time_it_became_known(engine: Engine):
    first, second = {"pets": 2, "car": "red", "vip": True}, {"pets": 3, "car": None, "vip": True}

    accepted(engine, a_lead(attributes=first))
    accepted(engine, a_lead(attributes=second, updated_at="2026-01-05T09:00:00Z"), at=NOON + HOUR)

    history = [(row.name, row.number, row.word, row.known_at) for row in rows(engine, lead_attribute)]
    assert history == [
        ("pets", 2, None, NOON),
        ("car", None, "red", NOON),
        ("vip", 1, None, NOON),
        ("pets", 3, None, NOON + HOUR),
        ("car", None, None, NOON + HOUR),
    ]


def test_imported_leads_are_known_since_they_were_updated(engine: Engine):
    accepted(engine, a_lead(attributes={"pets": 2}, updated_at="2026-01-05T09:00:00Z"), known="event")

    assert rows(engine, lead)[0].known_at == parse("2026-01-05T08:00:00Z")
    assert rows(engine, lead_attribute)[0].known_at == parse("2026-01-05T09:00:00Z")


def versions(engine: Engine) -> list[tuple[object, ...]]:
    return [(row.region, row.zone, row.updated_at, row.known_at) for row in rows(engine, lead_past)]


def test_what_was_said_before_is_kept_with_the_time_it_was_known(engine: Engine):
    eight, nine = parse("2026-01-05T08:00:00Z"), parse("2026-01-05T09:00:00Z")
    accepted(engine, a_lead())
    accepted(engine, a_lead(region="CA", updated_at="2026-01-05T09:00:00Z"), at=NOON + HOUR)
    accepted(engine, a_lead(region="CA", updated_at="2026-01-05T10:00:00Z"), at=NOON + 2 * HOUR)
    accepted(engine, a_lead(region="NJ", updated_at="2026-01-05T08:30:00Z"), at=NOON + 3 * HOUR)
    accepted(engine, a_lead(timezone="Asia/Kolkata", updated_at="2026-01-05T11:00:00Z"), at=NOON + DAY)

    (stands,) = rows(engine, lead)
    assert versions(engine) == [
        ("NY", "America/New_York", eight, NOON),
        ("CA", "America/Los_Angeles", nine + HOUR, NOON + HOUR),
    ]
    assert (stands.known_at, stands.since) == (NOON, NOON + DAY)


def test_versions_may_be_imported_in_any_order_and_again(engine: Engine):
    eight, nine, ten = (parse(f"2026-01-05T{hour:02d}:00:00Z") for hour in (8, 9, 10))
    told = [
        a_lead(region=region, timezone="UTC", updated_at=f"2026-01-05T{hour:02d}:00:00Z")
        for region, hour in (("NY", 8), ("CA", 10), ("NJ", 9))
    ]
    results = accepted(engine, *told, *told, at=NOON, known="event")
    accepted(engine, *told, at=NOON, known="event")

    assert [one.result for one in results[:3]] == ["created", "updated", "stale"]
    assert sorted(versions(engine)) == [("NJ", "UTC", nine, nine), ("NY", "UTC", eight, eight)]
    assert (rows(engine, lead)[0].region, rows(engine, lead)[0].since) == ("CA", ten)


def test_protected_attributes_are_stored_and_named(engine: Engine):
    results = accepted(engine, a_lead(attributes={"gender": "f", "pets": 2, "call_duration": 3}))

    assert results[0].refused_attributes == ("call_duration", "gender")
    assert {row.name for row in rows(engine, lead_attribute)} == {"gender", "pets", "call_duration"}


def test_a_consent_is_kept_once(engine: Engine):
    given = {"basis": "express_written", "at": "2026-01-04T08:00:00Z", "evidence": "form 7"}

    accepted(engine, a_lead(consent=given))
    accepted(engine, a_lead(consent=given, updated_at="2026-01-05T09:00:00Z"))

    assert [(row.basis, row.evidence) for row in rows(engine, consent)] == [("express_written", "form 7")]


def test_an_erased_lead_does_not_come_back(engine: Engine):
    accepted(engine, a_lead(attributes={"pets": 2}))
    accepted(engine, a_lead(source="expo", updated_at="2026-01-05T09:00:00Z"))
    with transaction(engine) as connection:
        accept_events(connection, [an_event("lead.erased", lead_id="ann")], NOON)

    results = accepted(engine, a_lead(updated_at="2026-01-05T11:00:00Z"), at=NOON + DAY)

    assert results[0].result == "rejected"
    assert rows(engine, lead)[0].phones == []
    assert rows(engine, lead)[0].phone_hash is None
    assert rows(engine, lead_attribute) == []
    assert rows(engine, lead_past) == []
