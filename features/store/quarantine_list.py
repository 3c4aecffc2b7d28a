"""What is in quarantine: counts and rows, for people."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from .tables import quarantine


def count_quarantine(connection: Connection) -> dict[str, int]:
    """How many events wait in quarantine, by reason code, most first."""
    count = func.count().label("n")
    still = select(quarantine.c.code, count).where(quarantine.c.replayed_at.is_(None))
    rows = connection.execute(still.group_by(quarantine.c.code).order_by(count.desc(), quarantine.c.code))
    return {row.code: row.n for row in rows}


def list_quarantine(connection: Connection, codes: Sequence[str], limit: int) -> Sequence[Row[Any]]:
    """The latest events in quarantine (of some codes alone), without what they say."""
    columns = select(
        *(quarantine.c[name] for name in ("id", "source", "type", "received_at", "code", "detail"))
    )
    still = columns.where(quarantine.c.replayed_at.is_(None))
    if codes:
        still = still.where(quarantine.c.code.in_(list(codes)))
    return connection.execute(still.order_by(quarantine.c.row.desc()).limit(limit)).all()
