"""A store read by columns against the ledger, row by row: time by event, and memory in its own process."""

import os
import time
from collections.abc import Iterator

import numpy as np
from sqlalchemy import Engine

from features.past import Past
from features.store.columns_reader import read_columns
from features.store.engine import open_engine, reading
from features.store.ledger import Ledger
from tests.conftest import empty

from .harness import UNITS, Figure, alone, peak_memory, race, summary
from .store_of_events import fill

SHARE = 100_000
"""Events that the ledger reads too."""

EVENTS = int(os.environ.get("EVENTS", "1000000"))
"""Events that the columns alone read; `EVENTS=10000000` for ten million."""

LEDGER, ITSELF = "the ledger, row by row", "the arrays of the past itself"


def bench_reading(engine: Engine) -> list[Figure]:
    """Wall time with the database's part, of a share and of all; the peak beside what stays."""
    url, name = engine.url.render_as_string(hide_password=False), engine.dialect.name
    alone(fill, url, SHARE)
    share = race(
        f"a past read from {name}, an event of {SHARE:,}", lambda: read_columns(engine),
        lambda: by_rows(engine), against=LEDGER, rounds=3, unit="µs", per=SHARE, clock=time.perf_counter,
    )  # fmt: skip
    empty(engine)
    engine.dispose()
    alone(fill, url, EVENTS)
    seconds, peak, stays = alone(measured, url)
    each = seconds / EVENTS * UNITS["µs"]
    return [
        share,
        summary(
            f"a past read from {name}, an event of {EVENTS:,}", f"{LEDGER}, {SHARE:,}",
            share.ratio * share.median / each, [each], "µs",
        ),
        summary(f"peak memory of {EVENTS:,} events from {name}", ITSELF, stays / peak, [peak], "MiB"),
    ]  # fmt: skip


def by_rows(engine: Engine) -> Past:
    """The rival."""
    ledger = Ledger()
    with reading(engine) as connection:
        ledger.follow(connection)
    return ledger.past()


def measured(url: str) -> tuple[float, float, float]:
    """Seconds, MiB at the peak and MiB of the arrays that stay; libraries are loaded before."""
    engine, found, took = open_engine(url), list[Past](), list[float]()
    read_columns(engine, until=1)

    def work() -> None:
        begun = time.perf_counter()
        found.append(read_columns(engine).past)
        took.append(time.perf_counter() - begun)

    peak = peak_memory(work)
    return took[0], peak, sum(column.nbytes for column in arrays(found[0])) / 2**20


def arrays(past: Past) -> Iterator[np.ndarray]:
    """Every column of a past; ids of leads are no arrays."""
    facts, leads = past.facts, past.leads
    for told in (past.log, facts, leads, *leads.attributes.values(), *leads.changes.values()):
        yield from (column for column in vars(told).values() if isinstance(column, np.ndarray))
    yield from (*facts.quantities.values(), *facts.words.values())
    yield from (coded.codes for coded in leads.coded.values())
