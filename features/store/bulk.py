"""Many rows at once: one statement and one parameter on PostgreSQL, the bare driver on SQLite."""

from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import JSON, Column, Connection, Table, text


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all name the same columns."""
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    if connection.dialect.name == "postgresql":
        _insert_recordset(connection, table, columns, rows)
    else:
        _insert_tuples(connection, table, columns, rows)


def _insert_recordset(
    connection: Connection,
    table: Table,
    columns: Sequence[Column[object]],
    rows: Sequence[Mapping[str, object]],
) -> None:
    """The rows travel as one JSON text; what is JSON itself goes as text in it, for it may hold a NUL."""
    told = [c for c in columns if isinstance(c.type, JSON)]
    sent = [{**row, **{c.name: _json(row[c.name]) for c in told}} for row in rows] if told else rows
    kinds = {c: "text" if c in told else c.type.compile(dialect=connection.dialect) for c in columns}
    values = ", ".join(f'CAST(r."{c.name}" AS json)' if c in told else f'r."{c.name}"' for c in columns)
    shape = ", ".join(f'"{c.name}" {kind}' for c, kind in kinds.items())
    source = f"json_to_recordset(CAST(:rows AS json)) AS r({shape})"
    statement = f'INSERT INTO "{table.name}" ({_names(columns)}) SELECT {values} FROM {source}'
    connection.execute(text(statement), {"rows": orjson.dumps(sent).decode()})


def _insert_tuples(
    connection: Connection,
    table: Table,
    columns: Sequence[Column[object]],
    rows: Sequence[Mapping[str, object]],
) -> None:
    is_json = {column.name: isinstance(column.type, JSON) for column in columns}
    places = ", ".join("?" for _ in columns)
    values = [
        tuple(_json(row[name]) if json else row[name] for name, json in is_json.items()) for row in rows
    ]
    statement = f'INSERT INTO "{table.name}" ({_names(columns)}) VALUES ({places})'
    connection.exec_driver_sql(statement, values)


def _names(columns: Sequence[Column[object]]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)


def _json(value: object) -> str | None:
    """JSON as text; None is no value, not JSON's null."""
    return None if value is None else orjson.dumps(value).decode()
