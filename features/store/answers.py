"""Answers already given to an Idempotency-Key: claimed before the work, kept after it, forgotten in time."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Delete, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..instants import DAY, MINUTE
from .tables import idempotency

LIFE = DAY
"""How long an answer is given again."""

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


def _is(asked: Asked) -> ColumnElement[bool]:
    own = idempotency.c
    return and_(own.key == asked.key, own.route == asked.route, own.key_id == asked.key_id)


def _gone(asked: Asked, at: int, life: int) -> Delete:
    own = idempotency.c
    dead = and_(own.status.is_(None), own.created_at < at - PATIENCE)
    return delete(idempotency).where(_is(asked), or_(own.created_at < at - life, dead))
