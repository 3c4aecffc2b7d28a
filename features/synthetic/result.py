"""Result: the calls of a run as columns, and what each agent's day cost and brought."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..instants import DAY, NEVER
from ..kernel import BoolArray, Float64Array, Int64Array
from .crew import Shift
from .floor import Call
from .world import World


@dataclass(frozen=True)
class Calls:
    """Equally long columns, one row per call, in the order in which they began."""

    lead: Int64Array
    agent: Int64Array
    attempt: Int64Array
    started_at: Int64Array
    ended_at: Int64Array
    disposed_at: Int64Array
    outcome: Int64Array
    talk_s: Float64Array
    wrap_s: Float64Array
    human_answered: BoolArray
    abandoned: BoolArray
    converted: BoolArray
    value: Float64Array
    confirmed_at: Int64Array
    """NEVER if it won't be; may lie after the run."""
    cancelled_at: Int64Array

    def __len__(self) -> int:
        return int(self.lead.size)


@dataclass(frozen=True)
class AgentDays:
    """Equally long columns, one row per paid day of an agent; sales belong to the day of their call."""

    agent: Int64Array
    day: Int64Array
    paid_s: Float64Array
    dials: Int64Array
    contacts: Int64Array
    sales: Int64Array
    confirmed: Int64Array
    confirmed_value: Float64Array
    cancelled_value: Float64Array


@dataclass(frozen=True)
class Result:
    """One run: `log` holds every call as it was played."""

    log: tuple[Call, ...]
    calls: Calls
    agent_days: AgentDays

    @property
    def paid_hours(self) -> float:
        """Paid agent hours, breaks included."""
        return float(self.agent_days.paid_s.sum() / 3600)

    @property
    def value_per_hour(self) -> float:
        """J: value of confirmed sales per paid agent hour."""
        return float(self.agent_days.confirmed_value.sum() / self.paid_hours)

    @property
    def sales_per_hour(self) -> float:
        """Confirmed sales per paid agent hour."""
        return float(self.agent_days.confirmed.sum() / self.paid_hours)


def result_of(world: World, log: Sequence[Call], shifts: Sequence[Shift]) -> Result:
    """Regroup the calls of a run by column and by agent-day."""
    calls = _columns(log)
    return Result(tuple(log), calls, _agent_days(world, calls, shifts))


def _columns(log: Sequence[Call]) -> Calls:
    def column(name: str, kind: type) -> np.ndarray:
        return np.fromiter((getattr(call, name) for call in log), kind, len(log))

    whole = ("lead", "agent", "attempt", "started_at", "ended_at", "disposed_at", "outcome", "confirmed_at")
    return Calls(
        **{name: column(name, np.int64) for name in (*whole, "cancelled_at")},
        **{name: column(name, np.float64) for name in ("talk_s", "wrap_s", "value")},
        **{name: column(name, np.bool_) for name in ("human_answered", "abandoned", "converted")},
    )


def _agent_days(world: World, calls: Calls, shifts: Sequence[Shift]) -> AgentDays:
    row_of = {(shift.agent, shift.day): row for row, shift in enumerate(shifts)}
    days = (calls.started_at - world.start) // DAY
    pairs = zip(calls.agent.tolist(), days.tolist(), strict=True)
    rows = np.array([row_of[pair] for pair in pairs], np.int64)
    confirmed = calls.confirmed_at < NEVER
    cancelled = calls.cancelled_at < NEVER

    def total(weights: np.ndarray) -> Float64Array:
        return np.bincount(rows, weights, minlength=len(shifts)).astype(np.float64)

    return AgentDays(
        agent=np.array([shift.agent for shift in shifts], np.int64),
        day=np.array([shift.day for shift in shifts], np.int64),
        paid_s=np.array([shift.paid_s for shift in shifts], np.float64),
        dials=total(np.ones(len(calls))).astype(np.int64),
        contacts=total(calls.human_answered & ~calls.abandoned).astype(np.int64),
        sales=total(calls.converted).astype(np.int64),
        confirmed=total(confirmed).astype(np.int64),
        confirmed_value=total(calls.value * confirmed),
        cancelled_value=total(calls.value * cancelled),
    )
