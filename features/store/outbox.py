"""The outbox: events that somebody is to be told, written with what they tell of, each once."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from .tables import outbox

DRIFT, TRAINING_FAILED = "drift.detected", "training.failed"
"""The floor is no longer what the champion was taught; a training ended without a bundle."""


@dataclass(frozen=True)
class Told:
    """One event of the outbox; later ones have larger ids."""

    id: int
    kind: str
    at: int
    payload: Mapping[str, object]


def tell(connection: Connection, kind: str, key: str, at: int, payload: Mapping[str, object]) -> bool:
    """Write an event; False if one of this key was written before, which stays as it is."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"key": f"{kind}|{key}", "kind": kind, "at": at, "payload": dict(payload)}
    statement = dialect.insert(outbox).values(row).on_conflict_do_nothing().returning(outbox.c.id)
    return connection.execute(statement).first() is not None


def told(connection: Connection, kind: str, since: int) -> list[Told]:
    """The events of a kind at or after an instant, oldest first."""
    asked = (
        select(outbox.c.id, outbox.c.kind, outbox.c.at, outbox.c.payload)
        .where(outbox.c.kind == kind, outbox.c.at >= since)
        .order_by(outbox.c.at, outbox.c.id)
    )
    return [Told(row.id, row.kind, row.at, row.payload) for row in connection.execute(asked)]
