"""A process of its own that reads a SQLite file by ADBC: statements in as lines of JSON, Arrow streams out.

The driver brings a copy of SQLite, and two copies in one process undo each other's locks on a file: one that
closes would take the write-ahead log away from under the other.
"""

import json
import sys

import pyarrow
from adbc_driver_sqlite import dbapi

_BATCH = {"adbc.sqlite.query.batch_rows": "65536"}


def answer(path: str) -> None:
    """Answer statement after statement from one view of the file, until there are no more."""
    out = sys.stdout.buffer
    with dbapi.connect(path) as connection:
        for line in sys.stdin.buffer:
            with connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**_BATCH)
                cursor.execute(json.loads(line))
                batches = cursor.fetch_record_batch()
                with pyarrow.ipc.new_stream(out, batches.schema) as stream:
                    for batch in batches:
                        stream.write_batch(batch)
            out.flush()


if __name__ == "__main__":
    answer(sys.argv[1])
