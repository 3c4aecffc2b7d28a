"""Stops: who may not be called any more, or may be again, turned into rows of the suppression list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ...instants import NEVER
from ...pseudonym import phone_hash
from ..changes import numbers
from ..lookup import among, lock_leases, unique
from ..tables import lead, lease, suppression

HELD = "suppressed"
"""The lease_id of a resource that a suppression holds."""

REMOVED = "_removed"
"""Ends the reason of a row that marks a removal."""


@dataclass(frozen=True, slots=True)
class Stop:
    """From `since` on a lead with all its numbers, a number or both are suppressed; `lifts`: no longer."""

    reason: str
    since: int
    known_at: int
    lead_id: str | None = None
    lead: int | None = None
    """`lead.id`, where that is known and the lead_id is not."""
    phone_hash: str | None = None
    lifts: bool = False


def suppress(connection: Connection, stops: Sequence[Stop], secret: bytes, at: int) -> None:
    """Write stops and their removals; the same rows whatever the order in which they come."""
    if not stops:
        return
    people = _people(connection, stops)
    rows: dict[tuple[str, str, int], dict[str, object]] = {}
    for stop in stops:
        person = people.get(stop.lead_id or "") or people.get(stop.lead or -1)
        for subject in _subjects(stop, person, secret):
            row = _row_of(subject, stop)
            rows.setdefault((subject, str(row["reason"]), stop.since), row)
    if not rows:
        return
    stamps = numbers(connection, len(rows))
    _insert_new(connection, suppression, [{**row, "seq": next(stamps)} for row in rows.values()])
    subjects = unique(subject for subject, _, _ in rows)
    _end_where_removed(connection, subjects)
    hold(connection, subjects, at)


def hold(connection: Connection, subjects: Sequence[str], at: int) -> None:
    """Let suppressed leads and numbers hold their own lease, so that no dialer gets it; free the others."""
    ends = _ends(connection, subjects)
    if not ends:
        return
    lock_leases(connection)
    resources = _resources(connection, list(ends))
    _hold_leases(connection, {of: ends[who] for who, of in resources.items() if ends[who] > at})
    freed = [of for who, of in resources.items() if ends[who] <= at]
    if freed:
        mine = among(connection, lease.c.resource, freed) & (lease.c.lease_id == HELD)
        connection.execute(update(lease).where(mine).values(expires_at=at, state="released"))


def _ends(connection: Connection, subjects: Sequence[str]) -> dict[str, int]:
    """Until when each subject is suppressed, NEVER if it doesn't end; those that never were are left out."""
    mine = among(connection, suppression.c.subject, subjects)
    last = func.max(func.coalesce(suppression.c.until, NEVER))
    rows = connection.execute(
        select(suppression.c.subject, last.label("ends")).where(mine).group_by("subject")
    )
    return {row.subject: int(row.ends) for row in rows}


def _resources(connection: Connection, subjects: Sequence[str]) -> dict[str, str]:
    """The lease resource of each subject: a number's is the same text, a lead's bears its key."""
    named = {who.removeprefix("lead:"): who for who in subjects if who.startswith("lead:")}
    keys = select(lead.c.lead_id, lead.c.id).where(among(connection, lead.c.lead_id, list(named)))
    resources = {who: who for who in subjects if not who.startswith("lead:")}
    return resources | {named[row.lead_id]: f"lead:{row.id}" for row in connection.execute(keys)}


def _hold_leases(connection: Connection, until: Mapping[str, int]) -> None:
    """Take resources, whoever holds them."""
    if not until:
        return
    fixed = {"lease_id": HELD, "dialer_id": "", "token": 1, "state": "suppressed"}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(lease)
    taken = {name: new.excluded[name] for name in ("lease_id", "dialer_id", "expires_at", "state")}
    upsert = new.on_conflict_do_update(
        index_elements=["resource"], set_={**taken, "token": lease.c.token + 1}
    )
    rows = [{"resource": of, "expires_at": until[of], **fixed} for of in sorted(until)]
    connection.execute(upsert, rows)


class _Person(NamedTuple):
    lead_id: str
    phones: list[str]


def _people(connection: Connection, stops: Sequence[Stop]) -> dict[str | int, _Person]:
    """The leads that stops name, by lead_id and by `lead.id`."""
    named = unique(stop.lead_id for stop in stops)
    keys = {stop.lead for stop in stops if stop.lead is not None}
    mine = among(connection, lead.c.lead_id, named) | among(connection, lead.c.id, keys)
    found: dict[str | int, _Person] = {}
    for row in connection.execute(select(lead.c.id, lead.c.lead_id, lead.c.phones).where(mine)):
        person = _Person(row.lead_id, [phone["e164"] for phone in row.phones])
        found[row.id] = found[row.lead_id] = person
    return found


def _subjects(stop: Stop, person: _Person | None, secret: bytes) -> Iterable[str]:
    """The lead and all its numbers, and the number named; each once."""
    phones = [] if person is None else [phone_hash(secret, phone) for phone in person.phones]
    lead_id = stop.lead_id if person is None else person.lead_id
    subjects = [] if lead_id is None else [f"lead:{lead_id}"]
    subjects += [f"phone:{digest}" for digest in (*phones, stop.phone_hash) if digest is not None]
    return dict.fromkeys(subjects)


def _row_of(subject: str, stop: Stop) -> dict[str, object]:
    return {
        "subject": subject,
        "reason": stop.reason + REMOVED if stop.lifts else stop.reason,
        "since": stop.since,
        "until": stop.since if stop.lifts else None,
        "known_at": stop.known_at,
    }


def _insert_new(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _end_where_removed(connection: Connection, subjects: Sequence[str]) -> None:
    """Let each stop end at the first removal after it."""
    mine = among(connection, suppression.c.subject, subjects)
    rows = connection.execute(select(suppression).where(mine)).all()
    removals = [row for row in rows if row.reason.endswith(REMOVED)]
    for row in rows if removals else ():
        later = [
            removal.since
            for removal in removals
            if (removal.subject, removal.reason) == (row.subject, row.reason + REMOVED)
            and removal.since > row.since
        ]
        until = min(later, default=row.until)
        if until != row.until:
            stamp = next(numbers(connection, 1))
            ended = update(suppression).where(suppression.c.id == row.id)
            connection.execute(ended.values(until=until, seq=stamp))
