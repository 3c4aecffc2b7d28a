"""What waits in quarantine: counts by reason, and pages of it, without the payloads."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from .tables import quarantine


@dataclass(frozen=True)
class Waiting:
    """One event that is not understood yet."""

    row: int
    id: str
    source: str
    type: str
    time: int | None
    received_at: int
    code: str
    detail: str


def count_waiting(connection: Connection) -> dict[str, int]:
    """How many events wait, by reason code."""
    asked = (
        select(quarantine.c.code, func.count())
        .where(quarantine.c.replayed_at.is_(None))
        .group_by(quarantine.c.code)
        .order_by(quarantine.c.code)
    )
    return {code: int(number) for code, number in connection.execute(asked)}


def list_waiting(connection: Connection, code: str | None, after: int, limit: int) -> list[Waiting]:
    """A page of events that wait, behind row `after`."""
    own = quarantine.c
    asked = select(own.row, own.id, own.source, own.type, own.time, own.received_at, own.code, own.detail)
    asked = asked.where(own.replayed_at.is_(None), own.row > after)
    if code is not None:
        asked = asked.where(own.code == code)
    rows = connection.execute(asked.order_by(own.row).limit(limit))
    return [Waiting(*row) for row in rows]
