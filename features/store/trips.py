"""Trips: several statements in one round trip to PostgreSQL; SQLite is in this very process and has none.

SQLAlchemy waits for each statement's rows; libpq's pipeline mode (psycopg.Pipeline) waits once for all, and
what is done meanwhile costs nobody's time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, TextClause
from sqlalchemy.exc import DBAPIError

Asked = tuple[TextClause, Mapping[str, object]]
"""A statement and its parameters."""


def nothing(*_: object) -> None:
    """Done where nothing is to be done meanwhile."""


def ask(
    connection: Connection, *asked: Asked, meanwhile: Callable[[], None] = nothing
) -> list[Sequence[Any]]:
    """The rows of each statement, which sees what those before it did and what others committed meanwhile.

    `meanwhile` is done while they are under way (on SQLite: behind them), and may not use the connection.
    """
    if connection.dialect.name != "postgresql":
        found = [connection.execute(statement, told).all() for statement, told in asked]
        meanwhile()
        return found
    with _pipeline(connection) as driver:
        cursors = [driver.execute(_text(one, connection.dialect), told) for one, told in asked]
        meanwhile()
    return [cursor.fetchall() for cursor in cursors]


def tell_and_commit(
    connection: Connection,
    statement: TextClause,
    told: Mapping[str, object],
    meanwhile: Callable[[], None] = nothing,
) -> None:
    """A transaction's last statement, and its end: what began it has nothing left to commit."""
    with _pipeline(connection) as driver:
        driver.execute(_text(statement, connection.dialect), told)
        # the driver's own commit waits, and the pipeline's end once more
        driver.execute(b"COMMIT", prepare=False)
        meanwhile()


@contextmanager
def _pipeline(connection: Connection) -> Iterator[psycopg.Connection]:
    """The driver's connection, sending without waiting; its errors are told as SQLAlchemy tells them."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        with driver.pipeline():
            yield driver
    except psycopg.Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error


@lru_cache(maxsize=64)
def _text(statement: TextClause, dialect: Dialect) -> bytes:
    """A statement as the driver takes it."""
    return str(statement.compile(dialect=dialect)).encode()
