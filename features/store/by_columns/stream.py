"""Stream: one consistent view of the database, its answers as Arrow record batches by ADBC."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Dialect, Double, Engine, SelectBase, Table, Text, func, literal, true
from sqlalchemy import cast as sql_cast
from sqlalchemy.engine import URL

from ...errors import MissingExtra
from ...instants import NEVER

Arrow = Any
"""A module or a value of pyarrow's or ADBC's, which ship no types."""

Answers = Callable[[str], Iterator[Arrow]]
"""The record batches that answer a statement."""


class Stream:
    """What the database held at one instant; one answer is read at a time, and to its end."""

    def __init__(self, answers: Answers, dialect: Dialect) -> None:
        self._answers, self._dialect = answers, dialect

    def batches(self, asked: SelectBase) -> Iterator[Arrow]:
        """The answer's record batches, of about 16 MB at most; empty ones are left out."""
        return (batch for batch in self._answers(self._sql(asked)) if batch.num_rows)

    def whole(self, asked: SelectBase) -> Arrow:
        """The answer as one batch, for what is rare; None where it is empty: SQLite then knows no types."""
        batches = list(self.batches(asked))
        return arrow().concat_batches(batches) if batches else None

    def _sql(self, asked: SelectBase) -> str:
        """Only numbers and words of ours are written into it."""
        return str(asked.compile(dialect=self._dialect, compile_kwargs={"literal_binds": True}))


def can_stream(engine: Engine) -> bool:
    """Whether another connection sees the same database: a SQLite in memory has but its own."""
    return engine.dialect.name != "sqlite" or (engine.url.database or ":memory:") != ":memory:"


@contextmanager
def streaming(engine: Engine) -> Iterator[Stream]:
    """One view for all that is asked of it; `MissingExtra` where the driver is not installed."""
    arrow()
    view = _of_sqlite if engine.dialect.name == "sqlite" else _of_postgresql
    with view(engine.url) as answers:
        yield Stream(answers, engine.dialect)


@contextmanager
def _of_postgresql(url: URL) -> Iterator[Answers]:
    driver = _extra("adbc_driver_postgresql.dbapi", "adbc-driver-postgresql")
    where = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(driver.connect(where)) as connection:

        def answers(statement: str) -> Iterator[Arrow]:
            with closing(connection.cursor()) as cursor:
                yield from cursor.execute(statement).fetch_record_batch()

        with closing(connection.cursor()) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield answers


@contextmanager
def _of_sqlite(url: URL) -> Iterator[Answers]:
    """Another process reads the file: see there."""
    _extra("adbc_driver_sqlite", "adbc-driver-sqlite")
    command = [sys.executable, "-P", str(Path(__file__).with_name("sqlite_child.py")), str(url.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:

        def answers(statement: str) -> Iterator[Arrow]:
            if child.stdin is None or child.stdout is None:
                raise ValueError("a child without pipes")
            child.stdin.write(orjson.dumps(statement) + b"\n")
            child.stdin.flush()
            yield from arrow("ipc").open_stream(child.stdout)

        try:
            yield answers
        except BaseException:
            child.kill()
            raise


def arrow(module: str = "") -> Arrow:
    """pyarrow or one of its modules, imported where it is needed: serving does without."""
    return _extra(f"pyarrow.{module}" if module else "pyarrow", "pyarrow")


def worded(column: ColumnElement[Any], name: str = "") -> ColumnElement[str]:
    """Words behind a sign, and the empty text for none: SQLite's driver guesses a type by the first rows."""
    return func.coalesce(literal("=") + sql_cast(column, Text), "").label(name or column.key)


def numbered(column: ColumnElement[float | None]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """A number that may be missing: itself or 0, and whether it is missing."""
    name = column.key
    return func.coalesce(sql_cast(column, Double), 0.0).label(name), column.is_(None).label(f"no_{name}")


def known_by(table: Table, until: int) -> ColumnElement[bool]:
    """What was known strictly before an instant."""
    return table.c.known_at < until if until < NEVER else true()


def whole(batch: Arrow, name: str) -> NDArray[np.int64]:
    """A column of whole numbers, copied as all of these: a view would keep the batch."""
    return np.array(batch[name].to_numpy(zero_copy_only=False), np.int64)


def marked(batch: Arrow, name: str) -> NDArray[np.bool_]:
    """A column of yes and no, which SQLite keeps as numbers."""
    return np.array(batch[name].to_numpy(zero_copy_only=False), np.bool_)


def number(batch: Arrow, name: str) -> NDArray[np.float64]:
    """A column of numbers, NaN where `numbered` found none."""
    found = np.array(batch[name].to_numpy(zero_copy_only=False), np.float64)
    if f"no_{name}" in batch.schema.names:
        found[marked(batch, f"no_{name}")] = np.nan
    return found


def _extra(module: str, library: str) -> Arrow:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(library=library, extra="train") from error
