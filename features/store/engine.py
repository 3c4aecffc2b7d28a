"""The engine of leadrank's database, and the two context managers through which all SQL goes."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, Protocol

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000")


def open_engine(url: str, secret: str | None = None) -> Engine:
    """Open a SQLite file (its folder is made) or a PostgreSQL database; `secret` is LEADRANK_SECRET's."""
    where = _with_driver(make_url(url))
    engine = create_engine(
        where,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        execution_options={"leadrank_secret": _key(secret)},
    )
    if where.get_backend_name() == "sqlite":
        _tend_sqlite(engine, where)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One write transaction: commits at the end, rolls back on an error; on SQLite the only one at a time."""
    with engine.connect().execution_options(leadrank_writes=True) as connection, connection.begin():
        yield connection


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """One consistent view of the database, for reads; nothing is kept of it."""
    return _connected(engine, "REPEATABLE READ")


def glance(engine: Engine) -> AbstractContextManager[Connection]:
    """What one statement sees, for reads of a single one: no transaction is begun around it."""
    return _connected(engine, "AUTOCOMMIT")


@contextmanager
def _connected(engine: Engine, level: Literal["REPEATABLE READ", "AUTOCOMMIT"]) -> Iterator[Connection]:
    """At this level on PostgreSQL; a transaction of SQLite's is as good."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level=level)
        yield connection


def has_one_writer(engine: Engine) -> bool:
    """Whether write transactions wait for each other, so that none should take long."""
    return engine.dialect.name == "sqlite"


def database_clock(connection: Connection) -> int:
    """The database's clock as an instant: the `at` of normal running."""
    return int(connection.execute(text(f"SELECT {clock_of(connection.dialect.name)}")).scalar_one())


def clock_of(dialect: str) -> str:
    """What a statement reads its database's clock by."""
    if dialect == "sqlite":
        return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000"
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def secret_given(connection: Connection) -> bytes | None:
    """The key made of LEADRANK_SECRET, or None where the installation keeps its own."""
    given = connection.get_execution_options().get("leadrank_secret")
    return given if isinstance(given, bytes) else None


def _key(secret: str | None) -> bytes | None:
    return hashlib.sha256(secret.encode()).digest() if secret else None


def _with_driver(url: URL) -> URL:
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    return url


class _Cursor(Protocol):
    def execute(self, sql: str) -> object: ...
    def close(self) -> None: ...


class _DriverConnection(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


def _tend_sqlite(engine: Engine, url: URL) -> None:
    """Make the folder, set the pragmas of each connection, and begin transactions ourselves."""
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: _DriverConnection, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late: a reader can't turn writer
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("leadrank_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
