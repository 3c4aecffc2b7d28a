"""Repeats: events that were known already, counted by who told them of when."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from ..instants import MINUTE
from .tables import repeat

QUARTER = 15 * MINUTE
"""Local days begin on one of these, in every zone."""


def count_repeats(connection: Connection, repeated: Iterable[tuple[str, str, int]]) -> None:
    """Count events that were told again: source, type and time of each."""
    counts = Counter((source, kind, time - time % QUARTER) for source, kind, time in repeated)
    if not counts:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(repeat)
    added = added.on_conflict_do_update(
        index_elements=[repeat.c.source, repeat.c.type, repeat.c.quarter],
        set_={"told": repeat.c.told + added.excluded.told},
    )
    names = ("source", "type", "quarter")
    connection.execute(
        added, [{**dict(zip(names, key, strict=True)), "told": n} for key, n in counts.items()]
    )


def repeated_calls(connection: Connection, since: int, until: int) -> dict[str, int]:
    """By source how often calls of [since, until) were told again, up to now and to a quarter of an hour."""
    asked = (
        select(repeat.c.source, func.sum(repeat.c.told))
        .where(repeat.c.type == "io.leadrank.call.attempted")
        .where(repeat.c.quarter >= since, repeat.c.quarter < until)
        .group_by(repeat.c.source)
    )
    return {source: int(told) for source, told in connection.execute(asked)}
