"""Draws: what the log says of leads handed out, so that another order can be weighed against them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, func, select

from ..attempts import numbers
from ..instants import DAY
from ..kernel import Float64Array, Int64Array
from ..leads import Coded
from .lookup import among
from .reads import Stretch, decisions_of
from .tables import batch, call, decision, draw, lead, shadow_score


@dataclass(frozen=True)
class Draws:
    """Equally long columns, one row per decision, as `read_attempts` orders them."""

    decision_id: tuple[str, ...]
    lead: Int64Array
    """Its key in the database."""
    rank: Int64Array
    """In its batch."""
    batch: Coded
    source: Coded
    """callback, ranked, explore or holdout."""
    chance: Float64Array
    """NaN where nobody said, here and below."""
    pool: Float64Array
    free: Float64Array
    """Of how many leads of the model arm that pool was the best."""
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
        select(decision, batch.c.pool, batch.c.free, lead.c.created_at, lead.c.value)
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
        lead=np.array([row.lead for row in rows], np.int64),
        rank=np.array([row.rank for row in rows], np.int64),
        batch=Coded.of([row.batch_id for row in rows]),
        source=Coded.of([row.source for row in rows]),
        chance=numbers(tuple(row.propensity for row in rows)),
        pool=numbers(tuple(row.pool for row in rows)),
        free=numbers(tuple(row.free for row in rows)),
        age=np.array([row.at - row.created_at for row in rows], np.int64),
        attempt_no=numbers(tuple(row.attempt_no for row in rows)),
        score=numbers(tuple(row.score for row in rows)),
        handle_s=numbers(tuple(row.handle_s for row in rows)),
        worth=numbers(tuple(row.value for row in rows)),
    )


def records(connection: Connection, stretch: Stretch) -> Iterator[tuple[str, int, bytes]]:
    """The batches of a stretch whose draws are kept, oldest first: id, instant, record."""
    asked = (
        select(draw.c.batch_id, draw.c.at, draw.c.told)
        .select_from(draw.join(batch, batch.c.batch_id == draw.c.batch_id))
        .where(batch.c.campaign == stretch.campaign)
        .where(draw.c.at >= stretch.since - DAY, draw.c.at < min(stretch.until, stretch.at + 1))
        .order_by(draw.c.at, draw.c.batch_id)
    )
    for row in connection.execute(asked):
        yield row.batch_id, row.at, bytes(row.told)


def received_at(connection: Connection, leads: Collection[int]) -> dict[int, int]:
    """When leads were received, by their database keys."""
    asked = select(lead.c.id, lead.c.created_at).where(among(connection, lead.c.id, leads))
    return {row.id: row.created_at for row in connection.execute(asked)}


def calls_known(connection: Connection, leads: Collection[int]) -> tuple[Int64Array, Int64Array]:
    """The calls to leads: whose, and since when it is known; ordered by both."""
    asked = (
        select(call.c.lead, call.c.known_at)
        .where(among(connection, call.c.lead, leads))
        .order_by(call.c.lead, call.c.known_at)
    )
    rows = connection.execute(asked).all()
    return np.array([row.lead for row in rows], np.int64), np.array([row.known_at for row in rows], np.int64)


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
