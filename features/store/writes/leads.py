"""Leads in: created, updated or ignored, each for itself; every attribute keeps the time it became known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, bindparam, select, update

from ...pseudonym import phone_hash
from ...refused import refusal
from ...sources.wire import LeadIn
from ...whereabouts import zones_of
from ..bulk import insert_rows
from ..changes import numbers
from ..installation import secret_of
from ..lookup import among, lock_ingest, unique
from ..tables import campaign, consent, lead, lead_attribute, lead_past
from .events import replay_waiting
from .receipts import Known, LeadResult
from .sense import AHEAD
from .stops import hold
from .telling import explain

Value = tuple[float | None, str | None]
"""An attribute's value as (number, word); both None: known to be missing."""

_MISSING: Value = (None, None)

_PLAIN = ("campaign", "channel", "source", "list_id", "country", "region", "postal_code", "timezone", "value")

_SAID = ("campaign", "created_at", "channel", "source", "list_id", "country", "region", "value")
"""What features see of a lead beside its zone: of these every version is kept."""


@dataclass
class _State:
    """One lead while a batch is taken in: what is stored of it, and what of that is new."""

    columns: dict[str, object]
    key: int | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    consents: set[tuple[object, ...]] = field(default_factory=set)
    touched: bool = False
    new_attributes: list[dict[str, object]] = field(default_factory=list)
    new_consents: list[dict[str, object]] = field(default_factory=list)
    new_past: list[dict[str, object]] = field(default_factory=list)


def accept_leads(
    connection: Connection, items: Sequence[object], at: int, known: Known = "received"
) -> list[LeadResult]:
    """Take in leads, one result per item in their order; `at` is when they are stored."""
    lock_ingest(connection)
    parsed = [_parse(item, at) for item in items]
    good = [one for one in parsed if isinstance(one, LeadIn)]
    states = _states(connection, [one.lead_id for one in good])
    take = _taker(states, secret_of(connection), at, known)
    results = [take(one) if isinstance(one, LeadIn) else one for one in parsed]
    touched = [state for state in states.values() if state.touched]
    _name_campaigns(connection, [str(state.columns["campaign"]) for state in touched], at)
    _write(connection, touched)
    new = [f"lead:{one.lead_id}" for one in results if one.result == "created"]
    hold(connection, new, at)
    replay_waiting(connection, new, at)
    return results


def _parse(item: object, at: int) -> LeadIn | LeadResult:
    try:
        parsed = LeadIn.model_validate(item)
    except ValidationError as error:
        named = item.get("lead_id") if isinstance(item, Mapping) else None
        return LeadResult(named if isinstance(named, str) else "", "rejected", f"malformed: {explain(error)}")
    if max(parsed.created_at, parsed.updated_at or 0) > at + AHEAD:
        return LeadResult(parsed.lead_id, "rejected", "in_the_future: more than 24 h ahead")
    return parsed


def _taker(states: dict[str, _State], secret: bytes, at: int, known: Known) -> Callable[[LeadIn], LeadResult]:
    """The function that takes one lead after the other into `states`."""

    def take(item: LeadIn) -> LeadResult:
        updated_at = item.created_at if item.updated_at is None else item.updated_at
        since = updated_at if known == "event" else at
        state = states.get(item.lead_id)
        refused = tuple(sorted(name for name in item.attributes if refusal(name)))
        if state is None:
            known_at = item.created_at if known == "event" else at
            state = states[item.lead_id] = _State({"known_at": known_at, "since": since})
            _change(state, item, updated_at, since, secret)
            return LeadResult(item.lead_id, "created", refused_attributes=refused)
        if state.columns["erased_at"] is not None:
            return LeadResult(item.lead_id, "rejected", "erased: this lead asked to be forgotten")
        if updated_at < int(str(state.columns["updated_at"])):
            if known == "event":
                _keep(state, _said(item.model_dump()), updated_at, since)
            return LeadResult(item.lead_id, "stale", "updated_at is older than what is stored")
        before = {**state.columns}
        changed = _change(state, item, updated_at, since, secret)
        _keep_what_stood(state, before, since, always=known == "event")
        return LeadResult(item.lead_id, "updated" if changed else "unchanged", refused_attributes=refused)

    return take


def _change(state: _State, item: LeadIn, updated_at: int, since: int, secret: bytes) -> bool:
    """Bring a state up to an item; tell whether anything but `updated_at` changed."""
    phones = [phone.model_dump() for phone in item.phones]
    columns: dict[str, object] = {name: getattr(item, name) for name in _PLAIN}
    columns |= {
        "lead_id": item.lead_id,
        "created_at": item.created_at,
        "phones": phones,
        "phone_hash": phone_hash(secret, item.phones[0].e164) if phones else None,
        "erased_at": None,
    }
    changed = any(state.columns.get(name, ...) != value for name, value in columns.items())
    state.touched |= changed or state.columns.get("updated_at") != updated_at
    state.columns |= {**columns, "updated_at": updated_at}
    return changed | _change_attributes(state, item, since) | _add_consent(state, item, since)


def _keep_what_stood(state: _State, before: Mapping[str, object], since: int, *, always: bool) -> None:
    """Keep the version that was replaced, if features see a difference; `always`: if it is another telling.

    What comes later may turn out to be older than either: then it matters how often the same was said.
    """
    stood, known_since = _said(before), before["known_at"] if before["since"] is None else before["since"]
    if stood != _said(state.columns) or (always and since != known_since):
        _keep(state, stood, before["updated_at"], known_since)
        state.columns["since"] = since


