"""Quarantine: events that make no sense yet are kept with a reason, and tried again when that may be over."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, select, update

from ...sources.outcomes import smells_of_stop
from ...sources.words import is_ident, is_phone
from ..bulk import insert_rows
from ..lookup import among
from ..tables import quarantine
from .draft import Draft
from .stops import Stop
from .telling import Told, reread


def put_aside(connection: Connection, faulty: Sequence[Told], at: int) -> None:
    """Keep events with their faults until they are replayed."""
    insert_rows(connection, quarantine, [_row(told, at) for told in faulty])


def waiting(connection: Connection, things: Collection[str]) -> list[Told]:
    """The events that wait for one of `things` (lead:<lead_id>, call:<call_id>)."""
    if not things:
        return []
    return list(_read_again(connection, among(connection, quarantine.c.waits_for, things), None).values())


def quarantined(
    connection: Connection, codes: Collection[str] | None, after: int, limit: int
) -> dict[int, Told]:
    """Up to `limit` events that are still in quarantine, by their row, ascending, behind row `after`."""
    chosen = quarantine.c.row > after
    if codes is not None:
        chosen &= quarantine.c.code.in_(list(codes))
    return _read_again(connection, chosen, limit)


def payloads(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Mapping[str, object]]:
    """What waits in quarantine under these (source, id)."""
    columns = select(quarantine.c.source, quarantine.c.id, quarantine.c.payload)
    mine = among(connection, quarantine.c.id, {name for _, name in keys})
    rows = connection.execute(columns.where(mine, quarantine.c.replayed_at.is_(None))).all() if keys else ()
    return {(row.source, row.id): row.payload for row in rows if (row.source, row.id) in keys}


def put_right(connection: Connection, told: Sequence[Told]) -> None:
    """Keep events in quarantine as they are told now, in the place of what was told before."""
    if told:
        mine = (quarantine.c.source == bindparam("of")) & (quarantine.c.id == bindparam("named"))
        rows = [{"of": one.source, "named": one.id, **_said(one)} for one in told]
        connection.execute(update(quarantine).where(mine).values(**_AS_TOLD), rows)


_AS_TOLD: dict[str, BindParameter[Any]] = {
    name: bindparam(f"its_{name}") for name in ("type", "time", "payload", "within")
}


def _said(told: Told) -> dict[str, object]:
    return {f"its_{name}": getattr(told, name) for name in _AS_TOLD}


def settle(connection: Connection, accepted: Sequence[Told], faulty: Sequence[Told], at: int) -> None:
    """Note what became of events that were tried again: replayed, or faulty for another reason now."""
    mine = (quarantine.c.source == bindparam("of")) & (quarantine.c.id == bindparam("named"))
    if accepted:
        replayed = update(quarantine).where(mine).values(replayed_at=at, waits_for=None, payload={})
        connection.execute(replayed, [{"of": told.source, "named": told.id} for told in accepted])
    if faulty:
        again = update(quarantine).where(mine)
        rows = [{"of": told.source, "named": told.id, **_reason(told)} for told in faulty]
        connection.execute(again.values({name: bindparam(name) for name in _reason(faulty[0])}), rows)


def stops_in(told: Told, draft: Draft) -> Iterator[Stop]:
    """Whom a faulty event asks not to call: that must hold at once, whatever else is wrong with it."""
    data = told.payload.get("data")
    if not isinstance(data, Mapping) or not _asks_to_stop(told, data):
        return
    call = None if told.kind == "call.attempted" else draft.calls.get(str(data.get("call_id")))
    lead_id, phone = data.get("lead_id"), data.get("phone")
    number = draft.phone_hash(phone if is_phone(phone) else None)
    yield Stop(
        reason={"objection.received": "objection", "lead.erased": "erased"}.get(told.kind, "dnc"),
        since=min(told.time, draft.at),
        known_at=draft.known_at(told),
        lead_id=lead_id if is_ident(lead_id) else None,
        lead=None if call is None else call.lead,
        phone_hash=call.phone_hash if number is None and call is not None else number,
    )


def _asks_to_stop(told: Told, data: Mapping[str, object]) -> bool:
    if told.kind in ("dnc.added", "objection.received", "lead.erased"):
        return True
    said = data.get("outcome", data.get("disposition"))
    return data.get("stop_phone") is True or (isinstance(said, str) and smells_of_stop(said))


def _row(told: Told, at: int) -> dict[str, object]:
    return {
        "source": told.source,
        "id": told.id,
        "type": told.type,
        "time": told.time,
        "received_at": at,
        "known_at": told.known_at,
        "payload": told.payload,
        "within": told.within,
        **_reason(told),
    }


def _reason(told: Told) -> dict[str, object]:
    assert told.fault is not None
    return {"code": told.fault.code, "detail": told.fault.detail, "waits_for": told.fault.waits_for}


def _read_again(connection: Connection, chosen: ColumnElement[bool], limit: int | None) -> dict[int, Told]:
    names = ("row", "payload", "received_at", "known_at", "within")
    columns = select(*(quarantine.c[name] for name in names))
    still = columns.where(chosen, quarantine.c.replayed_at.is_(None)).order_by(quarantine.c.row).limit(limit)
    rows = connection.execute(still).all()
    return {row.row: reread(row.payload, row.received_at, row.known_at, row.within) for row in rows}
