"""Answers already given to an Idempotency-Key: claimed before the work, kept after it, forgotten in time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import ColumnElement, Connection, Delete, and_, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..instants import DAY, MINUTE
from .tables import idempotency

LIFE = DAY
"""How long an answer is given again."""

QUEUES = "queue:lease"
"""How the routes end whose answers tell dialers of leads, phone numbers and all."""

OK = 200

PATIENCE = MINUTE
"""After so long a request that hasn't answered is taken to have died."""


@dataclass(frozen=True)
class Asked:
    """One use of an Idempotency-Key: by whom, where, with which body."""

    key: str
    route: str
    key_id: str
    body_digest: bytes


@dataclass(frozen=True)
class Answer:
    """What is on record for a key; `status` None while the first request is still at work."""

    body_digest: bytes
    status: int | None
    response: bytes | None
    created_at: int


def claim(connection: Connection, asked: Asked, at: int, life: int = LIFE) -> Answer | None:
    """Claim the key for new work (None), or get what is on record. An old or dead record gives way."""
    connection.execute(_gone(asked, at, life))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"key": asked.key, "route": asked.route, "key_id": asked.key_id, "body_digest": asked.body_digest}
    new = dialect.insert(idempotency).values(**row, created_at=at).on_conflict_do_nothing()
    if connection.execute(new.returning(idempotency.c.key)).first() is not None:
        return None
    found = connection.execute(select(idempotency).where(_is(asked))).one()
    response = None if found.response is None else bytes(found.response)
    return Answer(bytes(found.body_digest), found.status, response, found.created_at)


def keep(connection: Connection, asked: Asked, status: int, response: bytes) -> None:
    """Put the answer on record."""
    connection.execute(update(idempotency).where(_is(asked)).values(status=status, response=response))


def give_up(connection: Connection, asked: Asked) -> None:
    """The work failed: the key is free again."""
    connection.execute(delete(idempotency).where(_is(asked), idempotency.c.status.is_(None)))


def forget(connection: Connection, before: int) -> None:
    """Drop the answers given before an instant; silenced ones stay, their keys are spent for good."""
    old = delete(idempotency).where(idempotency.c.created_at < before)
    connection.execute(old.where(idempotency.c.response.is_not(None)))


def silence(connection: Connection, before: int, ending: str) -> None:
    """Drop what was said before an instant on routes whose answers hold phone numbers, not that it was."""
    of_route = idempotency.c.route.endswith(ending, autoescape=True)
    old = update(idempotency).where(idempotency.c.created_at < before, of_route)
    connection.execute(old.where(idempotency.c.response.is_not(None)).values(response=None))


def forget_items(connection: Connection, leads: Mapping[str, int]) -> Counter[int]:
    """Take leads (keys by lead_id) out of the answers to polls that are kept; by key, out of how many."""
    own = idempotency.c
    asked = select(own.key, own.route, own.key_id, own.response).where(
        own.route.endswith(QUEUES, autoescape=True), own.response.is_not(None), own.status == OK
    )
    rows, reached = [], Counter[int]()
    for row in connection.execute(asked):
        told = orjson.loads(row.response)
        kept = [item for item in told["items"] if item["lead_id"] not in leads]
        if len(kept) < len(told["items"]):
            reached.update(leads[name] for item in told["items"] if (name := item["lead_id"]) in leads)
            left = orjson.dumps(told | {"items": kept})
            rows.append({"a_key": row.key, "a_route": row.route, "whose": row.key_id, "left": left})
    if rows:
        mine = (own.key == bindparam("a_key")) & (own.route == bindparam("a_route"))
        same = update(idempotency).where(mine & (own.key_id == bindparam("whose")))
        connection.execute(same.values(response=bindparam("left")), rows)
    return reached


def _is(asked: Asked) -> ColumnElement[bool]:
    own = idempotency.c
    return and_(own.key == asked.key, own.route == asked.route, own.key_id == asked.key_id)


def _gone(asked: Asked, at: int, life: int) -> Delete:
    own = idempotency.c
    dead = and_(own.status.is_(None), own.created_at < at - PATIENCE)
    return delete(idempotency).where(_is(asked), or_(own.created_at < at - life, dead))
