"""Events in: each once, whatever the order; nonsense is kept with a reason; a stop holds at once."""

import json

import pytest
from sqlalchemy import Engine, insert, select

from features.calls import Outcome
from features.instants import DAY, HOUR, MINUTE, NEVER, render
from features.pseudonym import phone_hash
from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.reads import Stretch
from features.store.repeats import repeated_calls
from features.store.tables import (
    agent,
    agent_state,
    call,
    call_past,
    callback,
    consent,
    conversion,
    decision,
    disposition,
    event,
    lead,
    lease,
    outcome_code,
    quarantine,
    suppression,
    touch,
    voice,
)
from features.store.writes import EventReceipt, Known, accept_events, accept_leads, replay_quarantine
from tests.features.store.tellings import CALL_ENDED, NOON, a_call, a_disposition, a_lead, a_phone, an_event

PHONE = "+12125550199"


@pytest.fixture
def store(engine: Engine) -> Engine:
    """A store that knows ann and bob."""
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead("ann"), a_lead("bob")], NOON)
    return engine


def accepted(engine: Engine, *items: object, at: int = NOON, known: Known = "received") -> EventReceipt:
    with transaction(engine) as connection:
        return accept_events(connection, items, at, known)


def rows(engine: Engine, table):
    with reading(engine) as connection:
        return connection.execute(select(table)).all()


def suppressed(engine: Engine) -> set[tuple[str, str, bool]]:
    """(subject, reason, for good) of every stop; numbers as numbers."""
    with reading(engine) as connection:
        found = connection.execute(select(suppression)).all()
        named = {f"phone:{phone_hash(secret_of(connection), PHONE)}": PHONE}
    return {(named.get(row.subject, row.subject[:9]), row.reason, row.until is None) for row in found}


def test_of_a_call_told_thrice_the_newest_stands_and_the_others_are_kept(store: Engine):
    def told(name: str, minute: int, talk_s: float, **more: str) -> dict[str, object]:
        return a_call(name=name, talk_s=talk_s, **more) | {"time": render(CALL_ENDED + minute * MINUTE)}

    accepted(store, told("second", 2, 20), told("first", 1, 10))
    number = rows(store, call)[0].seq
    accepted(store, told("third", 3, 30, caller_id=PHONE), at=NOON + HOUR)
    accepted(store, told("zeroth", 0, 0), at=NOON + 2 * HOUR)

    (stands,) = rows(store, call)
    past = {row.talk_s: row for row in rows(store, call_past)}
    assert (stands.talk_s, stands.known_at) == (30, NOON + HOUR)
    assert {talk_s: row.known_at for talk_s, row in past.items()} == {0: NOON + 2 * HOUR, 10: NOON, 20: NOON}
    assert past[20].seq == number
    assert past[0].seq > stands.seq > number


def test_the_number_that_called_is_kept_as_a_pseudonym(store: Engine):
    accepted(store, a_call(caller_id=PHONE))

    (row,) = rows(store, call)
    with reading(store) as connection:
        assert row.caller_hash == phone_hash(secret_of(connection), PHONE)


def test_a_call_becomes_a_row_with_what_is_missing_left_missing(store: Engine):
    receipt = accepted(store, a_call(phone=PHONE, decision_id="d9"))

    (row,) = rows(store, call)
    assert receipt == EventReceipt(accepted=1)
    assert (row.call_id, row.agent, row.outcome) == ("c1", "joe", Outcome.CONTACT_NO_DECISION)
    assert (row.talk_s, row.hold_s, row.wrap_s) == (80, 0, None)
    assert (row.ended_at, row.known_at, row.decision_id) == (CALL_ENDED, NOON, "d9")
    assert row.phone_hash != PHONE


def test_an_event_counts_once_in_a_batch_and_over_batches(store: Engine):
    first = accepted(store, a_call(), a_call())
    again = accepted(store, a_call(), a_call("c2"))

    assert (first.accepted, first.duplicates) == (1, 1)
    assert (again.accepted, again.duplicates) == (1, 1)
    assert len(rows(store, event)) == 2


def test_duplicates_are_counted_by_who_told_them(store: Engine):
    accepted(store, a_call(), a_call())
    accepted(store, a_call(), a_call("c2"), a_call())

    with reading(store) as connection:
        counted = repeated_calls(connection, Stretch(CALL_ENDED - DAY, CALL_ENDED + DAY, NOON))
        later = repeated_calls(connection, Stretch(CALL_ENDED + DAY, CALL_ENDED + 2 * DAY, NOON))

    assert list(counted.values()) == [3]
    assert later == {}


def test_what_is_in_quarantine_is_a_duplicate_too(store: Engine):
    accepted(store, a_call(talk_s=-1))

    again = accepted(store, a_call(talk_s=-1))

    assert (again.accepted, again.duplicates, again.quarantined) == (0, 1, ())


