"""A KPI by six dimensions: of attempts in memory and of closed days, beside polars; of calls, beside SQL."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import Engine, text

from features.attempts import Attempts, Conversions, Decisions, Received
from features.calls import Outcome
from features.instants import DAY, MINUTE, SECOND
from features.leads import Coded
from features.store.campaigns import write_campaign
from features.store.engine import reading, transaction
from features.store.tables import call
from serving.accounts import Question, ask
from serving.kpi.measures import measure
from serving.kpi.report import Accounts, KpiReport, draw_up
from tests.builders import MONDAY

from . import closed_days as closed
from .harness import Figure, alone, race
from .store_of_events import DAYS, SHARES, fill

ATTEMPTS, LEADS = 10_000_000, 2_000_000
LEVELS = {"channel": 7, "source": 12, "agent": 200, "script": 3, "team": 8, "shift": 3}
STORED = int(os.environ.get("ATTEMPTS", "100000"))
"""`ATTEMPTS=1000000` for a million in the store."""
CLOSED = int(os.environ.get("CLOSED", "1000000"))
"""`CLOSED=10000000` for ten million attempts of closed days."""
YEAR = 365
BY = ("channel", "source", "script", "team", "shift", "weekday")


def accounts(size: int, days: int = YEAR, first: int = 0, zone: str = "Europe/Berlin") -> Accounts:
    """Days of attempts by 200 agents, without recorded conversions: dispositions sell."""
    rng = np.random.default_rng(3 + first)
    started = MONDAY + first * DAY + np.sort(rng.integers(0, days * 86_400, size)) * SECOND
    human = rng.random(size) < 0.3
    sold = human & (rng.random(size) < 0.05)
    nothing = np.zeros(size, np.int64)
    words = {
        name: Coded(tuple(f"{name}-{k}" for k in range(n)), rng.integers(0, n, size))
        for name, n in LEVELS.items()
    }
    said = {"campaign": "spring", "goal": "sale", "zone": zone, "event_source": "dialer"}
    one = {name: Coded((word,), nothing) for name, word in said.items()}
    attempts = Attempts(
        lead=rng.integers(0, LEADS, size), started_at=started, ended_at=started + MINUTE,
        known_at=started + MINUTE, received_at=started - DAY,
        result=np.where(sold, Outcome.CONVERTED, Outcome.NO_ANSWER).astype(np.int8),
        human=human, abandoned=np.zeros(size, np.bool_), converted=sold, value=np.full(size, 100.0),
        talk_s=np.where(human, 60.0, 0.0), hold_s=np.zeros(size), wrap_s=np.where(human, 20.0, 0.0),
        horizon=np.full(size, 30 * DAY), confirmation=np.zeros(size, np.bool_),
        agent_dials=np.ones(size, np.bool_), decision=np.full(size, -1), words={**words, **one},
    )  # fmt: skip
    none, unknown = np.empty(0, np.int64), Coded((), np.empty(0, np.int64))
    nobody = np.empty(0, np.bool_)
    return Accounts(
        attempts,
        Conversions(none, unknown, none, np.empty(0), nobody, nobody, nobody),
        Decisions(none, none, unknown, unknown),
        Received(none, none, np.empty(0), {}),
        since=0,
        at=int(started[-1]) + DAY,
    )


def bench_ten_million_attempts_by_six_dimensions(capsys: pytest.CaptureFixture[str]) -> Figure:
    """Credit, groups, sums, intervals, ripeness and quality; polars: the two sums by the same keys."""
    with capsys.disabled():
        sys.stderr.write("  ten million attempts by six dimensions ...\n")
        told, asked = accounts(ATTEMPTS), measure("call_conversion_rate")
        frame = pl.DataFrame(
            {name: told.attempts.words[name].codes for name in BY[:-1]}
            | {"weekday": (told.attempts.started_at // DAY + 3) % 7, "sold": told.attempts.converted}
        )
        found: dict[str, KpiReport] = {}
        figure = race(
            "KPI of 10M attempts by 6 dimensions",
            lambda: found.update(ours=draw_up(told, asked, BY)),
            lambda: frame.group_by(BY).agg(pl.len(), pl.col("sold").sum()),
            against="polars group_by, sums alone", rounds=3, unit="s",
        )  # fmt: skip
        assert sum(row.n for row in found["ours"].rows) == ATTEMPTS
        return figure


def closed_days(url: str, beside: Path, attempts: int) -> None:
    """A year of them, and a day that is open."""
    size = attempts // (YEAR + 1)
    closed.fill(url, beside, YEAR, lambda day: accounts(size, 1, day, "UTC").ledger())


def bench_a_kpi_of_closed_days_from_the_store(engine: Engine, tmp_path: Path) -> Figure:
    """Wall time with all reads, the open day's calls among them; polars: the two sums from a Parquet file."""
    file = tmp_path / "attempts.parquet"
    alone(closed_days, engine.url.render_as_string(hide_password=False), file, CLOSED)
    until = MONDAY + (YEAR + 1) * DAY
    question = Question("call_conversion_rate", 0, until, until, closed.CAMPAIGN, BY)
    with reading(engine) as connection:
        found: dict[str, KpiReport] = {}
        figure = race(
            f"KPI of {CLOSED:,} attempts closed in {engine.dialect.name}",
            lambda: found.update(ours=ask(connection, question)),
            lambda: pl.scan_parquet(file).group_by(BY).agg(pl.len(), pl.col("sold").sum()).collect(),
            against="polars from Parquet, sums alone", rounds=3, unit="s", clock=time.perf_counter,
        )  # fmt: skip
    assert sum(row.n for row in found["ours"].rows) == CLOSED // (YEAR + 1) * (YEAR + 1)
    return figure


SUMS = """
    SELECT l.channel, l.source, c.script, c.agent, COUNT(*), SUM(CASE WHEN d.converted THEN 1 ELSE 0 END)
    FROM call c JOIN lead l ON l.id = c.lead LEFT JOIN disposition d ON d.call_id = c.call_id
    GROUP BY l.channel, l.source, c.script, c.agent
"""


def bench_a_kpi_from_the_store(engine: Engine) -> Figure:
    """Wall time with all reads; the database: sums by four keys, without corrections, credits, intervals."""
    alone(fill, engine.url.render_as_string(hide_password=False), round(STORED / SHARES[call]))
    until = MONDAY + DAYS * DAY
    with transaction(engine) as connection:
        write_campaign(connection, "spring", {"goal": "sale"}, MONDAY)
    question = Question("call_conversion_rate", 0, until, until, "spring", BY)
    with reading(engine) as connection:
        return race(
            f"KPI of {STORED:,} attempts in {engine.dialect.name}",
            lambda: ask(connection, question),
            lambda: connection.execute(text(SUMS)).all(),
            against="its own GROUP BY, sums alone", rounds=3, unit="s", clock=time.perf_counter,
        )  # fmt: skip
