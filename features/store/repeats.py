"""Repeats: events that were known already, counted by who told them of when."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from ..instants import MINUTE
from .reads import Stretch
from .tables import repeat

QUARTER = 15 * MINUTE
"""Local days begin on one of these, in every zone."""


def count_repeats(connection: Connection, repeated: Iterable[tuple[str, str, int]], at: int) -> None:
    """Count events that were told again at an instant: source, type and time of each."""
    counts = Counter((source, kind, time - time % QUARTER) for source, kind, time in repeated)
    if not counts:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(repeat)
    added = added.on_conflict_do_update(
        index_elements=[repeat.c.source, repeat.c.type, repeat.c.quarter, repeat.c.known_at],
        set_={"told": repeat.c.told + added.excluded.told},
    )
    names, known_at = ("source", "type", "quarter"), at - at % MINUTE
    connection.execute(
        added,
        [
            {**dict(zip(names, key, strict=True)), "known_at": known_at, "told": n}
            for key, n in counts.items()
        ],
    )


def repeated_calls(connection: Connection, stretch: Stretch) -> dict[str, int]:
    """By source how often calls of a stretch were told again, of whatever campaign.

    Their times are known to a quarter of an hour, when they were told again to a minute.
    """
    asked = (
        select(repeat.c.source, func.sum(repeat.c.told))
        .where(repeat.c.type == "io.leadrank.call.attempted")
        .where(repeat.c.quarter >= stretch.since, repeat.c.quarter < stretch.until)
        .where(repeat.c.known_at <= stretch.at)
        .group_by(repeat.c.source)
    )
    return {source: int(told) for source, told in connection.execute(asked)}
