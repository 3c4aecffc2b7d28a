"""A store of one campaign's many leads with their calls of the last weeks, straight into the tables."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from sqlalchemy import Table, update

from features import Outcome
from features.instants import DAY, HOUR, MINUTE, SECOND
from features.kernel import Int64Array
from features.store.engine import open_engine, transaction
from features.store.tables import call, counter, lead, lead_attribute
from tests.builders import MONDAY

from .store_of_events import Columns, _array, _ids, _ingest, _mixed, _some, _words

NOW = MONDAY + 28 * DAY + 18 * HOUR
"""A Monday, 18:00 UTC: every zone of the leads is open but one."""

WEEKS, BATCH = 3, 100_000
ZONES = ((212, "NY"), (312, "IL"), (303, "CO"), (415, "CA"), (808, "HI"))
"""Area codes and states; in Hawaii it is 8:00."""


class Floor:
    """What row `n` of each table says: half as many calls as leads, none of the last three hours."""

    def __init__(self, leads: int, now: int = NOW, zone: str | None = None) -> None:
        self.now, self.zone = now, zone
        self.rows = {lead: leads, lead_attribute: leads, call: max(1, leads // 2)}
        self._tells = {lead: self._leads, lead_attribute: self._attributes, call: self._calls}

    @property
    def last_seq(self) -> int:
        """The change counter."""
        return sum(self.rows.values())

    def batches(self, table: Table) -> Iterator[pa.RecordBatch]:
        """The rows of a table, without the key that counts itself up."""
        columns = [column for column in table.c if not (column.name == "id" and table is not lead)]
        for first in range(0, self.rows[table], BATCH):
            rows = np.arange(first, min(first + BATCH, self.rows[table]))
            told = self._tells[table](rows)
            arrays = [_array(column, told, rows.size) for column in columns]
            yield pa.record_batch(arrays, names=[column.name for column in columns])

    def _leads(self, rows: Int64Array) -> Columns:
        came = self.now - 28 * DAY + _mixed(rows) % (27 * DAY)
        places = [ZONES[row % len(ZONES)] for row in rows.tolist()]
        numbers = [
            f"+1{area}{2000000 + row % 7999999}" for row, (area, _) in zip(rows.tolist(), places, strict=True)
        ]
        return {
            "id": rows + 1, "lead_id": [f"lead-{row:09d}" for row in rows.tolist()], "campaign": "spring",
            "created_at": came, "updated_at": came, "known_at": came, "country": "US",
            "channel": _words("channel", _mixed(rows) // 3, 5), "source": _words("source", rows, 40),
            "list_id": _words("list", rows, 200), "timezone": [self.zone] * rows.size,
            "region": [None if self.zone else state for _, state in places],
            "value": 50.0 + _mixed(rows) // 5 % 200, "seq": rows + 1, "phone_hash": numbers,
            "phones": [f'[{{"e164": "{one}", "type": "mobile"}}]' for one in numbers],
        }  # fmt: skip

    def _attributes(self, rows: Int64Array) -> Columns:
        came = self.now - 28 * DAY + _mixed(rows) % (27 * DAY)
        return {
            "lead": rows + 1, "name": "need", "number": _mixed(rows) // 7 % 10 * 1.0, "known_at": came,
            "seq": self.rows[lead] + rows + 1,
        }  # fmt: skip

    def _calls(self, rows: Int64Array) -> Columns:
        mixed, ended_at = (
            _mixed(rows),
            self.now - 3 * HOUR - (self.rows[call] - rows) * (WEEKS * 7 * DAY // self.rows[call]),
        )
        answered = mixed % 10 < 3
        return {
            "call_id": _ids(rows), "lead": 1 + mixed // 7 % self.rows[lead], "campaign": "spring",
            "dialer_id": "d1", "agent": _some(_words("agent", mixed // 11, 300), answered),
            "caller_hash": _words("line", mixed // 13, 50), "script": _words("script", mixed // 17, 4),
            "started_at": ended_at - (20 + mixed % 180) * SECOND, "ended_at": ended_at,
            "event_at": ended_at, "known_at": ended_at + MINUTE, "event_id": "b",
            "outcome": _outcomes(answered, mixed), "talk_s": np.where(answered, mixed % 180 * 1.0, 0.0),
            "wrap_s": mixed % 30 * 1.0, "human_answered": answered, "abandoned": False,
            "seq": 2 * self.rows[lead] + rows + 1,
        }  # fmt: skip


def fill_leads(url: str, leads: int, now: int = NOW, zone: str | None = None) -> None:
    """Fill an empty, up-to-date store; its indexes are made at the end. Alone in its process on SQLite.

    With a zone all leads live there; else they are spread over the country.
    """
    engine, floor = open_engine(url), Floor(leads, now, zone)
    with transaction(engine) as connection:
        for index in [index for table in floor.rows for index in table.indexes]:
            index.drop(connection)
    engine.dispose()
    for table in floor.rows:
        _ingest(engine, table, floor.batches(table))
    with transaction(engine) as connection:
        for index in [index for table in floor.rows for index in table.indexes]:
            index.create(connection)
        connection.execute(update(counter).values(value=floor.last_seq))
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT setval('lead_id_seq', (SELECT max(id) FROM lead))")
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _outcomes(answered: np.ndarray, mixed: Int64Array) -> Int64Array:
    """Of those who picked up a tenth bought and a fifth refused."""
    said = np.where(mixed // 19 % 10 == 0, Outcome.CONVERTED, Outcome.CONTACT_NO_DECISION)
    said = np.where(mixed // 19 % 10 > 7, Outcome.CONTACT_REFUSED, said)
    return np.where(answered, said, Outcome.NO_ANSWER)
