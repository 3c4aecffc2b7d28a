"""The order in which events arrive, and how often, changes nothing of what is stored."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from features.instants import DAY, MINUTE, render
from features.store.engine import reading, transaction
from features.store.tables import (
    agent,
    call,
    call_past,
    callback,
    conversion,
    disposition,
    event,
    lead,
    lease,
    quarantine,
    suppression,
)
from features.store.writes import accept_events, accept_leads
from tests.conftest import empty
from tests.features.store.tellings import CALL_ENDED, NOON, a_call, a_disposition, a_lead, a_phone, an_event

FACTS = (agent, call, call_past, callback, conversion, disposition, suppression)
COUNTED = {"id", "seq", "lead", "row", "token"}
"""Columns that number rows in the order of writing."""

LEAD_OF = {"c1": "ann", "c2": "bob", "c3": "late", "c4": "ann"}
"""A call belongs to one lead; `late` is not known yet when the events come."""

times = st.sampled_from([CALL_ENDED, CALL_ENDED + MINUTE, CALL_ENDED + 2 * MINUTE])
outcomes = st.sampled_from(["no_answer", "contact_no_decision", "do_not_call", "Q7", "DNC?"])


@st.composite
def tellings(draw) -> dict[str, object]:
    """One event of a small world, without an id."""
    time, (call_id, name) = draw(times), draw(st.sampled_from(list(LEAD_OF.items())))
    body = draw(
        st.one_of(
            st.builds(
                a_call,
                st.just(call_id),
                st.just(name),
                outcome=outcomes,
                talk_s=st.sampled_from([-1, 5]),
                phone=st.just(a_phone(name)),
            ),
            st.builds(a_disposition, st.just(call_id), outcomes, stop_phone=st.booleans()),
            st.builds(
                lambda kind: an_event(kind, lead_id=name, goal="sale", at=render(time)),
                st.sampled_from(["conversion.recorded", "conversion.cancelled"]),
            ),
            st.builds(
                lambda kind: an_event(kind, phone=a_phone(name)),
                st.sampled_from(["dnc.added", "dnc.removed"]),
            ),
            st.builds(
                lambda team: an_event("agent.upserted", agent_id="joe", team=team), st.sampled_from("ab")
            ),
            st.builds(lambda: an_event("callback.scheduled", lead_id=name, at=render(time + DAY))),
        )
    )
    told: dict[str, object] = body | {"time": render(time)}
    return told


@st.composite
def two_arrivals(draw) -> tuple[list[list[dict[str, object]]], list[list[dict[str, object]]]]:
    """The same events twice: in other batches, another order, some of them more than once."""
    drawn = draw(st.lists(tellings(), max_size=10))
    events = [body | {"id": f"e{number}"} for number, body in enumerate(drawn)]

    def arrival() -> list[list[dict[str, object]]]:
        again = draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
        shuffled = draw(st.permutations([*events, *again]))
        cut = draw(st.integers(0, len(shuffled)))
        return [shuffled[:cut], shuffled[cut:]]

    return arrival(), arrival()


def stored(engine: Engine) -> dict[str, list[str]]:
    """Every fact without the numbers of rows, leads by their id."""
    with reading(engine) as connection:
        names = {row.id: row.lead_id for row in connection.execute(select(lead))}
        found = {table.name: connection.execute(select(table)).mappings().all() for table in FACTS}
        held = connection.execute(
            select(lease.c.resource, lease.c.state).where(lease.c.expires_at > NOON)
        ).all()
    facts = {
        table: sorted(
            repr({k: v for k, v in row.items() if k not in COUNTED}) + names.get(row.get("lead"), "")
            for row in rows
        )
        for table, rows in found.items()
    }
    keys = {f"lead:{key}": name for key, name in names.items()}
    return facts | {"lease": sorted(f"{keys.get(row.resource, row.resource)} {row.state}" for row in held)}


def receive(engine: Engine, batches: list[list[dict[str, object]]]) -> None:
    empty(engine)
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead("ann"), a_lead("bob")], NOON)
    for batch in batches:
        with transaction(engine) as connection:
            accept_events(connection, batch, NOON)
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead("late")], NOON)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=two_arrivals())
def test_any_order_of_arrival_leads_to_the_same_rows(engine: Engine, arrivals):
    first, second = arrivals

    receive(engine, first)
    once = stored(engine)
    receive(engine, second)

    assert stored(engine) == once


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals=two_arrivals())
def test_every_event_is_exactly_once_in_the_log_or_in_quarantine(engine: Engine, arrivals):
    batches, _ = arrivals

    receive(engine, batches)

    with reading(engine) as connection:
        logged = list(connection.execute(select(event.c.id)).scalars())
        waiting = connection.execute(
            select(quarantine.c.id).where(quarantine.c.replayed_at.is_(None))
        ).scalars()
        kept = sorted([*logged, *waiting])
    assert kept == sorted({item["id"] for batch in batches for item in batch})
