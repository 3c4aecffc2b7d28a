"""Imports: files into the store in batches, each in a transaction; what was done is never done twice."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, insert, select

from ..sources.record import Record
from .engine import transaction
from .tables import import_run
from .writes import accept_events, accept_leads
from .writes.receipts import EventReceipt, LeadResult

BATCH = 5_000
"""Rows of the file in one transaction."""


@dataclass
class Tally:
    """What became of the rows of one file; leads and events alike."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    """Events known already, leads unchanged or stale."""
    quarantined: Counter[str] = field(default_factory=Counter)
    """Events by reason code."""
    rejected: Counter[str] = field(default_factory=Counter)
    """What can't be kept at all, by reason code."""
    skipped: int = 0
    """Rows that an earlier run had done."""
    firsts: dict[str, str] = field(default_factory=dict)
    """By reason code which row this run rejected first, counted from 1, and what is wrong with it."""

    @property
    def was_done(self) -> bool:
        """Whether an earlier run had done the whole file."""
        return self.skipped > 0 and self.skipped == self.rows


@dataclass(frozen=True)
class ImportOrder:
    """One file to import: its records, what names it and its mapping, and the instant of the import."""

    name: str
    file_digest: str
    mapping_digest: str
    records: Iterable[Record]
    at: int


def run_import(
    engine: Engine, order: ImportOrder, advance: Callable[[int], None] = lambda rows: None
) -> Tally:
    """Import what of a file is not imported yet; `advance` hears of rows done."""
    with transaction(engine) as connection:
        tally = _begin(connection, order)
    advance(tally.skipped)
    for batch in _batches(order.records, tally.skipped):
        with transaction(engine) as connection:
            _take(connection, batch, order.at, tally)
            _note(connection, order, tally)
        advance(len(batch))
    return tally


def rehearse(engine: Engine, order: ImportOrder, advance: Callable[[int], None] = lambda rows: None) -> Tally:
    """What an import would do; all of it is rolled back."""
    tally = Tally()
    with _undone(engine) as connection:
        for batch in _batches(order.records, 0):
            _take(connection, batch, order.at, tally)
            advance(len(batch))
    return tally


@contextmanager
def _undone(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(leadrank_writes=True) as connection:
        yield connection
        connection.rollback()


def _batches(records: Iterable[Record], skipped: int) -> Iterator[Sequence[Record]]:
    rest = iter(islice(records, skipped, None))
    while batch := list(islice(rest, BATCH)):
        yield batch


def _take(connection: Connection, batch: Sequence[Record], at: int, tally: Tally) -> None:
    """Leads first, so that the events of the same rows find them."""
    leads = accept_leads(connection, [item for record in batch for item in record.leads], at, "event")
    receipt = accept_events(connection, [item for record in batch for item in record.events], at, "event")
    results = Counter(lead.result for lead in leads)
    refused = sorted(_refused(batch, leads, receipt))
    tally.rejected.update(code for _, code, _ in refused)
    for row, code, why in refused:
        tally.firsts.setdefault(code, f"row {tally.rows + row + 1:,}{why}")
    tally.rows += len(batch)
    tally.accepted += results["created"] + results["updated"] + receipt.accepted + receipt.replayed
    tally.duplicates += results["unchanged"] + results["stale"] + receipt.duplicates
    tally.quarantined.update(code for _, code, _ in receipt.quarantined)


def _refused(
    batch: Sequence[Record], leads: Sequence[LeadResult], receipt: EventReceipt
) -> Iterator[tuple[int, str, str]]:
    """(row, reason code, what is wrong) of all that can't be kept."""
    yield from ((row, record.fault, "") for row, record in enumerate(batch) if record.fault is not None)
    of_leads, of_events = (
        [row for row, record in enumerate(batch) for _ in getattr(record, items)]
        for items in ("leads", "events")
    )
    for row, lead in zip(of_leads, leads, strict=True):
        if lead.result == "rejected":
            code, _, why = (lead.reason or "").partition(":")
            yield row, f"lead {code}", f":{why}" if why else ""
    yield from ((of_events[place], code, "") for place, code in receipt.rejected)


def _is(order: ImportOrder) -> ColumnElement[bool]:
    """The row of this file read through this mapping."""
    return and_(
        import_run.c.file_digest == order.file_digest, import_run.c.mapping_digest == order.mapping_digest
    )


def _begin(connection: Connection, order: ImportOrder) -> Tally:
    """The tally of what earlier runs did."""
    row = connection.execute(select(import_run).where(_is(order))).first()
    if row is None:
        return Tally()
    quarantined, rejected = Counter(row.quarantined), Counter(row.rejected)
    return Tally(row.rows_done, row.accepted, row.duplicates, quarantined, rejected, row.rows_done)


def _note(connection: Connection, order: ImportOrder, tally: Tally) -> None:
    """Write how far the import has come, in the transaction of the rows themselves."""
    connection.execute(delete(import_run).where(_is(order)))
    connection.execute(
        insert(import_run).values(
            file_digest=order.file_digest,
            mapping_digest=order.mapping_digest,
            name=order.name,
            rows_done=tally.rows,
            accepted=tally.accepted,
            duplicates=tally.duplicates,
            quarantined=dict(tally.quarantined),
            rejected=dict(tally.rejected),
            updated_at=order.at,
        )
    )
