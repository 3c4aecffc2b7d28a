"""Databases for the tests: every test that takes `engine` runs on a SQLite file and on PostgreSQL."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL, make_url

from features.store.engine import open_engine, transaction
from features.store.migrations import upgrade
from features.store.tables import metadata

LOCAL = "postgresql://root@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of this run's own database: on LEADRANK_TEST_POSTGRES, the local port, or a server of ours."""
    with_server = os.environ.get("LEADRANK_TEST_POSTGRES") or (LOCAL if _answers(LOCAL) else None)
    if with_server:
        yield from _own_database(with_server)
        return
    stop, url = _start_postgres()
    try:
        yield from _own_database(url)
    finally:
        stop()


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
    opened = open_engine(_database_of(request, tmp_path))
    yield opened
    opened.dispose()


def _database_of(request: pytest.FixtureRequest, tmp_path: Path) -> str:
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


def _own_database(server: str) -> Iterator[str]:
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


def _start_postgres() -> tuple[Callable[[], None], str]:
    """Start a server on a free port in a folder of its own; give what stops it, and its URL."""
    folder = Path(tempfile.mkdtemp(prefix="leadrank_postgres_"))
    owner = "postgres" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner)
    port = _free_port()
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
    data = str(folder / "data")
    _run([_program("initdb"), "-A", "trust", "-U", "leadrank", "-E", "UTF8", "-D", data], owner)
    pg_ctl, log = _program("pg_ctl"), str(folder / "log")
    _run([pg_ctl, "-w", "-D", data, "-o", options, "-l", log, "start"], owner)

    def stop() -> None:
        _run([pg_ctl, "-m", "immediate", "-D", data, "stop"], owner)
        shutil.rmtree(folder, ignore_errors=True)

    return stop, f"postgresql://leadrank@127.0.0.1:{port}/postgres"


def _run(command: list[str], user: str | None) -> None:
    subprocess.run(command, user=user, check=True, capture_output=True, cwd="/")


def _program(name: str) -> str:
    """A program of PostgreSQL's, on the path or where Debian keeps it; the newest."""
    found = shutil.which(name) or max(
        (str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None
    )
    if found is None:
        pytest.fail("PostgreSQL is needed: install it, or set LEADRANK_TEST_POSTGRES to a server's URL")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
