"""Trips: several statements in one round trip to PostgreSQL; SQLite is in this very process and has none.

SQLAlchemy waits for each statement's rows; libpq's pipeline mode (psycopg.Pipeline) waits once for all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, TextClause
from sqlalchemy.exc import OperationalError

Asked = tuple[TextClause, Mapping[str, object]]
"""A statement and its parameters."""


def ask(
    connection: Connection, *asked: Asked, meanwhile: Callable[[], None] | None = None
) -> list[Sequence[Any]]:
    """The rows of each statement, which sees what those before it did and what others committed meanwhile.

    What is to be done `meanwhile` is done while PostgreSQL is at work on them, on SQLite after them.
    """
    work = meanwhile or _nothing
    if connection.dialect.name != "postgresql":
        found = [connection.execute(statement, told).all() for statement, told in asked]
        work()
        return found
    with _pipeline(connection) as driver:
        cursors = [driver.execute(_text(one, connection.dialect), told) for one, told in asked]
        work()
    return [cursor.fetchall() for cursor in cursors]


def tell_and_commit(connection: Connection, statement: TextClause, told: Mapping[str, object]) -> None:
    """A transaction's last statement, and its end: what began it has nothing left to commit."""
    with _pipeline(connection) as driver:
        driver.execute(_text(statement, connection.dialect), told)
        driver.commit()


@contextmanager
def _pipeline(connection: Connection) -> Iterator[psycopg.Connection]:
    """The driver's connection, sending without waiting; its errors are told as SQLAlchemy tells them."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        with driver.pipeline():
            yield driver
    except psycopg.Error as error:
        gone = driver.closed
        if gone:
            connection.invalidate(error)
        raise OperationalError(None, None, error, connection_invalidated=gone) from error


def _nothing() -> None:
    """Done while there is nothing else to do."""


@lru_cache(maxsize=64)
def _text(statement: TextClause, dialect: Dialect) -> bytes:
    """A statement as the driver takes it."""
    return str(statement.compile(dialect=dialect)).encode()
