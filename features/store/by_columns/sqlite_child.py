"""A process of its own that reads a SQLite file by ADBC: statements in as lines of JSON, Arrow streams out.

The driver brings a copy of SQLite, and two copies in one process undo each other's locks on a file: one that
closes would take the write-ahead log away from under the other.
"""

import json
import sys

import adbc_driver_sqlite
import pyarrow
from adbc_driver_manager import AdbcConnection, AdbcStatement

_BATCH = {"adbc.sqlite.query.batch_rows": "65536"}


def answer(path: str) -> None:
    """Answer statement after statement from one view of the file, until there are no more.

    Without the driver's DB-API, which would import pandas first.
    """
    with adbc_driver_sqlite.connect(path) as database, AdbcConnection(database) as connection:
        connection.set_autocommit(False)
        for line in sys.stdin.buffer:
            with AdbcStatement(connection) as statement:
                statement.set_options(**_BATCH)
                statement.set_sql_query(json.loads(line))
                found, _ = statement.execute_query()
                _write(pyarrow.RecordBatchReader.from_stream(found))


def _write(batches: pyarrow.RecordBatchReader) -> None:
    out = sys.stdout.buffer
    with pyarrow.ipc.new_stream(out, batches.schema) as stream:
        for batch in batches:
            stream.write_batch(batch)
    out.flush()


if __name__ == "__main__":
    answer(sys.argv[1])
