"""Erasure: what is known of a lead is forgotten wherever it is kept; its row stays, and its calls count."""

import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import orjson
from sqlalchemy import Connection, Table, bindparam, delete, null, select, update

from ...pseudonym import phone_hash
from ..answers import forget_items
from ..decisions import erased_among
from ..lookup import among
from ..outbox import forget_lead
from ..resources import resource_of_lead
from ..tables import (
    batch,
    call,
    consent,
    decision,
    event,
    lead,
    lead_attribute,
    lead_past,
    lease,
    quarantine,
    served_vector,
    shadow_score,
    voice,
)
from .blanks import Names, blanked, blanked_event
from .receipts import Erasure

Reached = Counter[int]
"""How many rows were reached, by the lead's key."""


@dataclass(frozen=True)
class Whom:
    """Leads to forget, and by what else they are known."""

    at: Mapping[int, int]
    """Since when each is erased, by its key."""
    lead_ids: Mapping[str, int]
    numbers: Mapping[str, int]
    """In clear; a number that several of them share is the last one's."""
    hashes: Mapping[str, int]
    calls: Mapping[str, int]
    decisions: Mapping[str, int]

    @property
    def names(self) -> Names:
        """All by which what was told can name them."""
        return Names(self.lead_ids, self.calls, self.numbers)


def erase(
    connection: Connection, erased: Mapping[int, int], stamps: Iterator[int], secret: bytes
) -> list[Erasure]:
    """Forget leads (since when, by key) everywhere, and tell what was reached.

    Whoever hands out leads was kept waiting by the suppression, so that no batch is written meanwhile.
    """
    if not erased:
        return []
    whom = _whom(connection, erased, secret)
    reached = {
        "leads": _leads(connection, whom, stamps),
        "attributes": _dropped(connection, lead_attribute, whom),
        "versions": _dropped(connection, lead_past, whom),
        "consents": _consents(connection, whom),
        "events": _events(connection, whom),
        "quarantined": _waiting(connection, whom.names),
        "transcripts": _transcripts(connection, whom),
        "decisions": _scores(connection, whom),
        "reasons": _reasons(connection, whom),
        "features": _dropped_by_decision(connection, served_vector, whom),
        "shadow_scores": _dropped_by_decision(connection, shadow_score, whom),
        "answers": forget_items(connection, whom.lead_ids),
        "notices": Counter({key: forget_lead(connection, name) for name, key in whom.lead_ids.items()}),
        "leases": _held(connection, whom),
    }
    return [
        Erasure(name, erased[key], {kind: of[key] for kind, of in reached.items()})
        for name, key in sorted(whom.lead_ids.items())
    ]


def forget_told(connection: Connection, lead_ids: Collection[str], calls: Collection[str]) -> None:
    """Forget what was just told of leads that were erased before, named themselves or by their calls."""
    named = select(call.c.call_id, lead.c.id, lead.c.lead_id).join(lead, lead.c.id == call.c.lead)
    gone = named.where(among(connection, call.c.call_id, calls), lead.c.erased_at.is_not(None))
    of_calls = connection.execute(gone).all() if calls else ()
    keys = erased_among(connection, lead_ids) | {row.lead_id: row.id for row in of_calls}
    if keys:
        theirs = {row.call_id: row.id for row in of_calls}
        whom = Whom({}, keys, {}, {}, theirs, {})
        _events(connection, whom)
        _transcripts(connection, whom)
        _waiting(connection, whom.names)
        connection.execute(
            update(consent).where(among(connection, consent.c.lead, keys.values())).values(evidence=None)
        )


def _whom(connection: Connection, erased: Mapping[int, int], secret: bytes) -> Whom:
    def keys(table: Table, name: str) -> dict[str, int]:
        asked = select(table.c[name], table.c.lead).where(among(connection, table.c.lead, erased))
        return {row[0]: row[1] for row in connection.execute(asked)}

    mine = select(lead.c.id, lead.c.lead_id, lead.c.phones).where(among(connection, lead.c.id, erased))
    rows = connection.execute(mine).all()
    numbers = {phone["e164"]: row.id for row in rows for phone in row.phones}
    return Whom(
        erased,
        {row.lead_id: row.id for row in rows},
        numbers,
        {phone_hash(secret, number): key for number, key in numbers.items()},
        keys(call, "call_id"),
        keys(decision, "decision_id"),
    )


def _leads(connection: Connection, whom: Whom, stamps: Iterator[int]) -> Reached:
    fields = ("phone_hash", "postal_code", "region", "source", "value")
    gone: dict[str, object] = {**dict.fromkeys(fields), "phones": []}
    change = update(lead).where(lead.c.id == bindparam("key"))
    change = change.values(**gone, erased_at=bindparam("gone_at"), seq=bindparam("stamp"))
    rows = [{"key": key, "gone_at": at, "stamp": next(stamps)} for key, at in whom.at.items()]
    connection.execute(change, rows)
    return Counter(whom.at.keys())


def _dropped(connection: Connection, table: Table, whom: Whom) -> Reached:
    mine = delete(table).where(among(connection, table.c.lead, whom.at)).returning(table.c.lead)
    return Counter(connection.execute(mine).scalars())


