"""Databases for the tests: every test that takes `engine` runs on a SQLite file and on PostgreSQL."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL, make_url

from features.store.engine import open_engine, transaction
from features.store.migrations import upgrade
from features.store.tables import metadata

from .postgres import start_server

LOCAL = "postgresql://root@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of this run's own database: on LEADRANK_TEST_POSTGRES, the local port, or a server of ours."""
    with_server = os.environ.get("LEADRANK_TEST_POSTGRES") or (LOCAL if _answers(LOCAL) else None)
    if with_server:
        yield from own_database(with_server)
        return
    server = start_server()
    try:
        yield from own_database(server.url)
    finally:
        server.remove()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with an up-to-date schema: a test copies it instead of migrating anew."""
    path = tmp_path_factory.mktemp("template") / "leadrank.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on an empty, up-to-date database; closed after the test."""
    opened = open_engine(database_of(request, tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def fresh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Engine]]:
    """Empties one database again and again: for tests of many examples."""
    engine = open_engine(database_of(request, tmp_path_factory.mktemp("fresh")))

    def again() -> Engine:
        empty(engine)
        return engine

    yield again
    engine.dispose()


def database_of(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, up-to-date database of the kind that the fixture is asked for."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("template"), tmp_path / "leadrank.db")
        return f"sqlite:///{tmp_path / 'leadrank.db'}"
    url: str = request.getfixturevalue("postgres")
    engine = open_engine(url)
    empty(engine)
    engine.dispose()
    return url


def empty(engine: Engine) -> None:
    """Remove all rows but the installation's own."""
    kept = ("installation", "counter")
    names = [table.name for table in reversed(metadata.sorted_tables) if table.name not in kept]
    deletions = [f'DELETE FROM "{name}"' for name in names]
    at_once = engine.dialect.name == "postgresql"
    with transaction(engine) as connection:
        for statement in ["; ".join(deletions)] if at_once else deletions:
            connection.execute(text(statement))


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def own_database(server: str) -> Iterator[str]:
    """Create an up-to-date database on a server, give its URL, drop it after."""
    name = f"leadrank_test_{secrets.token_hex(6)}"
    where = make_url(server).set(drivername="postgresql")
    with psycopg.connect(_plain(where), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            url = _plain(where.set(database=name))
            engine = open_engine(url)
            upgrade(engine)
            engine.dispose()
            yield url
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _plain(url: URL) -> str:
    return url.render_as_string(hide_password=False)
