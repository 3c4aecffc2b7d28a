"""Draws: what the log says of leads handed out, so that another order can be weighed against them."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from ..attempts import numbers
from ..kernel import Float64Array, Int64Array
from ..leads import Coded
from .reads import Stretch, decisions_of
from .tables import batch, decision, lead, shadow_score


@dataclass(frozen=True)
class Draws:
    """Equally long columns, one row per decision, as `read_attempts` orders them."""

    decision_id: tuple[str, ...]
    batch: Coded
    source: Coded
    """callback, ranked, explore or holdout."""
    chance: Float64Array
    """NaN where nobody said, here and below."""
    pool: Float64Array
    age: Int64Array
    """Since the lead was received."""
    attempt_no: Float64Array
    score: Float64Array
    handle_s: Float64Array
    worth: Float64Array
    """What the lead is said to be worth."""


def read_draws(connection: Connection, stretch: Stretch) -> Draws:
    """What was logged of the decisions that `read_attempts` reads beside a stretch's attempts."""
    which = decisions_of(stretch).with_only_columns(decision.c.decision_id).subquery()
    asked = (
        select(decision, batch.c.pool, lead.c.created_at, lead.c.value)
        .select_from(
            decision.join(batch, batch.c.batch_id == decision.c.batch_id).join(
                lead, lead.c.id == decision.c.lead
            )
        )
        .where(decision.c.decision_id.in_(select(which.c.decision_id)))
        .order_by(decision.c.at, decision.c.decision_id)
    )
    rows = connection.execute(asked).all()
    return Draws(
        decision_id=tuple(row.decision_id for row in rows),
        batch=Coded.of([row.batch_id for row in rows]),
        source=Coded.of([row.source for row in rows]),
        chance=numbers(tuple(row.propensity for row in rows)),
        pool=numbers(tuple(row.pool for row in rows)),
        age=np.array([row.at - row.created_at for row in rows], np.int64),
        attempt_no=numbers(tuple(row.attempt_no for row in rows)),
        score=numbers(tuple(row.score for row in rows)),
        handle_s=numbers(tuple(row.handle_s for row in rows)),
        worth=numbers(tuple(row.value for row in rows)),
    )


def shadowing(connection: Connection, stretch: Stretch) -> list[str]:
    """The challengers that said something of a campaign's decisions, the one with most first."""
    which = decisions_of(stretch).with_only_columns(decision.c.decision_id).subquery()
    said = shadow_score.c.bundle_version
    asked = (
        select(said)
        .where(shadow_score.c.decision_id.in_(select(which.c.decision_id)))
        .group_by(said)
        .order_by(func.count().desc(), said)
    )
    return list(connection.execute(asked).scalars())
