"""The outbox: events that somebody is to be told, written with what they tell of, each once."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from .tables import delivery, outbox
from .webhooks import concerned

DRIFT, TRAINING_FAILED = "drift.detected", "training.failed"
"""The floor is no longer what the champion was taught; a training ended without a bundle."""
BOARD_FAILED = "board.failed"
"""Days that are over could not be shown in MLflow."""
PROMOTED, UNDELIVERED = "model.promoted", "webhook.failed"
"""Another champion serves; a subscriber could not be told, and it was given up."""
HOT, LATE, SHORT = "lead.hot", "sla.at_risk", "goal.at_risk"
"""A fresh lead is among the best; one waits too long for its call; a campaign falls short of its goal."""


@dataclass(frozen=True)
class Told:
    """One event of the outbox; later ones have larger ids."""

    id: int
    kind: str
    at: int
    payload: Mapping[str, object]


def tell(connection: Connection, kind: str, key: str, at: int, payload: Mapping[str, object]) -> bool:
    """Write an event, due at once to who subscribed to it; False if one of this key was written before."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"key": f"{kind}|{key}", "kind": kind, "at": at, "payload": dict(payload)}
    statement = dialect.insert(outbox).values(row).on_conflict_do_nothing().returning(outbox.c.id)
    written = connection.execute(statement).scalar()
    if written is None:
        return False
    due = {"event": written, "state": "pending", "attempts": 0, "next_at": at}
    rows = [{**due, "webhook_id": name} for name in concerned(connection, kind, payload.get("campaign"))]
    if rows:
        connection.execute(insert(delivery), rows)
    return True


def forget_lead(connection: Connection, lead_id: str) -> int:
    """Drop the events about one lead, sent or not: nobody is told of it any more. How many they were."""
    keys = [f"{kind}|{lead_id}" for kind in (HOT, LATE)]
    mine = select(outbox.c.id).where(outbox.c.key.in_(keys))
    connection.execute(delete(delivery).where(delivery.c.event.in_(mine)))
    return connection.execute(delete(outbox).where(outbox.c.key.in_(keys))).rowcount


def told(connection: Connection, kind: str, since: int) -> list[Told]:
    """The events of a kind at or after an instant, oldest first."""
    asked = (
        select(outbox.c.id, outbox.c.kind, outbox.c.at, outbox.c.payload)
        .where(outbox.c.kind == kind, outbox.c.at >= since)
        .order_by(outbox.c.at, outbox.c.id)
    )
    return [Told(row.id, row.kind, row.at, row.payload) for row in connection.execute(asked)]
