"""Many rows at once: one statement on PostgreSQL, whatever the tables, and the bare driver on SQLite."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import orjson
from sqlalchemy import JSON, Connection, LargeBinary, Table, TextClause, text
from sqlalchemy.dialects.postgresql.psycopg import dialect

from .trips import nothing, tell_and_commit

Rows = Sequence[Mapping[str, object]]
"""Rows that all name the same columns."""

Inserts = Mapping[Table, Rows]
"""Rows by the table that they are for."""


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows into one table."""
    insert_all(connection, {table: rows})


def insert_all(
    connection: Connection,
    told: Inserts,
    *,
    last: bool = False,
    meanwhile: Callable[[], None] = nothing,
) -> None:
    """Insert rows into several tables, in one round trip where the database can.

    `last`: nothing comes after it in its transaction, which may end with it. `meanwhile` is done while
    rows that are last are under way on PostgreSQL, and else behind them.
    """
    named = {table: tuple(rows[0]) for table, rows in told.items() if rows}
    if not named:
        meanwhile()
        return
    if connection.dialect.name == "postgresql":
        sent = {table.name: _as_json(table, told[table], named[table]) for table in named}
        statement = _inserts(tuple(named.items()))
        if last:
            tell_and_commit(connection, statement, sent, meanwhile)
            return
        connection.execute(statement, sent)
    else:
        for table, names in named.items():
            _insert_each(connection, table, told[table], names)
    meanwhile()


def _as_json(table: Table, rows: Rows, names: Sequence[str]) -> str:
    """The rows as one JSON text; what is JSON itself goes as text in it, for it may hold a NUL."""
    told = _of_json(table, names)
    sent = [{**row, **{name: _json(row[name]) for name in told}} for row in rows] if told else rows
    return orjson.dumps(sent, default=_in_base64).decode()


def _insert_each(connection: Connection, table: Table, rows: Rows, names: Sequence[str]) -> None:
    told = _of_json(table, names)
    values = [tuple(_json(row[name]) if name in told else row[name] for name in names) for row in rows]
    places = ", ".join("?" for _ in names)
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({_listed(names)}) VALUES ({places})', values)


@lru_cache(maxsize=64)
def _inserts(named: Sequence[tuple[Table, tuple[str, ...]]]) -> TextClause:
    """One statement for all; the names of its parameters are those of the tables."""
    *others, last = (_insert(table, names) for table, names in named)
    parts = ", ".join(f"part{place} AS ({one})" for place, one in enumerate(others))
    return text(f"WITH {parts} {last}" if parts else last)


def _insert(table: Table, names: Sequence[str]) -> str:
    values = ", ".join(_read(name, table.c[name].type) for name in names)
    shape = ", ".join(f'"{name}" {_sent_as(table.c[name].type)}' for name in names)
    source = f"json_to_recordset(CAST(:{table.name} AS json)) AS r({shape})"
    return f'INSERT INTO "{table.name}" ({_listed(names)}) SELECT {values} FROM {source}'


def _read(name: str, kind: object) -> str:
    if isinstance(kind, JSON):
        return f'CAST(r."{name}" AS json)'
    return f"decode(r.\"{name}\", 'base64')" if isinstance(kind, LargeBinary) else f'r."{name}"'


def _sent_as(kind: object) -> str:
    if isinstance(kind, JSON | LargeBinary):
        return "text"
    return str(kind.compile(dialect=dialect()))  # type: ignore[attr-defined, no-untyped-call]


def _of_json(table: Table, names: Sequence[str]) -> list[str]:
    return [name for name in names if isinstance(table.c[name].type, JSON)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _json(value: object) -> str | None:
    """JSON as text; None is no value, not JSON's null."""
    return None if value is None else orjson.dumps(value).decode()


def _in_base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(type(value))
