"""A small floor whose truth is known: channel and hour decide who answers, the need who buys.

The channel also decides how long one talks, and what a sale brings beside what was said of the lead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from features import CallLog, LeadTable, Outcome, Past
from features.instants import HOUR, MINUTE, NEVER, SECOND
from features.kernel import Float64Array, Int64Array
from features.leads import FIELDS, AttributeHistory, Coded
from tests.builders import MONDAY

CHANNELS = ("web_form", "referral", "bought_list")


@dataclass(frozen=True)
class Floor:
    """A past, the instant at which it ends, and by head what is true of its calls, by lead."""

    past: Past
    until: int
    truth: Mapping[str, Float64Array]


def a_floor(calls: int = 1_500, seed: int = 1) -> Floor:
    """A call every ten minutes, each to another lead."""
    rng = np.random.default_rng(seed)
    channel, need = rng.integers(0, 3, calls), rng.normal(size=calls)
    started = MONDAY + np.arange(calls) * 10 * MINUTE
    hour = (started // HOUR) % 24
    answer = chance(np.array([0.5, 1.0, -1.0])[channel] + 0.8 * (hour >= 12))
    conversion = chance(-1.5 + 1.2 * need)
    answered = rng.random(calls) < answer
    sold = answered & (rng.random(calls) < conversion)
    log = log_of(started, answered, sold)
    value, pace = np.array([1.0, 2.0, 0.5])[channel], np.array([1.0, 0.5, 1.5])[channel]
    log = replace(
        log,
        value=log.value * value * np.exp(rng.normal(0, 0.2, calls) - 0.02),
        handle_s=(log.handle_s * pace * np.exp(rng.normal(0, 0.4, calls) - 0.08)).astype(np.float32),
    )
    truth = {"answer": answer, "conversion": conversion, "decay": answer * conversion}
    return Floor(
        Past(log, leads_of(started - HOUR, channel, need)),
        int(started[-1]) + HOUR,
        {**truth, "value": 100 * value, "handle_time": pace},
    )


def chance(log_odds: Float64Array) -> Float64Array:
    """The probability of each."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def log_of(started: Int64Array, answered: np.ndarray, sold: np.ndarray) -> CallLog:
    """A minute's call to each lead in turn, all of one campaign."""
    ended = started + MINUTE
    outcome = np.where(sold, Outcome.CONVERTED, Outcome.CONTACT_REFUSED)
    disposed = np.where(answered, ended, NEVER)
    return CallLog(
        lead=np.arange(started.size),
        agent=np.where(answered, np.arange(started.size) % 4, -1),
        campaign=np.zeros(started.size, np.int64),
        started_at=started,
        ended_at=ended,
        known_at=ended,
        disposed_at=disposed,
        disposed_known_at=disposed,
        outcome=np.where(answered, outcome, Outcome.NO_ANSWER).astype(np.int8),
        disposition=np.where(answered, outcome, -1).astype(np.int8),
        answered=answered,
        converted=sold,
        value=np.where(sold, 100.0, 0.0),
        talk_s=np.where(answered, 40, 0).astype(np.float32),
        handle_s=np.where(answered, 100, 0).astype(np.float32),
    )


def leads_of(created: Int64Array, channel: Int64Array, need: Float64Array) -> LeadTable:
    """One lead by row; its need is told a second after it came."""
    unknown = Coded((), np.full(created.size, -1))
    coded = dict.fromkeys(FIELDS, unknown) | {"channel": Coded(CHANNELS, channel)}
    needs = AttributeHistory.of(
        created.size, list(range(created.size)), list(created + SECOND), list(need.tolist())
    )
    return LeadTable(
        tuple(f"lead-{row}" for row in range(created.size)),
        created,
        np.full(created.size, 100.0),
        coded,
        {"need": needs},
    )
