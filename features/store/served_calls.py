"""Served calls: leads that models handed out, what was said of them, and what became of the calls."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from ..calls import Outcome
from ..instants import DAY
from ..kernel import Float64Array, Int64Array
from .tables import call, decision, disposition, lead

GRACE = DAY
"""A contact without a disposition counts as no sale once it is older than this, and as nothing before."""


@dataclass(frozen=True)
class ServedCalls:
    """One row per decision of a model that a call carried out, oldest first; NaN: not known (yet)."""

    decision_id: tuple[str, ...]
    at: Int64Array
    """When the lead was handed out."""
    lead: Int64Array
    """The lead's key in the database."""
    channel: tuple[str, ...]
    """How the lead came in."""
    p_answer: Float64Array
    p_convert: Float64Array
    answered: Float64Array
    """1 where a human answered, else 0; NaN where the attempt failed."""
    sold: Float64Array
    """Of those that an agent took: 1 where it sold, else 0; NaN for all others and while nobody said."""

    def __len__(self) -> int:
        return len(self.decision_id)


def read_served_calls(connection: Connection, since: int, until: int) -> ServedCalls:
    """The decisions of [since, until) with a model's chances, and what was known of their calls by `until`.

    A call belongs to the decision that it names; of several calls the first counts.
    """
    asked = (
        select(
            decision.c.decision_id, decision.c.at, decision.c.lead, decision.c.p_answer, decision.c.p_convert
        )
        .add_columns(lead.c.channel, call.c.call_id, call.c.outcome, call.c.human_answered, call.c.ended_at)
        .join(call, call.c.decision_id == decision.c.decision_id)
        .join(lead, lead.c.id == decision.c.lead)
        .where(decision.c.at >= since, decision.c.at < until, decision.c.p_answer.is_not(None))
        .where(decision.c.p_convert.is_not(None), call.c.known_at < until)
        .order_by(decision.c.at, decision.c.decision_id, call.c.started_at.desc(), call.c.call_id)
    )
    rows = list({row.decision_id: row for row in connection.execute(asked)}.values())
    sold = _sold(connection, since, until)
    return ServedCalls(
        tuple(row.decision_id for row in rows),
        np.array([row.at for row in rows], np.int64),
        np.array([row.lead for row in rows], np.int64),
        tuple(row.channel for row in rows),
        _floats(row.p_answer for row in rows),
        _floats(row.p_convert for row in rows),
        _floats(np.nan if row.outcome == Outcome.ERROR else row.human_answered for row in rows),
        _floats(_sale(row, sold, until) for row in rows),
    )


def _sold(connection: Connection, since: int, until: int) -> dict[str, bool]:
    """By call: whether the disposition that stands says sold."""
    asked = (
        select(disposition.c.call_id, disposition.c.converted)
        .join(call, call.c.call_id == disposition.c.call_id)
        .join(decision, decision.c.decision_id == call.c.decision_id)
        .where(decision.c.at >= since, decision.c.at < until, disposition.c.known_at < until)
        .order_by(disposition.c.event_at, disposition.c.seq)
    )
    return {row.call_id: row.converted for row in connection.execute(asked)}


def _sale(row: Row[Any], sold: dict[str, bool], until: int) -> float:
    if not row.human_answered or row.outcome in (Outcome.ABANDONED, Outcome.ERROR):
        return np.nan
    if row.call_id in sold:
        return float(sold[row.call_id])
    return 0.0 if row.ended_at < until - GRACE else np.nan


def _floats(values: Iterable[float]) -> Float64Array:
    return np.array(list(values), np.float64)
