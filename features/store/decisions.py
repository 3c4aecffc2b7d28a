"""Decisions as they were recorded, and whose leads and calls are whose."""

from collections.abc import Collection

from sqlalchemy import Connection, RowMapping, select

from .tables import batch, call, decision, lead


def read_decision(connection: Connection, decision_id: str) -> RowMapping | None:
    """One decision with its batch and lead as columns by name, or None."""
    asked = (
        select(decision, lead.c.lead_id, batch.c.dialer_id, batch.c.snapshot_id, batch.c.degraded)
        .add_columns(batch.c.temperature, batch.c.kappa, batch.c.pool, batch.c.key_text, batch.c.withheld)
        .add_columns(batch.c.rules, lead.c.erased_at)
        .select_from(
            decision.join(batch, batch.c.batch_id == decision.c.batch_id).join(
                lead, lead.c.id == decision.c.lead
            )
        )
        .where(decision.c.decision_id == decision_id)
    )
    return connection.execute(asked).mappings().first()


def calls_of(connection: Connection, decision_id: str) -> list[RowMapping]:
    """The calls that carried out a decision, oldest first."""
    asked = select(call).where(call.c.decision_id == decision_id).order_by(call.c.started_at, call.c.call_id)
    return list(connection.execute(asked).mappings())


def campaigns_of_leads(connection: Connection, lead_ids: Collection[str]) -> dict[str, str]:
    """The campaign of each lead that is known."""
    asked = select(lead.c.lead_id, lead.c.campaign).where(lead.c.lead_id.in_(list(lead_ids)))
    return {row.lead_id: row.campaign for row in connection.execute(asked)}


def campaigns_of_calls(connection: Connection, call_ids: Collection[str]) -> dict[str, str]:
    """The campaign of each call that is known."""
    asked = select(call.c.call_id, call.c.campaign).where(call.c.call_id.in_(list(call_ids)))
    return {row.call_id: row.campaign for row in connection.execute(asked)}


def campaigns_of_leases(connection: Connection, lease_ids: Collection[str]) -> dict[str, str]:
    """The campaign of each lease that was ever given."""
    asked = select(decision.c.lease_id, decision.c.campaign)
    rows = connection.execute(asked.where(decision.c.lease_id.in_(list(lease_ids))))
    return {row.lease_id: row.campaign for row in rows}
