"""The generated log of the feature races: 120 days of calls, hot leads, calls that end in the same second."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from features import CallLog, LeadTable, Outcome
from features.instants import HOUR
from features.kernel import BoolArray, Float32Array, Int64Array
from features.leads import FIELDS, Coded
from tests.builders import MONDAY

LEADS, AGENTS, DAYS = 200_000, 500, 120
SECOND = 1_000_000
TIES = 0.02
"""So often a call ends in the second of the one before it, with the same lead; as often by the same agent."""


@dataclass(frozen=True)
class Events:
    """Equally long columns, one row per call, ordered by `at`: all that an engine is given."""

    lead: Int64Array
    agent: Int64Array
    at: Int64Array
    """Microseconds, always whole seconds."""
    answered: BoolArray
    converted: BoolArray
    talk_s: Float32Array
    """Whole seconds, so that every sum of them is exact."""

    def __len__(self) -> int:
        return int(self.at.size)


def generated(size: int, leads: int = LEADS, agents: int = AGENTS, days: int = DAYS, seed: int = 7) -> Events:
    """So many calls to leads of which the hottest tenth gets some 40% of the calls; always the same."""
    rng = np.random.default_rng(seed)
    lead = rng.permutation(leads)[(leads * rng.random(size) ** 2.5).astype(np.int64)]
    agent = rng.integers(0, agents, size)
    at = MONDAY + np.sort(rng.integers(0, days * 86_400, size)) * SECOND
    again, colleague = _tied(rng, at), _tied(rng, at)
    lead[again] = lead[again - 1]
    agent[colleague] = agent[colleague - 1]
    answered = rng.random(size) < 0.3
    converted = answered & (rng.random(size) < 0.1)
    talk_s = np.where(answered, np.ceil(np.minimum(rng.exponential(150, size), 3_600)), 0)
    return Events(lead, agent, at, answered, converted, talk_s.astype(np.float32))


def _tied(rng: Generator, at: Int64Array) -> Int64Array:
    """Some rows, moved to the second of the row before them."""
    rows = 1 + np.flatnonzero(rng.random(at.size - 1) < TIES)
    at[rows] = at[rows - 1]
    return rows


def as_log(events: Events) -> CallLog:
    """The same calls as a CallLog: known and disposed the moment they end."""
    quiet = np.where(events.answered, Outcome.CONTACT_NO_DECISION, Outcome.NO_ANSWER)
    outcome = np.where(events.converted, Outcome.CONVERTED, quiet).astype(np.int8)
    return CallLog(
        lead=events.lead, agent=events.agent, campaign=np.zeros(len(events), np.int64),
        started_at=events.at - 20 * SECOND, ended_at=events.at, known_at=events.at,
        disposed_at=events.at, disposed_known_at=events.at, outcome=outcome, disposition=outcome,
        answered=events.answered, converted=events.converted,
        value=np.where(events.converted, 100.0, 0.0), talk_s=events.talk_s, handle_s=events.talk_s + 20,
    )  # fmt: skip


def as_leads(leads: int = LEADS) -> LeadTable:
    """The leads called, with a few words in each coded column."""
    rng = np.random.default_rng(11)
    words = {
        "channel": ("web_form", "referral", "bought_list", "event"),
        "source": tuple(f"source-{number}" for number in range(12)),
        "list": tuple(f"list-{number}" for number in range(30)),
        "region": tuple(f"region-{number}" for number in range(16)),
        "zone": ("America/New_York", "America/Chicago", "Europe/Berlin", "Asia/Tokyo"),
    }
    coded = {name: _drawn(rng, words.get(name, ("one",)), leads) for name in FIELDS}
    names = tuple(map(str, range(leads)))
    return LeadTable(names, np.full(leads, MONDAY - HOUR), np.full(leads, 100.0), coded)


def _drawn(rng: Generator, levels: tuple[str, ...], leads: int) -> Coded:
    return Coded(levels, rng.integers(0, len(levels), leads))
