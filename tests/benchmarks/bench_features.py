"""The catalogue over 200,000 calls, against the same trailing windows by pandas' `groupby.rolling`."""

import numpy as np
import pandas as pd

from features import CallLog, LeadTable, Moments, Outcome, Past, compute
from features.catalogue import standing
from features.facts import BIT
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.kernel import Float32Array
from features.leads import FIELDS, Coded
from features.statistics.window import Count
from tests.builders import MONDAY

from .harness import Figure, race

CALLS, LEADS, DAYS = 200_000, 40_000, 60
COUNTS = tuple(line for line in standing() if isinstance(line, Count) and line.by == "lead")
RIVAL = "pandas groupby.rolling of its counts alone"


def bench_features() -> list[Figure]:
    """CPU time per call: every call's moment is asked, with the regrouping of the log each time."""
    log, leads = a_busy_floor()
    asked = Moments(log.lead, log.agent, log.ended_at)
    frame = as_frame(Past(log, leads))

    def ours() -> Float32Array:
        return compute(Past(log, leads), asked, COUNTS).values

    def catalogue() -> Float32Array:
        return compute(Past(log, leads), asked, standing()).values

    def pandas_windows() -> Float32Array:
        return rolling_counts(frame)

    np.testing.assert_array_equal(ours(), pandas_windows())
    return [
        race(name, work, pandas_windows, against=RIVAL, rounds=3, unit="µs", per=CALLS)
        for name, work in (
            (f"{len(COUNTS)} counts of 200k calls", ours),
            (f"all {len(standing())} standing features of 200k calls", catalogue),
        )
    ]


def a_busy_floor() -> tuple[CallLog, LeadTable]:
    """Calls at instants of their own, some leads called far more often than others, all told at once."""
    rng = np.random.default_rng(7)
    ended = MONDAY + np.sort(rng.choice(DAYS * DAY // MINUTE * 60, CALLS, replace=False)) * (MINUTE // 60)
    lead = np.minimum(rng.gamma(0.7, LEADS / 3, CALLS).astype(np.int64), LEADS - 1)
    outcome = rng.choice(13, CALLS, p=[0.5, 0.08, 0.2, 0.02, 0, 0, 0.1, 0.05, 0.02, 0.02, 0.01, 0, 0])
    human = np.isin(outcome, (6, 7, 8, 9, 10))
    told = np.where(human, ended, NEVER)
    seconds = np.where(human, 180.0, 0.0).astype(np.float32)
    log = CallLog(
        lead=lead, agent=rng.integers(0, 50, CALLS), campaign=np.zeros(CALLS, np.int64),
        started_at=ended - MINUTE, ended_at=ended, known_at=ended, disposed_at=told, disposed_known_at=told,
        outcome=outcome.astype(np.int8), disposition=np.where(human, outcome, -1).astype(np.int8),
        answered=human, converted=outcome == Outcome.CONVERTED, value=np.zeros(CALLS),
        talk_s=seconds, handle_s=seconds + 20,
    )  # fmt: skip
    words = {"zone": ("America/New_York", "Europe/Berlin", "Asia/Tokyo")}
    coded = {name: Coded(words.get(name, ("a", "b", "c")), rng.integers(0, 3, LEADS)) for name in FIELDS}
    names = tuple(f"lead-{row}" for row in range(LEADS))
    return log, LeadTable(names, np.full(LEADS, MONDAY - HOUR), np.full(LEADS, 100.0), coded, {})


def as_frame(past: Past) -> pd.DataFrame:
    """The log as a frame with one column of 0 and 1 per mark that the counts ask for."""
    marks = {of: (past.facts.bits & BIT[of] > 0).astype(float) for of in sorted({line.of for line in COUNTS})}
    return pd.DataFrame(
        {"lead": past.log.lead, "ended": pd.to_datetime(past.log.ended_at, unit="us"), **marks}
    )


def rolling_counts(frame: pd.DataFrame) -> Float32Array:
    """`[at - within, at)` of every call's end, in the log's order: one rolling pass for each window."""
    columns: dict[str, pd.Series] = {}
    for within in sorted({line.within for line in COUNTS}):
        lines = [line for line in COUNTS if line.within == within]
        marks = sorted({line.of for line in lines})
        window = pd.Timedelta(within, unit="us")
        rolled = frame.groupby("lead").rolling(window, on="ended", closed="left")[marks].sum()
        summed = rolled.droplevel(0).sort_index()
        columns |= {line.name: summed[line.of] for line in lines}
    return np.column_stack([columns[line.name].fillna(0) for line in COUNTS]).astype(np.float32)
