"""A KPI of ten million attempts by six dimensions, beside the same sums by polars."""

import sys

import numpy as np
import polars as pl
import pytest

from features.attempts import Attempts, Conversions, Decisions, Received
from features.calls import Outcome
from features.instants import DAY, MINUTE, SECOND
from features.leads import Coded
from serving.kpi.measures import measure
from serving.kpi.report import Accounts, KpiReport, draw_up
from tests.builders import MONDAY

from .harness import Figure, race

ATTEMPTS, LEADS = 10_000_000, 2_000_000
LEVELS = {"channel": 7, "source": 12, "agent": 200, "script": 3, "team": 8, "shift": 3}
BY = ("channel", "source", "script", "team", "shift", "weekday")


def accounts(size: int) -> Accounts:
    """A year of attempts by 200 agents, without recorded conversions: dispositions sell."""
    rng = np.random.default_rng(3)
    started = MONDAY + np.sort(rng.integers(0, 365 * 86_400, size)) * SECOND
    human = rng.random(size) < 0.3
    sold = human & (rng.random(size) < 0.05)
    nothing = np.zeros(size, np.int64)
    words = {
        name: Coded(tuple(f"{name}-{k}" for k in range(n)), rng.integers(0, n, size))
        for name, n in LEVELS.items()
    }
    one = {name: Coded((word,), nothing) for name, word in (("campaign", "spring"), ("goal", "sale"))}
    zone = {"zone": Coded(("Europe/Berlin",), nothing)}
    attempts = Attempts(
        lead=rng.integers(0, LEADS, size), started_at=started, ended_at=started + MINUTE,
        known_at=started + MINUTE, received_at=started - DAY,
        result=np.where(sold, Outcome.CONVERTED, Outcome.NO_ANSWER).astype(np.int8),
        human=human, abandoned=np.zeros(size, np.bool_), converted=sold, value=np.full(size, 100.0),
        talk_s=np.where(human, 60.0, 0.0), hold_s=np.zeros(size), wrap_s=np.where(human, 20.0, 0.0),
        horizon=np.full(size, 30 * DAY), confirmation=np.zeros(size, np.bool_),
        agent_dials=np.ones(size, np.bool_), decision=np.full(size, -1), words={**words, **one, **zone},
    )  # fmt: skip
    none, unknown = np.empty(0, np.int64), Coded((), np.empty(0, np.int64))
    nobody = np.empty(0, np.bool_)
    return Accounts(
        attempts,
        Conversions(none, unknown, none, np.empty(0), nobody, nobody),
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
