"""Receivers at the same time: an event counts once, and a lead meets what waits for it."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, func, select

from features.store.engine import reading, transaction
from features.store.tables import call, event, lead, quarantine
from features.store.writes import accept_events, accept_leads
from tests.features.store.tellings import NOON, a_call, a_disposition, a_lead


def count(engine: Engine, table) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_the_same_events_from_four_receivers_count_once(engine: Engine):
    with transaction(engine) as connection:
        accept_leads(connection, [a_lead()], NOON)
    events = [a_call(f"c{number}") for number in range(40)]

    def receive(_: int) -> tuple[int, int]:
        with transaction(engine) as connection:
            receipt = accept_events(connection, events, NOON)
            return receipt.accepted, receipt.duplicates

    with ThreadPoolExecutor(4) as receivers:
        told = sorted(receivers.map(receive, range(4)))

    assert told == [(0, 40), (0, 40), (0, 40), (40, 0)]
    assert (count(engine, event), count(engine, call)) == (40, 40)


def test_leads_and_their_events_received_at_once_find_each_other(engine: Engine):
    def receive_leads(number: int) -> None:
        with transaction(engine) as connection:
            accept_leads(connection, [a_lead(f"l{number}")], NOON)

    def receive_events(number: int) -> None:
        with transaction(engine) as connection:
            accept_events(connection, [a_disposition(f"c{number}"), a_call(f"c{number}", f"l{number}")], NOON)

    with ThreadPoolExecutor(8) as receivers:
        jobs = [receivers.submit(job, n) for n in range(12) for job in (receive_events, receive_leads)]
        for job in jobs:
            job.result()

    assert (count(engine, lead), count(engine, call), count(engine, event)) == (12, 12, 24)
    with reading(engine) as connection:
        still = select(func.count()).select_from(quarantine).where(quarantine.c.replayed_at.is_(None))
        assert connection.execute(still).scalar_one() == 0


def test_numbers_of_changes_are_given_once(engine: Engine):
    def receive(number: int) -> None:
        with transaction(engine) as connection:
            accept_leads(connection, [a_lead(f"l{number}-{k}") for k in range(5)], NOON)

    with ThreadPoolExecutor(4) as receivers:
        list(receivers.map(receive, range(8)))

    with reading(engine) as connection:
        numbers = list(connection.execute(select(lead.c.seq)).scalars())
    assert len(set(numbers)) == len(numbers) == 40