def test_an_event_that_was_put_right_is_accepted_under_its_id(store: Engine):
    accepted(store, a_call(talk_s=-1))

    still = accepted(store, a_call(talk_s=-2))
    mended = accepted(store, a_call(talk_s=60), a_call(talk_s=60))
    later = accepted(store, a_call(talk_s=70))

    assert (still.accepted, [code for _, code, _ in still.quarantined]) == (0, ["negative_duration"])
    assert (mended.accepted, mended.duplicates, mended.quarantined) == (1, 1, ())
    assert (later.accepted, later.duplicates) == (0, 1)
    assert [row.talk_s for row in rows(store, call)] == [60]
    (kept,) = rows(store, quarantine)
    assert (kept.replayed_at, kept.payload) == (NOON, {})


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (a_call(lead_id="nobody"), "unknown_lead"),
        (a_call(outcome="Q7"), "unmapped_outcome"),
        (a_call(talk_s=-1), "negative_duration"),
        (a_call(wrap_s=4 * 3600 + 1), "too_long"),
        (a_call(started_at=render(CALL_ENDED - 5 * HOUR)), "too_long"),
        (a_call(started_at=render(CALL_ENDED + MINUTE)), "ended_before_started"),
        (a_call(answered_at=render(CALL_ENDED + MINUTE)), "answered_outside_call"),
        (a_call(ended_at=None), "malformed_data"),
        (a_call(surprise=1), "malformed_data"),
        (a_call(talk_s="80"), "malformed_data"),
        (a_call() | {"time": render(NOON + DAY + 1)}, "in_the_future"),
        (a_call() | {"time": "yesterday"}, "malformed_envelope"),
        (a_call() | {"specversion": "0.3"}, "malformed_envelope"),
        (a_call() | {"data": []}, "malformed_envelope"),
        (an_event("call.forgotten", call_id="c1"), "unknown_type"),
        (an_event("call.attempted") | {"type": "com.other.call"}, "unknown_type"),
        (a_disposition("c9"), "unknown_call"),
        (an_event("voice.scored", call_id="c9"), "unknown_call"),
        (an_event("dnc.added", reason="nobody named"), "malformed_data"),
        (
            an_event("conversion.recorded", lead_id="ann", goal="g", at=render(NOON + 2 * DAY)),
            "in_the_future",
        ),
        (a_call(script="a\x00b"), "malformed_data"),
    ],
)
def test_nonsense_is_kept_with_its_reason(store: Engine, item, code):
    receipt = accepted(store, item, an_event("agent.upserted", agent_id="joe"))

    assert receipt.accepted == 1
    assert [(name, why) for name, why, _ in receipt.quarantined] == [(item["id"], code)]
    (row,) = rows(store, quarantine)
    assert (row.code, row.replayed_at) == (code, None)
    assert row.payload == json.loads(json.dumps(item))
    assert rows(store, call) == []


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("text", "not_an_object"),
        (a_call() | {"id": ""}, "no_id"),
        ({key: value for key, value in a_call().items() if key != "source"}, "no_source"),
        (a_call() | {"type": 7}, "no_type"),
        (a_call() | {"id": "a\x00b"}, "no_id"),
        (a_call(script="\ud800"), "unwritable"),
    ],
)
def test_what_cannot_even_be_kept_is_rejected_with_its_place(store: Engine, item, code):
    receipt = accepted(store, a_call("c0"), item)

    assert receipt == EventReceipt(accepted=1, rejected=((1, code),))


def test_extensions_are_kept(store: Engine):
    accepted(store, a_call() | {"traceparent": "00-12"})

    assert rows(store, event)[0].extensions == {"traceparent": "00-12"}


def test_a_disposition_waits_for_its_call_and_then_replays_by_itself(store: Engine):
    waits = accepted(store, a_disposition())

    comes = accepted(store, a_call(), at=NOON + HOUR)

    assert [code for _, code, _ in waits.quarantined] == ["unknown_call"]
    assert (comes.accepted, comes.replayed) == (1, 1)
    assert [row.known_at for row in rows(store, disposition)] == [NOON + HOUR]
    assert [row.replayed_at for row in rows(store, quarantine)] == [NOON + HOUR]
    assert len(rows(store, event)) == 2


def test_a_call_and_its_disposition_wait_for_their_lead(engine: Engine):
    accepted(engine, a_disposition(), a_call())

    with transaction(engine) as connection:
        accept_leads(connection, [a_lead()], NOON + HOUR)

    assert [row.call_id for row in rows(engine, call)] == ["c1"]
    assert [row.call_id for row in rows(engine, disposition)] == ["c1"]


