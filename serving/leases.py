"""Leases: who may dial what until when; the database decides, one row per lead and one per number."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from features.instants import HOUR, SECOND
from features.store.tables import decision, lease

DIALING = 4 * HOUR
"""How long a lead that is being dialed stays withheld when no `call.attempted` comes."""

EXTENSION = 120 * SECOND


@dataclass(frozen=True)
class Claim:
    """One lead wanted: its resources, the lead itself and the hash of its number."""

    lease_id: str
    lead: int
    """Database key."""
    phone_hash: str

    @property
    def resources(self) -> tuple[str, str]:
        """The rows that must all be won."""
        return f"lead:{self.lead}", f"phone:{self.phone_hash}"


@dataclass(frozen=True)
class Ack:
    """What a dialer says of a lease: dialing, extend, dialed, released or rejected."""

    lease_id: str
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class AckResult:
    """The answer for one lease, as an HTTP status and a stable code."""

    lease_id: str
    status: int
    code: str | None = None
    lead: int = -1
    """Database key of the lead, -1 where the lease is unknown."""
    until: int | None = None
    """Until when the lead is withheld now, where that changed."""


def claim(connection: Connection, claims: Sequence[Claim], dialer_id: str, until: int, at: int) -> set[str]:
    """Win the resources of as many claims as are free; return the leases that hold all of theirs.

    Resources are claimed in sorted order, so that two dialers can't deadlock; a resource is free when its
    last lease has expired at `at`. Claims must not share a resource.
    """
    if not claims:
        return set()
    wanted = sorted((resource, claimed.lease_id) for claimed in claims for resource in claimed.resources)
    rows = [
        {
            "resource": r,
            "lease_id": i,
            "dialer_id": dialer_id,
            "token": 1,
            "expires_at": until,
            "state": "leased",
        }
        for r, i in wanted
    ]
    won: dict[str, int] = {}
    for (lease_id,) in connection.execute(_insert(connection, rows, at)):
        won[lease_id] = won.get(lease_id, 0) + 1
    held = {claimed.lease_id for claimed in claims if won.get(claimed.lease_id) == len(claimed.resources)}
    if halves := set(won) - held:
        connection.execute(
            update(lease).where(lease.c.lease_id.in_(halves)).values(expires_at=at, state="released")
        )
    return held


def _insert(connection: Connection, rows: Sequence[dict[str, object]], at: int) -> ReturningInsert[str]:
    """INSERT ... ON CONFLICT (resource) DO UPDATE WHERE expired RETURNING lease_id: the same on both databases."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(lease).values(rows)
    taken_over = {
        "lease_id": new.excluded.lease_id,
        "dialer_id": new.excluded.dialer_id,
        "token": lease.c.token + 1,
        "expires_at": new.excluded.expires_at,
        "state": new.excluded.state,
    }
    expired = lease.c.expires_at <= at
    claimed: ReturningInsert[str] = new.on_conflict_do_update(
        index_elements=["resource"], set_=taken_over, where=expired
    ).returning(lease.c.lease_id)
    return claimed


def acknowledge(connection: Connection, ack: Ack, at: int, min_gap: Callable[[str], int]) -> AckResult:
    """Apply one acknowledgement: 200, 404 for a lease nobody gave, 410 where the dialer must not dial.

    `min_gap` gives a campaign's least time between dials: what `dialed` starts at once.
    """
    given = connection.execute(
        select(decision.c.lead, decision.c.campaign).where(decision.c.lease_id == ack.lease_id)
    ).first()
    if given is None:
        return AckResult(ack.lease_id, 404, "unknown_lease")
    if ack.state in ("dialing", "extend") and not is_open(connection, ack.lease_id, at):
        return AckResult(ack.lease_id, 410, "lease_expired", given.lead)
    spell = {"dialing": DIALING, "extend": EXTENSION}.get(ack.state, 0)
    until = at + (min_gap(given.campaign) if ack.state == "dialed" else spell)
    mine = (lease.c.lease_id == ack.lease_id) & (lease.c.state != "called")
    connection.execute(update(lease).where(mine).values(state=ack.state, expires_at=until))
    return AckResult(ack.lease_id, 200, None, given.lead, until)


def open_leases(connection: Connection, at: int) -> Iterable[tuple[int, int]]:
    """(database key of the lead, held until) of every open lease."""
    held = select(lease.c.resource, lease.c.expires_at).where(
        and_(lease.c.expires_at > at, lease.c.resource.like("lead:%"), lease.c.state != "suppressed")
    )
    return [(int(resource.removeprefix("lead:")), until) for resource, until in connection.execute(held)]


def is_open(connection: Connection, lease_id: str, at: int) -> bool:
    """Whether a lease holds both its resources still."""
    held = select(func.count()).where(and_(lease.c.lease_id == lease_id, lease.c.expires_at > at))
    return connection.execute(held).scalar_one() == len(("lead", "phone"))
