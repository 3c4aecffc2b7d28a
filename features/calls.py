"""CallLog: the calls of the past as columns, and Moments: the questions asked about them."""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np

from .instants import NEVER
from .kernel import BoolArray, Float32Array, Float64Array, Int8Array, Int64Array, kernel, plain


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


@dataclass(frozen=True)
class Timeline:
    """One stream of facts regrouped by actor: the facts of actor g are rows `starts[g]` to `starts[g + 1]`.

    Inside an actor facts are ordered by event time. `settled_at` is the running maximum of `known_at`: every
    fact up to j is known at any moment after `settled_at[j]`, so only the rows behind must be asked singly.
    """

    starts: Int64Array
    rows: Int64Array
    """The log row of each fact."""
    time: Int64Array
    known_at: Int64Array
    settled_at: Int64Array

    @classmethod
    def of(cls, group: Int64Array, groups: int, time: Int64Array, known_at: Int64Array) -> "Timeline":
        """Regroup facts by `group` (negative codes and facts that never happen are left out)."""
        starts, rows = _regroup(group, groups, time)
        known = known_at[rows]
        settled = np.empty_like(known)
        _running_maximum(starts, known, settled)
        return cls(starts, rows, time[rows], known, settled)


@dataclass(frozen=True)
class News:
    """The same facts, inside an actor in the order in which they could be seen: happened and known, both.

    What a moment sees is then always a beginning of the actor's rows, however late the news came.
    """

    starts: Int64Array
    rows: Int64Array
    """The log row of each fact."""
    time: Int64Array
    seen_at: Int64Array
    """A moment after it sees the fact."""

    @classmethod
    def of(cls, group: Int64Array, groups: int, time: Int64Array, known_at: Int64Array) -> "News":
        """Regroup facts by `group` (negative codes and facts that never happen are left out)."""
        seen_at = np.maximum(time, known_at)
        starts, rows = _regroup(group, groups, seen_at)
        return cls(starts, rows, time[rows], seen_at[rows])


def _regroup(group: Int64Array, groups: int, order: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Where each group starts, and the rows by group and inside it by `order`; NEVER is left out."""
    kept = np.flatnonzero((group >= 0) & (order < NEVER))
    if np.any(np.diff(order[kept]) < 0):
        kept = kept[np.argsort(order[kept], kind="stable")]
    starts = np.zeros(groups + 1, np.int64)
    rows = np.empty(kept.size, np.int64)
    _scatter_by_group(kept, plain(group), starts, rows)
    return starts, rows


@kernel
def _scatter_by_group(kept: Int64Array, group: Int64Array, starts: Int64Array, rows: Int64Array) -> None:
    """Counting sort: fill `rows` with `kept` by ascending group, stable; `starts` with where each begins."""
    for row in kept:
        starts[group[row] + 1] += 1
    for g in range(1, starts.size):
        starts[g] += starts[g - 1]
    filled = starts[:-1].copy()
    for row in kept:
        rows[filled[group[row]]] = row
        filled[group[row]] += 1


@kernel
def _running_maximum(starts: Int64Array, values: Int64Array, out: Int64Array) -> None:
    """Fill `out[j]` with the maximum of `values` from the start of j's group up to j."""
    for g in range(starts.size - 1):
        for j in range(starts[g], starts[g + 1]):
            out[j] = values[j] if j == starts[g] else max(values[j], out[j - 1])
