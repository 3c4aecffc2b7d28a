"""Resources: the rows of the lease table that a lease must hold, one for the lead and one for its number.

They are found by their names, not by the lease: an index over leases would cost a claim as much as its rows.
"""

from collections.abc import Collection

from sqlalchemy import Connection, select

from .lookup import among
from .tables import decision, lease

ROWS = 2
"""A lease is held by as many."""


def resources_of(lead: int, phone_hash: str | None) -> tuple[str, str]:
    """The names of both; `lead` is the lead's database key."""
    return resource_of_lead(lead), f"phone:{phone_hash}"


def resource_of_lead(lead: int) -> str:
    """The name of the lead's own."""
    return f"lead:{lead}"


def resources_by_lease(connection: Connection, lease_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """The same for each of some leases that was ever given."""
    asked = select(decision.c.lease_id, decision.c.lead, decision.c.phone_hash)
    rows = connection.execute(asked.where(among(connection, decision.c.lease_id, lease_ids)))
    return {row.lease_id: resources_of(row.lead, row.phone_hash) for row in rows}


def suppressed_among(connection: Connection, lease_ids: Collection[str], at: int) -> set[str]:
    """Those of some leases whose lead or number a suppression holds at an instant."""
    of = resources_by_lease(connection, lease_ids)
    mine = among(connection, lease.c.resource, [resource for both in of.values() for resource in both])
    asked = select(lease.c.resource).where(mine, lease.c.state == "suppressed", lease.c.expires_at > at)
    stopped = set(connection.execute(asked).scalars())
    return {lease_id for lease_id, both in of.items() if not stopped.isdisjoint(both)}