def _keep(state: _State, said: Mapping[str, object], updated_at: object, known_at: object) -> None:
    state.new_past.append({**said, "updated_at": updated_at, "known_at": known_at})
    state.touched = True


def _said(columns: Mapping[str, Any]) -> dict[str, object]:
    """What features see of a version: its fields and its zone."""
    phone = columns["phones"][0]["e164"] if columns["phones"] else None
    zones = zones_of(phone, columns["country"], columns["region"], columns["timezone"])
    return {name: columns[name] for name in _SAID} | {"zone": zones[0] if zones else None}


def _change_attributes(state: _State, item: LeadIn, since: int) -> bool:
    changed = False
    for name, given in item.attributes.items():
        value = _value(given)
        if state.attributes.get(name, _MISSING) != value:
            state.attributes[name] = value
            number, word = value
            state.new_attributes.append({"name": name, "number": number, "word": word, "known_at": since})
            changed = state.touched = True
    return changed


def _value(given: float | str | None) -> Value:
    """Truth is a number: 1 or 0."""
    if given is None:
        return None, None
    return (None, given) if isinstance(given, str) else (float(given), None)


def _add_consent(state: _State, item: LeadIn, since: int) -> bool:
    given = item.consent
    if given is None or (given.basis, given.at) in state.consents:
        return False
    state.consents.add((given.basis, given.at))
    state.new_consents.append({**given.model_dump(), "known_at": since})
    state.touched = True
    return True


def _name_campaigns(connection: Connection, named: Sequence[str], at: int) -> None:
    """Make the campaigns that leads name first; what their settings don't say has its default."""
    wanted = unique(named)
    known = select(campaign.c.campaign).where(among(connection, campaign.c.campaign, wanted))
    new = sorted(set(wanted) - set(connection.execute(known).scalars())) if wanted else []
    if new:
        stamps = numbers(connection, len(new))
        rows = [{"campaign": one, "settings": {}, "created_at": at, "seq": next(stamps)} for one in new]
        insert_rows(connection, campaign, rows)


def _states(connection: Connection, named: Sequence[str]) -> dict[str, _State]:
    """What is stored of the leads that a batch names."""
    rows = connection.execute(select(lead).where(among(connection, lead.c.lead_id, unique(named)))).mappings()
    by_key = {row["id"]: _State({**row}, key=row["id"]) for row in rows}
    if by_key:
        mine = among(connection, lead_attribute.c.lead, by_key)
        attributes = (
            select(lead_attribute).where(mine).order_by(lead_attribute.c.known_at, lead_attribute.c.seq)
        )
        for row in connection.execute(attributes):
            by_key[row.lead].attributes[row.name] = (row.number, row.word)
        for row in connection.execute(select(consent).where(among(connection, consent.c.lead, by_key))):
            by_key[row.lead].consents.add((row.basis, row.at))
    return {str(state.columns["lead_id"]): state for state in by_key.values()}


def _write(connection: Connection, states: Sequence[_State]) -> None:
    """Write what is new of the touched leads, each row with its number in the order of changes."""
    size = sum(
        1 + len(state.new_attributes) + len(state.new_consents) + len(state.new_past) for state in states
    )
    stamps = numbers(connection, size)
    _insert_leads(connection, [state for state in states if state.key is None], stamps)
    _update_leads(connection, [state for state in states if "id" in state.columns], stamps)
    for table, new in (
        (lead_attribute, "new_attributes"),
        (consent, "new_consents"),
        (lead_past, "new_past"),
    ):
        rows = [
            {**row, "lead": state.key, "seq": next(stamps)} for state in states for row in getattr(state, new)
        ]
        insert_rows(connection, table, _not_kept_yet(connection, rows) if table is lead_past else rows)


def _not_kept_yet(connection: Connection, versions: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Those versions that the store doesn't hold, each once: an import may be told again."""
    if not versions:
        return []
    said = [name for name in versions[0] if name != "seq"]
    keys = {int(str(row["lead"])) for row in versions}
    kept = select(lead_past).where(among(connection, lead_past.c.lead, keys))
    old = {tuple(row[name] for name in said) for row in connection.execute(kept).mappings()}
    new = {tuple(row[name] for name in said): row for row in reversed(versions)}
    return [row for told, row in reversed(new.items()) if told not in old]


def _insert_leads(connection: Connection, states: Sequence[_State], stamps: Iterator[int]) -> None:
    if not states:
        return
    insert_rows(connection, lead, [{**state.columns, "seq": next(stamps)} for state in states])
    named = [str(state.columns["lead_id"]) for state in states]
    rows = connection.execute(
        select(lead.c.lead_id, lead.c.id).where(among(connection, lead.c.lead_id, named))
    )
    keys = {row.lead_id: row.id for row in rows}
    for state in states:
        state.key = keys[state.columns["lead_id"]]


def _update_leads(connection: Connection, states: Sequence[_State], stamps: Iterator[int]) -> None:
    if not states:
        return
    changing = [column for column in lead.c if column.name not in ("id", "lead_id", "known_at")]
    change = update(lead).where(lead.c.id == bindparam("key"))
    change = change.values(
        {column: bindparam(f"new_{column.name}", type_=column.type) for column in changing}
    )
    rows = [{**state.columns, "seq": next(stamps)} for state in states]
    connection.execute(
        change, [{"key": row["id"], **{f"new_{c.name}": row[c.name] for c in changing}} for row in rows]
    )
