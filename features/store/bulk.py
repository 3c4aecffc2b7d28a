"""Many rows at once: one statement and one parameter on PostgreSQL, the bare driver on SQLite."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson
from sqlalchemy import JSON, Connection, Table, TextClause, text
from sqlalchemy.dialects.postgresql.psycopg import dialect


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all name the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    told = [name for name in names if isinstance(table.c[name].type, JSON)]
    if connection.dialect.name == "postgresql":
        sent = [{**row, **{name: _json(row[name]) for name in told}} for row in rows] if told else rows
        connection.execute(_recordset(table, names), {"rows": orjson.dumps(sent).decode()})
    else:
        values = [tuple(_json(row[name]) if name in told else row[name] for name in names) for row in rows]
        places = ", ".join("?" for _ in names)
        statement = f'INSERT INTO "{table.name}" ({_listed(names)}) VALUES ({places})'
        connection.exec_driver_sql(statement, values)


@lru_cache(maxsize=64)
def _recordset(table: Table, names: tuple[str, ...]) -> TextClause:
    """The rows travel as one JSON text; what is JSON itself goes as text in it, for it may hold a NUL."""
    kinds, postgres = {name: table.c[name].type for name in names}, dialect()  # type: ignore[no-untyped-call]
    told = {name for name, kind in kinds.items() if isinstance(kind, JSON)}
    values = ", ".join(f'CAST(r."{name}" AS json)' if name in told else f'r."{name}"' for name in names)
    shape = ", ".join(
        f'"{name}" {"text" if name in told else kind.compile(dialect=postgres)}'
        for name, kind in kinds.items()
    )
    source = f"json_to_recordset(CAST(:rows AS json)) AS r({shape})"
    return text(f'INSERT INTO "{table.name}" ({_listed(names)}) SELECT {values} FROM {source}')


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _json(value: object) -> str | None:
    """JSON as text; None is no value, not JSON's null."""
    return None if value is None else orjson.dumps(value).decode()