def test_every_version_of_a_disposition_is_kept(store: Engine):
    accepted(store, a_call(), a_disposition(value=20.0, next_after_s=60))
    accepted(store, a_disposition(disposition="converted", name="later"))

    told = [(Outcome(row.disposition), row.converted) for row in rows(store, disposition)]
    assert told == [(Outcome.CONTACT_NO_DECISION, False), (Outcome.CONVERTED, True)]
    assert rows(store, disposition)[0].next_at == CALL_ENDED + MINUTE


@pytest.mark.parametrize("in_order", [True, False])
def test_the_version_of_a_call_told_last_stands(store: Engine, in_order):
    first = a_call(name="first", talk_s=10)
    second = a_call(name="second", talk_s=20) | {"time": render(CALL_ENDED + MINUTE)}

    for item in [first, second] if in_order else [second, first]:
        accepted(store, item)

    assert [row.talk_s for row in rows(store, call)] == [20]


def test_the_codes_of_a_known_dialer_are_understood(store: Engine):
    accepted(store, a_call(outcome="NA") | {"source": "vicidial/site-1"})

    assert [row.outcome for row in rows(store, call)] == [Outcome.NO_ANSWER]


def test_an_unmapped_outcome_is_replayed_once_mapped(store: Engine):
    accepted(store, a_call(outcome="Q7"))
    with transaction(store) as connection:
        row = {"source": "test/dialer", "code": "Q7", "outcome": Outcome.BUSY, "created_at": NOON}
        connection.execute(insert(outcome_code).values(row))

        receipt = replay_quarantine(connection, NOON + HOUR, codes=["unmapped_outcome"])

    assert receipt == EventReceipt(accepted=1)
    assert [row.outcome for row in rows(store, call)] == [Outcome.BUSY]


def test_a_replay_that_finds_another_fault_tells_it(store: Engine):
    accepted(store, a_disposition(disposition="Q7"))
    accepted(store, a_call())

    (row,) = rows(store, quarantine)
    assert (row.code, row.waits_for, row.replayed_at) == ("unmapped_outcome", None, None)


@pytest.mark.parametrize("code", ["DNC-2", "Stop!", "remove_me", "opt out", "Do Not Call again"])
def test_an_unmapped_outcome_that_smells_of_a_stop_suppresses_at_once(store: Engine, code):
    receipt = accepted(store, a_call(outcome=code, phone=PHONE))

    assert [why for _, why, _ in receipt.quarantined] == ["unmapped_outcome"]
    assert (PHONE, "dnc", True) in suppressed(store)
    assert ("lead:ann", "dnc", True) in suppressed(store)


def test_an_unmapped_outcome_without_the_smell_suppresses_nobody(store: Engine):
    accepted(store, a_call(outcome="adopted", phone=PHONE))

    assert suppressed(store) == set()


@pytest.mark.parametrize(
    "items",
    [
        [a_call(phone=PHONE), a_disposition(disposition="do_not_call")],
        [a_call(phone=PHONE), a_disposition(stop_phone=True)],
        [a_call(phone=PHONE, outcome="do_not_call")],
        [a_call(phone=PHONE), a_disposition(disposition="DNC-2")],
        [a_disposition(disposition="DNC-2"), a_call(phone=PHONE)],
        [an_event("dnc.added", phone=PHONE)],
        [an_event("dnc.added", phone=PHONE, lead_id="nobody yet")],
        [an_event("dnc.added", phone=PHONE, lead_id="stranger")],
        [an_event("objection.received", phone=PHONE, lead_id="ann")],
        [a_call(phone=PHONE, outcome="do_not_call", talk_s=-1)],
    ],
)
def test_a_stop_holds_for_the_number_at_once(store: Engine, items):
    for item in items:
        accepted(store, item)

    assert PHONE in {subject for subject, _, for_good in suppressed(store) if for_good}


def test_a_stop_of_a_lead_holds_for_all_its_numbers(store: Engine):
    accepted(store, an_event("objection.received", lead_id="ann"))

    with reading(store) as connection:
        subjects = set(connection.execute(select(suppression.c.subject)).scalars())
        number = phone_hash(secret_of(connection), a_phone("ann"))
    assert subjects == {"lead:ann", f"phone:{number}"}


@pytest.mark.parametrize("in_order", [True, False])
def test_a_removal_ends_the_stops_before_it_and_no_later_one(store: Engine, in_order):
    items = [
        an_event("dnc.added", time=CALL_ENDED, phone=PHONE),
        an_event("dnc.removed", time=CALL_ENDED + MINUTE, phone=PHONE),
        an_event("dnc.added", time=CALL_ENDED + HOUR, phone=PHONE),
    ]

    for item in items if in_order else reversed(items):
        accepted(store, item)

    kept = {(row.reason, row.since): row.until for row in rows(store, suppression)}
    assert kept["dnc", CALL_ENDED] == CALL_ENDED + MINUTE
    assert kept["dnc", CALL_ENDED + HOUR] is None


