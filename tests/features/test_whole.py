"""Whole files: nobody ever sees a database that is half made, and one of many makes it."""

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from features.whole import make_whole, sqlite_file


def fill(uri: str, row: int = 1) -> None:
    """A table with a row, by a connection whose journal lies beside the file and which stays open."""
    file = sqlite_file(uri)
    connection = sqlite3.connect(file or "", check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE made (row INTEGER)")
    connection.execute("INSERT INTO made VALUES (?)", (row,))
    connection.commit()
    OPEN.append(connection)


OPEN: list[sqlite3.Connection] = []


@pytest.fixture(autouse=True)
def _close():
    yield
    while OPEN:
        OPEN.pop().close()


def rows(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as connection:
        return [row for (row,) in connection.execute("SELECT row FROM made")]


def test_a_file_and_its_folder_are_made_with_nothing_left_beside(tmp_path: Path):
    file = tmp_path / "mlruns" / "mlflow.db"

    make_whole(file, fill)

    assert rows(file) == [1]
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path):
    file = tmp_path / "mlflow.db"
    make_whole(file, fill)

    make_whole(file, lambda uri: fill(uri, 2))

    assert rows(file) == [1]


def test_nobody_sees_the_file_before_it_is_done_and_one_of_many_makes_it(tmp_path: Path):
    file, seen, made = tmp_path / "mlflow.db", list[bool](), list[str]()
    together = threading.Barrier(4)

    def slowly(uri: str) -> None:
        made.append(uri)
        fill(uri)
        seen.append(file.exists())

    def come(_which: int) -> list[int]:
        together.wait()
        make_whole(file, slowly)
        return rows(file)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(come, range(4)))

    assert found == [[1]] * 4
    assert (seen, len(made)) == ([False], 1)


def test_what_fails_leaves_no_file_and_the_next_one_makes_it(tmp_path: Path):
    file = tmp_path / "mlflow.db"

    def fails(uri: str) -> None:
        fill(uri)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        make_whole(file, fails)
    left = list(tmp_path.iterdir())
    make_whole(file, fill)

    assert (left, rows(file)) == ([], [1])


def test_one_that_another_program_made_meanwhile_stays(tmp_path: Path):
    file = tmp_path / "mlflow.db"

    def overtaken(uri: str) -> None:
        fill(f"sqlite:///{file}", 2)
        fill(uri)

    make_whole(file, overtaken)

    assert rows(file) == [2]


def test_where_the_file_system_knows_no_links_the_file_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuses(_from: object, _to: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuses)

    make_whole(tmp_path / "mlflow.db", fill)

    assert rows(tmp_path / "mlflow.db") == [1]


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:///mlruns/mlflow.db", Path("mlruns/mlflow.db")),
        ("sqlite:////srv/mlflow.db?timeout=30", Path("/srv/mlflow.db")),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("http://127.0.0.1:5000", None),
    ],
)
def test_the_file_of_a_uri(uri: str, file: Path | None):
    assert sqlite_file(uri) == file
