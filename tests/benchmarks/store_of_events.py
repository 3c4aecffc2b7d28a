"""A store filled past its front door: calls, dispositions and all else, straight into the tables."""

from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Boolean, Column, Double, Engine, Integer, SmallInteger, Table, Text, update

from features import Outcome
from features.instants import DAY, MINUTE, SECOND
from features.kernel import Int64Array
from features.store.engine import open_engine, transaction
from features.store.tables import (
    call,
    call_past,
    callback,
    conversion,
    counter,
    disposition,
    lead,
    lead_attribute,
    touch,
)
from tests.builders import MONDAY

SHARES = {call: 0.55, disposition: 0.40, touch: 0.02, callback: 0.02, call_past: 0.005, conversion: 0.005}
"""Of the events: a call in a hundred is corrected, so is a disposition; some sales another system tells."""

CALLS_PER_LEAD, DAYS, AGENTS, BATCH, TELLINGS = 8, 240, 300, 100_000, 10
LATER = 40
"""So many calls after its own a late disposition, or a correction, is told."""

Columns = dict[str, Any]


class Floor:
    """What row `n` of each table says, for a store of so many events; always the same."""

    def __init__(self, events: int) -> None:
        self.rows = {table: max(1, int(events * share)) for table, share in SHARES.items()}
        self.rows |= dict.fromkeys((lead, lead_attribute), self.rows[call] // CALLS_PER_LEAD + 1)
        self._tells: dict[Table, Callable[[Int64Array], Columns]] = {
            lead: self._leads,
            lead_attribute: self._attributes,
            call: self._calls,
            call_past: self._corrected,
            disposition: self._dispositions,
            touch: self._touches,
            callback: self._callbacks,
            conversion: self._conversions,
        }

    @property
    def last_seq(self) -> int:
        """The change counter."""
        return int(self._seq(np.array([self.rows[call] + LATER]), TELLINGS - 1)[0])

    def batches(self, table: Table) -> Iterator[pa.RecordBatch]:
        """The rows of a table, without the key that counts itself up."""
        columns = [column for column in table.c if not (column.name == "id" and table is not lead)]
        for first in range(0, self.rows[table], BATCH):
            rows = np.arange(first, min(first + BATCH, self.rows[table]))
            told = self._tells[table](rows)
            arrays = [_array(column, told, rows.size) for column in columns]
            yield pa.record_batch(arrays, names=[column.name for column in columns])

    def _seq(self, call: Int64Array, telling: int) -> Int64Array:
        return 2 * self.rows[lead] + 1 + TELLINGS * call + telling

    def _ended_at(self, call_row: Int64Array) -> Int64Array:
        return MONDAY + call_row * (DAYS * DAY // self.rows[call]) + _mixed(call_row) % SECOND

    def _lead_of(self, call: Int64Array) -> Int64Array:
        return 1 + _mixed(call) // 7 % self.rows[lead]

    def _leads(self, rows: Int64Array) -> Columns:
        numbers = [f"+1{(212, 312, 415, 713)[row % 4]}{2000000 + row % 7999999}" for row in rows.tolist()]
        return {
            "id": rows + 1, "lead_id": [f"lead-{row:09d}" for row in rows.tolist()], "campaign": "spring",
            "created_at": MONDAY - DAY, "updated_at": MONDAY - DAY, "known_at": MONDAY - DAY,
            "channel": "web_form", "source": _words("source", rows, 40), "list_id": _words("list", rows, 200),
            "country": "US", "region": "NY", "timezone": _some("America/Chicago", rows % 2 == 1),
            "value": np.where(rows % 3, 80.0, 200.0), "seq": rows + 1,
            "phones": [f'[{{"e164": "{one}", "type": "mobile"}}]' for one in numbers],
        }  # fmt: skip

    def _attributes(self, rows: Int64Array) -> Columns:
        return {
            "lead": rows + 1, "name": "need", "number": rows % 10.0,
            "known_at": MONDAY - DAY, "seq": self.rows[lead] + rows + 1,
        }  # fmt: skip

    def _calls(self, rows: Int64Array) -> Columns:
        corrected = rows % (self.rows[call] // self.rows[call_past]) == 0
        seq = np.where(corrected, self._seq(rows + LATER, 4), self._seq(rows, 0))
        known_at = self._ended_at(np.where(corrected, rows + LATER, rows))
        return self._versions(rows) | {"seq": seq, "known_at": known_at, "event_id": "b"}

    def _corrected(self, rows: Int64Array) -> Columns:
        told = rows * (self.rows[call] // self.rows[call_past])
        return self._versions(told) | {"seq": self._seq(told, 0), "event_id": "a", "agent": "agent-0"}

    def _versions(self, rows: Int64Array) -> Columns:
        mixed, ended_at = _mixed(rows), self._ended_at(rows)
        answered = mixed % 10 < 3
        return {
            "call_id": _ids(rows), "lead": self._lead_of(rows), "campaign": "spring", "dialer_id": "d1",
            "agent": _some(_words("agent", mixed // 11, AGENTS), answered), "event_at": ended_at,
            "caller_hash": _words("line", mixed // 13, 50), "script": _words("script", mixed // 17, 4),
            "started_at": ended_at - (20 + mixed % 180) * SECOND, "ended_at": ended_at, "known_at": ended_at,
            "outcome": np.where(answered, Outcome.CONTACT_NO_DECISION, Outcome.NO_ANSWER),
            "talk_s": np.where(answered, mixed % 180 * 1.0, 0.0), "wrap_s": mixed % 30 * 1.0,
            "human_answered": answered, "abandoned": False,
        }  # fmt: skip

    def _dispositions(self, rows: Int64Array) -> Columns:
        """Most told at once, some later, and of one call in a hundred a second one."""
        told = (rows - (rows % 100 == 99)) * self.rows[call] // self.rows[disposition]
        second = rows % 100 == 99
        later = second | (rows % 10 < 3)
        sold = rows % 20 == 0
        return {
            "call_id": _ids(told), "converted": sold, "value": np.where(sold, 80.0, 0.0), "stop_phone": False,
            "event_at": self._ended_at(told) + later * MINUTE,
            "known_at": self._ended_at(told + later * LATER),
            "disposition": np.where(sold, Outcome.CONVERTED, Outcome.CONTACT_REFUSED),
            "seq": self._seq(told + later * LATER, 1) + later + second,
        }  # fmt: skip

    def _touches(self, rows: Int64Array) -> Columns:
        return self._contact(rows, touch, 6) | {"channel": "email", "kind": "note", "direction": "outbound"}

    def _callbacks(self, rows: Int64Array) -> Columns:
        told = self._contact(rows, callback, 7)
        return told | {"event_at": told["at"], "at": told["at"] + DAY, "cancelled": rows % 10 == 0}

    def _conversions(self, rows: Int64Array) -> Columns:
        told = self._contact(rows, conversion, 8)
        return told | {"goal": "sale", "value": 90.0, "event_at": told["at"], "cancelled": False}

    def _contact(self, rows: Int64Array, table: Table, telling: int) -> Columns:
        beside = rows * (self.rows[call] // self.rows[table])
        at = self._ended_at(beside)
        return {"lead": self._lead_of(beside), "at": at, "known_at": at, "seq": self._seq(beside, telling)}


def fill(url: str, events: int) -> None:
    """Fill an empty, up-to-date store; its indexes are made at the end. Alone in its process on SQLite."""
    engine, floor = open_engine(url), Floor(events)
    tables = [lead, lead_attribute, *SHARES]
    with transaction(engine) as connection:
        for table in tables:
            for index in table.indexes:
                index.drop(connection)
    engine.dispose()
    for table in tables:
        _ingest(engine, table, floor.batches(table))
    with transaction(engine) as connection:
        for table in tables:
            for index in table.indexes:
                index.create(connection)
        connection.execute(update(counter).values(value=floor.last_seq))
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _ingest(engine: Engine, table: Table, batches: Iterator[pa.RecordBatch]) -> None:
    driver = import_module(f"adbc_driver_{engine.dialect.name}.dbapi")
    first = next(batches)
    reader = pa.RecordBatchReader.from_batches(first.schema, _chained(first, batches))
    where = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    if engine.dialect.name == "sqlite":
        where = str(engine.url.database)
    with closing(driver.connect(where)) as connection:
        with closing(connection.cursor()) as cursor:
            cursor.adbc_ingest(table.name, reader, mode="append")
        connection.commit()


def _chained(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


_KINDS = {
    SmallInteger: pa.int16(),
    Boolean: pa.bool_(),
    Double: pa.float64(),
    Text: pa.string(),
    Integer: pa.int64(),
}


def _array(column: Column[Any], told: Columns, size: int) -> pa.Array:
    kind = next((arrow for kind, arrow in _KINDS.items() if isinstance(column.type, kind)), pa.string())
    value = told.get(column.name)
    if value is None or np.isscalar(value):
        return pa.repeat(pa.scalar(value, kind), size)
    return pa.array(value, kind)


def _mixed(rows: Int64Array) -> Int64Array:
    """Numbers without an order, the same for the same row (splitmix64)."""
    mixed = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def _ids(rows: Int64Array) -> list[str]:
    """Ids as dialers give them: long and in no order."""
    return [f"call-{mixed:016x}" for mixed in _mixed(rows).tolist()]


def _some(words: NDArray[np.object_] | str, rows: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Words in the rows marked, nothing in the others."""
    found = np.full(rows.size, None, np.object_)
    found[rows] = words if isinstance(words, str) else words[rows]
    return found


def _words(stem: str, rows: Int64Array, count: int) -> NDArray[np.object_]:
    return np.array([f"{stem}-{number}" for number in range(count)], np.object_)[rows % count]
