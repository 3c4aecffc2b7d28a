"""Decisions as they were recorded, whose leads and calls are whose, and the numbers of those handed out."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, Text, TextClause, cast, delete, func, select, text

from ..instants import MINUTE
from .lookup import among
from .tables import batch, call, callback, decision, draw, lead
from .trips import Asked


def read_decision(connection: Connection, decision_id: str) -> RowMapping | None:
    """One decision with its batch and lead as columns by name, or None."""
    asked = (
        select(decision, lead.c.lead_id, batch.c.dialer_id, batch.c.snapshot_id, batch.c.degraded)
        .add_columns(batch.c.temperature, batch.c.kappa, batch.c.pool, batch.c.key_text, batch.c.withheld)
        .add_columns(batch.c.rules, batch.c.reasons, lead.c.erased_at)
        .select_from(
            decision.join(batch, batch.c.batch_id == decision.c.batch_id).join(
                lead, lead.c.id == decision.c.lead
            )
        )
        .where(decision.c.decision_id == decision_id)
    )
    return connection.execute(asked).mappings().first()


def rules_on_record(
    connection: Connection, campaign: str, since: int, until: int
) -> list[tuple[int, list[str]]]:
    """The rules that a campaign's batches of [since, until) name, with an instant of each quarter of an hour.

    No local day ends within a quarter.
    """
    said, quarter = cast(batch.c.rules, Text), batch.c.at // (15 * MINUTE)
    mine = (batch.c.campaign == campaign) & (batch.c.at >= since) & (batch.c.at < until)
    asked = select(func.min(batch.c.at), said).where(mine).group_by(quarter, said)
    return [(at, orjson.loads(rules)) for at, rules in connection.execute(asked)]


def read_draw(connection: Connection, batch_id: str) -> bytes | None:
    """What a batch's queue was ranked from; None where that is kept no more."""
    told = connection.execute(select(draw.c.told).where(draw.c.batch_id == batch_id)).scalar()
    return None if told is None else bytes(told)


def forget_draws(connection: Connection, before: int) -> None:
    """Drop what queues were ranked from before an instant."""
    connection.execute(delete(draw).where(draw.c.at < before))


def handed_out(connection: Connection, batch_id: str) -> list[RowMapping]:
    """The leads (database keys) and chances of a batch, in its order."""
    asked = select(decision.c.lead, decision.c.propensity).where(decision.c.batch_id == batch_id)
    return list(connection.execute(asked.order_by(decision.c.rank)).mappings())


def leads_of(connection: Connection, keys: Collection[int]) -> dict[int, RowMapping]:
    """Id and erasure of leads, by their database keys."""
    asked = select(lead.c.id, lead.c.lead_id, lead.c.erased_at).where(lead.c.id.in_(list(keys)))
    return {row["id"]: row for row in connection.execute(asked).mappings()}


def erased_among(connection: Connection, lead_ids: Collection[str]) -> dict[str, int]:
    """Those of some leads that were erased, with their database keys."""
    mine = among(connection, lead.c.lead_id, lead_ids) & lead.c.erased_at.is_not(None)
    return {row.lead_id: row.id for row in connection.execute(select(lead.c.lead_id, lead.c.id).where(mine))}


def calls_of(connection: Connection, decision_id: str) -> list[RowMapping]:
    """The calls that carried out a decision, oldest first."""
    asked = select(call).where(call.c.decision_id == decision_id).order_by(call.c.started_at, call.c.call_id)
    return list(connection.execute(asked).mappings())


def agents_promised(connection: Connection, keys: Collection[int]) -> dict[int, str]:
    """By lead (database key) the agent whose call it was promised last; none where nobody was named."""
    if not keys:
        return {}
    told = select(callback.c.lead, callback.c.agent).where(callback.c.lead.in_(list(keys)))
    last = {
        row.lead: row.agent for row in connection.execute(told.order_by(callback.c.event_at, callback.c.seq))
    }
    return {key: agent for key, agent in last.items() if agent is not None}


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


def asking_numbers(connection: Connection, keys: Sequence[int]) -> Asked:
    """What asks for the numbers to dial of some leads (database keys); `numbers_told` has the answer."""
    return _NUMBERS[connection.dialect.name], {"keys": " ".join(map(str, keys))}


def numbers_told(rows: Sequence[Sequence[Any]]) -> tuple[dict[int, str], int]:
    """The number of each lead by its key, none where it has none any more, and the change number that was the
    latest then.
    """
    ((latest, keys, numbers),) = rows
    told = zip(map(int, (keys or "").split()), (numbers or "").split(), strict=True)
    return dict(told), int(latest)


def _numbers(number: str, wanted: str, joined: str) -> TextClause:
    """The numbers as one statement of constant text and one row; `wanted` says that a key is among :keys,
    `joined` puts texts together.
    """
    parts = [f"{joined}({one}, ' ') FILTER (WHERE e164 > '')" for one in ("CAST(id AS text)", "e164")]
    told = f"SELECT counter.value, lead.id, {number} AS e164 FROM counter LEFT JOIN lead ON lead.id {wanted}"
    return text(f"SELECT max(value), {', '.join(parts)} FROM ({told} WHERE counter.name = 'change') AS told")


_NUMBERS = {
    "sqlite": _numbers(
        "json_extract(lead.phones, '$[0].e164')",
        "IN (SELECT value FROM json_each('[' || replace(:keys, ' ', ',') || ']'))",
        "group_concat",
    ),
    "postgresql": _numbers(
        "lead.phones #>> '{0,e164}'",
        "= ANY (CAST(string_to_array(:keys, ' ') AS bigint[]))",
        "string_agg",
    ),
}
