"""CallLog: the calls of the past as columns, and Moments: the questions asked about them."""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np

from .kernel import BoolArray, Float32Array, Float64Array, Int8Array, Int64Array


class Outcome(IntEnum):
    """What became of a call: the one vocabulary inside (CONTRACT: dispositions)."""

    NO_ANSWER = 0
    BUSY = 1
    MACHINE = 2
    DISCONNECTED = 3
    WRONG_NUMBER = 4
    ABANDONED = 5
    CONTACT_REFUSED = 6
    CONTACT_NO_DECISION = 7
    CALLBACK = 8
    CONVERTED = 9
    DO_NOT_CALL = 10
    FAX = 11
    ERROR = 12

    @classmethod
    def of(cls, name: str) -> "Outcome":
        """The outcome of that name; `KeyError` if there is none."""
        return cls[name.upper()]


HUMAN = frozenset(
    {
        Outcome.WRONG_NUMBER,
        Outcome.CONTACT_REFUSED,
        Outcome.CONTACT_NO_DECISION,
        Outcome.CALLBACK,
        Outcome.CONVERTED,
        Outcome.DO_NOT_CALL,
    }
)
"""Outcomes that imply a live human on the line."""

FINAL = frozenset(
    {
        Outcome.DISCONNECTED,
        Outcome.WRONG_NUMBER,
        Outcome.CONTACT_REFUSED,
        Outcome.CONVERTED,
        Outcome.DO_NOT_CALL,
        Outcome.FAX,
    }
)
"""Outcomes after which the lead is not called again (`completed`)."""


@dataclass(frozen=True)
class CallLog:
    """Equally long columns, one row per call, ordered by `ended_at`; -1 codes what is unknown.

    A call is one fact (it was tried, a human answered: true at `ended_at`, told to us at `known_at`); its
    disposition is another (it sold: true at `disposed_at`, told at `disposed_known_at`, both NEVER before).
    """

    lead: Int64Array
    """Row of the lead in the LeadTable."""
    agent: Int64Array
    campaign: Int64Array
    started_at: Int64Array
    ended_at: Int64Array
    known_at: Int64Array
    disposed_at: Int64Array
    disposed_known_at: Int64Array
    outcome: Int8Array
    """`Outcome` codes of the attempt, as the dialer saw it."""
    disposition: Int8Array
    """`Outcome` codes of the disposition that stands, -1 while undisposed."""
    answered: BoolArray
    """A human picked up."""
    converted: BoolArray
    value: Float64Array
    talk_s: Float32Array
    handle_s: Float32Array
    """Seconds from the dial to the end of wrap-up: what the call cost an agent."""

    def __len__(self) -> int:
        return int(self.lead.size)

    @classmethod
    def empty(cls) -> "CallLog":
        """A log without calls."""
        return cls(**{name: np.empty(0, kind) for name, kind in COLUMNS.items()})

    def take(self, rows: Int64Array | BoolArray) -> "CallLog":
        """The log of some rows, in the order given (callers keep it ordered by `ended_at`)."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def joined(self, later: "CallLog") -> "CallLog":
        """Both logs as one, ordered by `ended_at`; equal times keep this log's rows first."""
        names = [field.name for field in fields(self)]
        both = replace(self, **{n: np.concatenate([getattr(self, n), getattr(later, n)]) for n in names})
        in_order = (
            len(self) == 0 or len(later) == 0 or bool(np.all(np.diff(both.ended_at[len(self) - 1 :]) >= 0))
        )
        return both if in_order else both.take(np.argsort(both.ended_at, kind="stable"))


COLUMNS = {
    "lead": np.int64,
    "agent": np.int64,
    "campaign": np.int64,
    "started_at": np.int64,
    "ended_at": np.int64,
    "known_at": np.int64,
    "disposed_at": np.int64,
    "disposed_known_at": np.int64,
    "outcome": np.int8,
    "disposition": np.int8,
    "answered": np.bool_,
    "converted": np.bool_,
    "value": np.float64,
    "talk_s": np.float32,
    "handle_s": np.float32,
}


@dataclass(frozen=True)
class Moments:
    """Questions: what was known of `lead` (and of `agent`, -1 = not yet chosen) strictly before `at`."""

    lead: Int64Array
    agent: Int64Array
    at: Int64Array

    def __len__(self) -> int:
        return int(self.lead.size)

    def take(self, rows: Int64Array | BoolArray) -> "Moments":
        """The moments of some rows, in the order given."""
        return Moments(self.lead[rows], self.agent[rows], self.at[rows])

    @classmethod
    def at_once(cls, leads: Int64Array, at: int) -> "Moments":
        """One moment for each lead, all at the same instant, the agent not yet chosen."""
        return cls(leads.astype(np.int64), np.full(leads.size, -1), np.full(leads.size, at))
