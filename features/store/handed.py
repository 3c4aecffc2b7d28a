"""What the decisions on record say of the calls that came of them."""

from sqlalchemy import Connection, select

from ..handed import Handed
from ..instants import NEVER
from .tables import call, decision, lead


def read_handed(connection: Connection, until: int = NEVER) -> Handed:
    """Of the calls known before `until` that name their decision or lease: with what chance it drew them."""
    echoes = (call.c.decision_id == decision.c.decision_id, call.c.lease_id == decision.c.lease_id)
    chance: dict[tuple[str, int], float] = {}
    for echo in echoes:
        rows = connection.execute(
            select(lead.c.lead_id, call.c.started_at, decision.c.propensity)
            .join_from(call, decision, echo)
            .join(lead, lead.c.id == call.c.lead)
            .where(call.c.known_at < until, decision.c.propensity > 0)
        )
        chance |= {(row.lead_id, row.started_at): float(row.propensity) for row in rows}
    return Handed(chance)
