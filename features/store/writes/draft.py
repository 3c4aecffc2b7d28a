"""Draft: the rows that a batch of events will write, gathered before the first is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, delete, insert, select, update

from ...pseudonym import phone_hash
from ...sources.outcomes import Dialects
from ..bulk import insert_rows
from ..changes import numbers
from ..lookup import among, lock_leases
from ..resources import resource_of_lead, resources_by_lease
from ..tables import agent, call, call_past, event, lease
from .erasure import erase
from .receipts import Erasure
from .stops import Stop, suppress
from .telling import Told

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class KnownCall:
    """What later events of a call need of it."""

    lead: int
    phone_hash: str | None
    version: tuple[int, str]
    """Event time and name of the event that told it."""


@dataclass
class Draft:
    """What is known when the batch begins, and the rows that it adds; `at` is when it is stored."""

    at: int
    secret: bytes
    dialects: Dialects
    leads: Mapping[str, int]
    """`lead.id` by lead_id, for all leads that the batch names."""
    calls: dict[str, KnownCall]
    """All known calls that the batch names; grows with its own."""
    agents: dict[str, tuple[int, str]]
    """The versions of all known agents that the batch names."""
    rows: dict[Table, list[Row]] = field(default_factory=dict)
    call_rows: dict[str, Row] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)
    """The stored calls of which a newer version came."""
    agent_rows: dict[str, Row] = field(default_factory=dict)
    campaigns: Mapping[int, str] = field(default_factory=dict)
    """By `lead.id`, for the leads of events that may speak of some campaigns alone."""
    dispositions: dict[str, list[tuple[int, int | None]]] = field(default_factory=dict)
    """Of each call (time, callback promised) as it was disposed so far."""
    stops: list[Stop] = field(default_factory=list)
    leases: dict[tuple[str, int], int] = field(default_factory=dict)
    """When the call that names a lease, to a lead (`lead.id`), ended."""
    erased: dict[int, int] = field(default_factory=dict)

    def add(self, table: Table, **columns: object) -> None:
        """Add a row to insert."""
        self.rows.setdefault(table, []).append(columns)

    def tell_call(self, told: KnownCall, row: Row) -> None:
        """Let a version of a call stand if it is the newest; the others are kept among the past ones."""
        call_id = str(row["call_id"])
        before = self.calls.get(call_id)
        if before is not None and before.version >= told.version:
            self.add(call_past, **row)
            return
        if call_id in self.call_rows:
            self.add(call_past, **self.call_rows[call_id])
        elif before is not None:
            self.replaced.append(call_id)
        self.calls[call_id], self.call_rows[call_id] = told, row

    def disposed(self, call_id: str, at: int, callback_at: int | None) -> int | None:
        """Take note of a disposition; when the one that stands takes back the callback of the one before."""
        told = self.dispositions.setdefault(call_id, [])
        told.append((at, callback_at))
        *_, before, last = [(0, None), *sorted(told, key=lambda one: one[0])]
        return last[0] if last[1] is None and before[1] is not None else None

    def known_at(self, told: Told) -> int:
        """Since when an event's facts are known."""
        return self.at if told.known_at is None else told.known_at

    def phone_hash(self, phone: str | None) -> str | None:
        """The pseudonym of a number, None for none."""
        return None if phone is None else phone_hash(self.secret, phone)

    def log(self, told: Told) -> None:
        """Add an event to the log, as it came."""
        self.add(
            event,
            source=told.source,
            id=told.id,
            type=told.type,
            time=told.time,
            known_at=self.known_at(told),
            data=told.payload.get("data", {}),
            extensions=told.extensions,
            about=self._about(told.payload.get("data")),
        )

    def _about(self, data: object) -> str | None:
        """Whom an event is about, so that an erasure finds it."""
        said = data if isinstance(data, Mapping) else {}
        for name, kind in (("lead_id", "lead"), ("call_id", "call")):
            if said.get(name) is not None:
                return f"{kind}:{said[name]}"
        digest = self.phone_hash(said.get("phone"))
        return None if digest is None else f"phone:{digest}"

    def write(self, connection: Connection) -> list[Erasure]:
        """Write all of it, each row with its number in the order of changes; receipts of leads erased."""
        upserts = [(call, self.call_rows), (agent, self.agent_rows)]
        stamps = numbers(connection, self._size())
        _keep_replaced(connection, self.replaced)
        for table, by_key in upserts:
            _upsert(connection, table, _stamped(list(by_key.values()), stamps))
        for table, rows in self.rows.items():
            insert_rows(connection, table, _stamped(rows, stamps))
        self._end_leases(connection)
        suppress(connection, self.stops, self.secret, self.at)
        return erase(connection, self.erased, stamps, self.secret)

    def _size(self) -> int:
        singles = (self.call_rows, self.agent_rows, self.erased)
        return sum(len(some) for some in singles) + sum(len(rows) for rows in self.rows.values())

    def _end_leases(self, connection: Connection) -> None:
        if not self.leases:
            return
        lock_leases(connection)
        found = resources_by_lease(connection, {lease_id for lease_id, _ in self.leases})
        for (lease_id, key), ended_at in sorted(self.leases.items()):
            rows = found.get(lease_id, ())
            if resource_of_lead(key) not in rows:
                continue  # nobody's lease, or another lead's: that one may be in a dialer's hands
            ended = {"expires_at": ended_at, "state": "called"}
            mine = lease.c.resource.in_(rows) & (lease.c.lease_id == lease_id)
            connection.execute(update(lease).where(mine).values(**ended))


def _stamped(rows: Sequence[Row], stamps: Iterator[int]) -> list[Row]:
    return [{**row, "seq": next(stamps)} for row in rows]


def _keep_replaced(connection: Connection, call_ids: Sequence[str]) -> None:
    """Copy calls to the past ones, numbers too: readers who have followed so far know them already."""
    if not call_ids:
        return
    names = [column.name for column in call.c]
    kept = select(*call.c).where(among(connection, call.c.call_id, call_ids))
    connection.execute(insert(call_past).from_select(names, kept))


def _upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or put them in the place of those with the same key: these are newer."""
    if not rows:
        return
    (key,) = table.primary_key.columns
    kept = among(connection, key, [str(row[key.name]) for row in rows])
    connection.execute(delete(table).where(kept))
    insert_rows(connection, table, rows)