def test_a_call_ends_its_lease(store: Engine):
    held = {"lease_id": "l1", "dialer_id": "d1", "token": 1, "state": "dialing"}
    with transaction(store) as connection:
        ann = connection.execute(select(lead.c.id).where(lead.c.lead_id == "ann")).scalar_one()
        for resource in (f"lead:{ann}", "phone:2"):
            connection.execute(insert(lease).values(resource=resource, expires_at=NOON + HOUR, **held))
        told = {
            "campaign": "spring",
            "at": NOON,
            "arm": "model",
            "source": "ranked",
            "rank": 1,
            "attempt_no": 1,
        }
        named = {"decision_id": "d1", "batch_id": "b1", "lease_id": "l1", "lead": ann, "phone_hash": "2"}
        connection.execute(insert(decision).values(**named, **told))

    accepted(store, a_call(lease_id="l1"))

    assert {(row.state, row.expires_at) for row in rows(store, lease)} == {("called", CALL_ENDED)}


def test_a_stop_takes_the_lease_from_whoever_holds_it(store: Engine):
    accepted(store, an_event("dnc.added", phone=PHONE, lead_id="ann"))

    with reading(store) as connection:
        key = connection.execute(select(lead.c.id).where(lead.c.lead_id == "ann")).scalar_one()
        number = f"phone:{phone_hash(secret_of(connection), PHONE)}"
    held = {row.resource: (row.state, row.expires_at) for row in rows(store, lease)}
    assert held[number] == held[f"lead:{key}"] == ("suppressed", NEVER)

    accepted(store, an_event("dnc.removed", phone=PHONE, time=CALL_ENDED + MINUTE))

    assert {row.resource: row.state for row in rows(store, lease)}[number] == "released"


def test_a_stop_of_a_lead_not_known_yet_holds_it_from_its_first_moment(engine: Engine):
    accepted(engine, an_event("dnc.added", lead_id="ann", phone=PHONE))
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead("ann")], NOON)

    with reading(engine) as connection:
        key = connection.execute(select(lead.c.id)).scalar_one()
    assert f"lead:{key}" in {row.resource for row in rows(engine, lease) if row.state == "suppressed"}


def test_a_stop_in_an_event_that_never_replays_holds_its_lead_when_that_comes(engine: Engine):
    accepted(engine, a_call(outcome="do_not_call", talk_s=-1))
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead("ann")], NOON)

    assert [row.state for row in rows(engine, lease)] == ["suppressed"]


def test_every_other_type_has_its_rows(store: Engine):
    at = render(CALL_ENDED)

    receipt = accepted(
        store,
        a_call(callback_at=render(NOON + DAY)),
        an_event("conversion.recorded", lead_id="ann", goal="sale", value=10.0, at=at),
        an_event("conversion.cancelled", lead_id="ann", goal="sale", value=10.0, at=at),
        an_event("callback.scheduled", lead_id="ann", at=render(NOON + DAY), agent_id="joe"),
        an_event("callback.cancelled", lead_id="ann", at=render(NOON + DAY)),
        an_event("consent.granted", lead_id="ann", basis="express", at=at, evidence="form"),
        an_event("consent.revoked", lead_id="ann", at=at),
        an_event(
            "agent.upserted", agent_id="joe", team="a", skills=["de"], timezone="Europe/Berlin", hired_at=at
        ),
        an_event("agent.state", agent_id="joe", state="ready", at=at),
        an_event("touch.recorded", lead_id="ann", channel="email", kind="opened", direction="inbound", at=at),
        an_event("voice.scored", call_id="c1", sentiment=-0.5, talk_ratio=0.4, tone={"calm": 0.9}),
    )

    assert receipt == EventReceipt(accepted=11)
    assert sorted(row.cancelled for row in rows(store, conversion)) == [False, True]
    assert [row.cancelled for row in rows(store, callback)].count(False) == 2
    assert [row.basis for row in rows(store, consent)] == ["express", "none"]
    assert [(row.team, row.skills) for row in rows(store, agent)] == [("a", ["de"])]
    assert [row.state for row in rows(store, agent_state)] == ["ready"]
    assert [row.kind for row in rows(store, touch)] == ["opened"]
    assert [row.tone for row in rows(store, voice)] == [{"calm": 0.9}]


def test_imported_facts_are_known_since_they_happened(store: Engine):
    accepted(store, a_call(), a_disposition(name="d"), known="event")

    assert [row.known_at for row in rows(store, call)] == [CALL_ENDED]
    assert [row.known_at for row in rows(store, disposition)] == [CALL_ENDED]
