"""Questions about many keys at once: one parameter for a whole list, on both databases."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import ARRAY, ColumnElement, Connection, Executable, Table, any_, func, literal, select, text
from sqlalchemy.exc import OperationalError

PATIENCE_MS = 20
"""So long a statement waits for rows that must not wait for them long."""

LEASES = 727470
"""The number of the advisory lock on who holds what."""

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code of a wait that took too long."""


def among(
    connection: Connection, column: ColumnElement[Any], values: Collection[str] | Collection[int]
) -> ColumnElement[bool]:
    """Whether a column of texts or keys holds one of `values`, however many they are."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(column.type)))
    listed = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return column.in_(select(listed.c.value))


def found_pairs(
    connection: Connection, table: Table, pairs: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Which of the (source, id) pairs a table holds."""
    if not pairs:
        return set()
    if connection.dialect.name == "postgresql":
        listed, source, name = (
            "json_array_elements(CAST(:pairs AS json)) AS k(value)",
            "k.value->>0",
            "k.value->>1",
        )
    else:
        listed, source, name = (
            "json_each(:pairs) AS k",
            "json_extract(k.value, '$[0]')",
            "json_extract(k.value, '$[1]')",
        )
    found = f'SELECT e.source, e.id FROM {listed} CROSS JOIN "{table.name}" e'
    query = f"{found} WHERE e.source = {source} AND e.id = {name}"
    rows = connection.execute(text(query), {"pairs": orjson.dumps(list(pairs)).decode()})
    return {cast("tuple[str, str]", tuple(row)) for row in rows}


def lock_ingest(connection: Connection) -> None:
    """Let one transaction at a time take in leads and events; queues go on being leased meanwhile.

    So an event that waits for a lead and the lead that comes can't miss each other. SQLite has one writer.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(727469)"))


def lock_leases(connection: Connection) -> None:
    """Let one transaction at a time change who holds what: rows locked in any order can't meet in a circle.

    Taken after `lock_ingest` where a transaction needs both. SQLite has one writer.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LEASES})"))


def soon(connection: Connection, statement: Executable, told: Mapping[str, object]) -> Sequence[Any]:
    """A statement's rows; none, and nothing done, where others keep it waiting for its own."""
    if connection.dialect.name != "postgresql":
        return connection.execute(statement, told).all()
    try:
        with connection.begin_nested():
            connection.execute(text(f"SET LOCAL lock_timeout = {PATIENCE_MS}"))
            found = connection.execute(statement, told).all()
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            return found
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE:
            raise
        return ()


def unique(values: Iterable[str | None]) -> list[str]:
    """The values that are there, each once, sorted."""
    return sorted({value for value in values if value is not None})
