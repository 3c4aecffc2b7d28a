"""A day's close of a campaign of a hundred thousand attempts, against drawing up all its days."""

import os
import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine

from features.instants import DAY
from features.store.campaigns import write_campaign
from features.store.engine import open_engine, transaction
from features.store.kpi_days import read_close, write_close
from features.store.tables import call
from serving.closing import close
from tests.builders import MONDAY

from .harness import Figure, alone, summary
from .store_of_events import DAYS, SHARES, TELLINGS, Floor, fill

ATTEMPTS = int(os.environ.get("ATTEMPTS", "100000"))
"""`ATTEMPTS=1000000` for a million."""
EVENTS = round(ATTEMPTS / SHARES[call])
CAMPAIGN = "spring"


def bench_a_days_close(engine: Engine) -> Figure:
    """Wall time; the day's news are its calls, late dispositions, corrections and conversions."""
    url, name = engine.url.render_as_string(hide_password=False), engine.dialect.name
    alone(fill, url, EVENTS)
    everything, days = alone(measured, url)
    return summary(
        f"a day's close of {ATTEMPTS:,} attempts in {name}", "all days drawn up",
        everything / days[len(days) // 2], days, "s",
    )  # fmt: skip


def measured(url: str) -> tuple[float, list[float]]:
    """Seconds of the first close, and of later ones that follow one more day each."""
    engine, last = open_engine(url), MONDAY + (DAYS - 1) * DAY
    with transaction(engine) as connection:
        write_campaign(connection, CAMPAIGN, {"goal": "sale"}, MONDAY)
    everything = _seconds(lambda: close(engine, CAMPAIGN, last))
    return everything, sorted(_seconds(lambda: _one_more_day(engine, last)) for _ in range(3))


def _one_more_day(engine: Engine, last: int) -> None:
    """Close the last day after the others, the change counter as it was a day before."""
    seq = Floor(EVENTS).last_seq - ATTEMPTS // DAYS * TELLINGS
    with transaction(engine) as connection:
        found = read_close(connection, CAMPAIGN)
        assert found is not None
        write_close(connection, CAMPAIGN, replace(found, until=last // DAY, seq=seq))
    close(engine, CAMPAIGN, last + DAY)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
