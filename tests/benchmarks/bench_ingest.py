"""Leads and events into a database, against executemany of the log's bare rows alone (a lower limit)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, insert

from features.instants import parse
from features.store.engine import transaction
from features.store.tables import event
from features.store.writes import accept_events, accept_leads
from tests.features.store.tellings import a_call, a_disposition, a_lead

from .harness import Figure, race

AT = parse("2026-01-05T12:00:00Z")
SIZE = 5_000
RIVAL = "executemany of the event log alone"


def bench_ingest(engine: Engine) -> list[Figure]:
    """Wall seconds per item of a batch of 5,000, the database's part included; each batch is rolled back."""
    leads = [a_lead(f"l{n}", attributes={"pets": n % 5, "plan": "gold"}) for n in range(SIZE)]
    calls = [(a_call(f"c{n}", f"l{n}"), a_disposition(f"c{n}")) for n in range(SIZE // 2)]
    events = [told for pair in calls for told in pair]
    where = engine.dialect.name

    def take_leads() -> None:
        with _undone(engine) as connection:
            accept_leads(connection, [one | {"lead_id": f"new-{one['lead_id']}"} for one in leads], AT)

    def take_events() -> None:
        with _undone(engine) as connection:
            assert accept_events(connection, events, AT).accepted == SIZE

    def write_log() -> None:
        with _undone(engine) as connection:
            connection.execute(insert(event), [_row(n, told) for n, told in enumerate(events)])

    with transaction(engine) as connection:
        accept_leads(connection, leads, AT)
    return [
        race(
            f"{what} into {where}",
            work,
            write_log,
            against=RIVAL,
            rounds=5,
            unit="µs",
            per=SIZE,
            clock=time.perf_counter,
        )
        for what, work in (("leads with two attributes", take_leads), ("events, half calls", take_events))
    ]


@contextmanager
def _undone(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(leadrank_writes=True) as connection:
        yield connection
        connection.rollback()


def _row(number: int, told: dict[str, object]) -> dict[str, object]:
    row = {name: told[name] for name in ("source", "id", "type", "data")}
    return row | {"time": AT, "known_at": AT, "extensions": None, "seq": number}