def _dropped_by_decision(connection: Connection, table: Table, whom: Whom) -> Reached:
    own = table.c.decision_id
    mine = delete(table).where(among(connection, own, whom.decisions)).returning(own)
    return Counter(whom.decisions[name] for name in connection.execute(mine).scalars())


def _consents(connection: Connection, whom: Whom) -> Reached:
    proven = among(connection, consent.c.lead, whom.at) & consent.c.evidence.is_not(None)
    mine = update(consent).where(proven).values(evidence=None).returning(consent.c.lead)
    return Counter(connection.execute(mine).scalars())


def _events(connection: Connection, whom: Whom) -> Reached:
    """What the log has of them, by `about`; `phone:` alone is an older event about some number."""
    subjects = {f"lead:{name}": key for name, key in whom.lead_ids.items()}
    subjects |= {f"call:{name}": key for name, key in whom.calls.items()}
    subjects |= {f"phone:{digest}": key for digest, key in whom.hashes.items()}
    older = {"phone:"} if whom.numbers else set()
    asked = select(event.c.row, event.c.about, event.c.data, event.c.extensions)
    found = connection.execute(asked.where(among(connection, event.c.about, [*subjects, *older])))
    changed, reached = [], Reached()
    for row in found:
        key = whom.numbers.get(row.data.get("phone")) if row.about in older else subjects[row.about]
        left = row.data if key is None else blanked(row.data, whom.names)
        if key is not None and (left != row.data or row.extensions):
            changed.append({"named": row.row, "left": left})
            reached[key] += 1
    if changed:
        left = bindparam("left", type_=event.c.data.type)
        blank = update(event).where(event.c.row == bindparam("named"))
        connection.execute(blank.values(data=left, extensions=None), changed)
    return reached


def _waiting(connection: Connection, names: Names) -> Reached:
    """Blank the waiting events that name some leads; what is left of them still waits. By lead, how many."""
    still = select(quarantine.c.row, quarantine.c.payload, quarantine.c.detail)
    rows, reached = [], Reached()
    for row in connection.execute(still.where(quarantine.c.replayed_at.is_(None))):
        key = names.lead_in(row.payload)
        if key is not None and (left := blanked_event(row.payload, names)) != row.payload:
            detail = row.detail if names.numbered(row.detail) is None else ""
            rows.append({"named": row.row, "payload": left, "detail": detail})
            reached[key] += 1
    if rows:
        blank = update(quarantine).where(quarantine.c.row == bindparam("named"))
        told = {name: bindparam(name, type_=quarantine.c[name].type) for name in ("payload", "detail")}
        connection.execute(blank.values(told), rows)
    return reached


def _transcripts(connection: Connection, whom: Whom) -> Reached:
    theirs = among(connection, voice.c.call_id, whom.calls) & (
        voice.c.transcript_ref.is_not(None) | voice.c.tone.is_not(None)
    )
    mine = update(voice).where(theirs).values(transcript_ref=None, tone=null()).returning(voice.c.call_id)
    return Counter(whom.calls[name] for name in connection.execute(mine).scalars())


def _scores(connection: Connection, whom: Whom) -> Reached:
    """Who was handed out when, in which arm and with what chance stays: the accounts rest on it."""
    gone = dict.fromkeys(("score", "p_answer", "p_convert", "handle_s"))
    mine = among(connection, decision.c.lead, whom.at)
    return Counter(
        connection.execute(update(decision).where(mine).values(**gone).returning(decision.c.lead)).scalars()
    )


def _reasons(connection: Connection, whom: Whom) -> Reached:
    """Their entries in what each batch keeps of the reasons of all."""
    asked = (
        select(decision.c.batch_id, decision.c.rank, decision.c.lead, batch.c.reasons)
        .join(batch, batch.c.batch_id == decision.c.batch_id)
        .where(among(connection, decision.c.lead, whom.at), batch.c.reasons.is_not(None))
        .order_by(decision.c.batch_id)
    )
    changed, reached = [], Reached()
    for name, decisions in groupby(connection.execute(asked).all(), lambda row: row.batch_id):
        rows = list(decisions)
        kept = orjson.loads(zlib.decompress(rows[0].reasons))
        for row in rows:
            if row.rank <= len(kept) and kept[row.rank - 1]:
                kept[row.rank - 1] = []
                reached[row.lead] += 1
        changed.append({"named": name, "left": zlib.compress(orjson.dumps(kept), level=1)})
    if changed:
        blank = update(batch).where(batch.c.batch_id == bindparam("named"))
        connection.execute(blank.values(reasons=bindparam("left")), changed)
    return reached


def _held(connection: Connection, whom: Whom) -> Reached:
    """The leases of lead and numbers, which the suppression list holds: for ever in nobody's hands."""
    of = {resource_of_lead(key): key for key in whom.at}
    of |= {f"phone:{digest}": key for digest, key in whom.hashes.items()}
    mine = among(connection, lease.c.resource, list(of)) & (lease.c.state == "suppressed")
    return Counter(of[name] for name in connection.execute(select(lease.c.resource).where(mine)).scalars())
