"""Webhooks: who asked to be told of which events, as rows; their signing secrets are nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .tables import delivery, webhook


@dataclass(frozen=True)
class Webhook:
    """One subscription; `campaigns` None means all, `quiet` None that it never sleeps."""

    webhook_id: str
    url: str
    kinds: tuple[str, ...]
    campaigns: tuple[str, ...] | None
    quiet: Mapping[str, str] | None
    """`start` and `end` as local clock times, and the `timezone`."""
    created_at: int


def add_webhook(connection: Connection, wanted: Webhook) -> Webhook:
    """Store a subscription; give the one on record where its id is known already."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "webhook_id": wanted.webhook_id,
        "url": wanted.url,
        "kinds": list(wanted.kinds),
        "campaigns": None if wanted.campaigns is None else list(wanted.campaigns),
        "quiet": None if wanted.quiet is None else dict(wanted.quiet),
        "created_at": wanted.created_at,
    }
    connection.execute(dialect.insert(webhook).values(**row).on_conflict_do_nothing())
    return _as_webhook(connection.execute(select(webhook).where(_is(wanted.webhook_id))).one())


def find_webhook(connection: Connection, webhook_id: str) -> Webhook | None:
    """The subscription of that id that hasn't ended, or None."""
    found = select(webhook).where(_is(webhook_id), webhook.c.ended_at.is_(None))
    row = connection.execute(found).first()
    return None if row is None else _as_webhook(row)


def all_webhooks(connection: Connection) -> list[Webhook]:
    """Every subscription that hasn't ended, oldest first."""
    found = select(webhook).where(webhook.c.ended_at.is_(None))
    rows = connection.execute(found.order_by(webhook.c.created_at, webhook.c.webhook_id))
    return [_as_webhook(row) for row in rows]


def wanted_kinds(connection: Connection) -> frozenset[str]:
    """The kinds of events that anybody wants to be told of."""
    found = connection.execute(select(webhook.c.kinds).where(webhook.c.ended_at.is_(None)))
    return frozenset(kind for kinds in found.scalars() for kind in kinds)


def end_webhook(connection: Connection, webhook_id: str, at: int) -> bool:
    """End a subscription with what is pending for it; False if there is none of that id."""
    open_one = update(webhook).where(_is(webhook_id), webhook.c.ended_at.is_(None))
    if connection.execute(open_one.values(ended_at=at)).rowcount == 0:
        return False
    pending = delete(delivery).where(delivery.c.webhook_id == webhook_id, delivery.c.state == "pending")
    connection.execute(pending)
    return True


def progress(connection: Connection) -> dict[str, dict[str, int]]:
    """Deliveries of each subscription by state: pending, sent, failed."""
    counted = select(delivery.c.webhook_id, delivery.c.state, func.count()).group_by(
        delivery.c.webhook_id, delivery.c.state
    )
    found: dict[str, dict[str, int]] = {}
    for webhook_id, state, number in connection.execute(counted):
        found.setdefault(webhook_id, {})[state] = int(number)
    return found


def concerned(connection: Connection, kind: str, campaign: object) -> Sequence[str]:
    """The subscriptions to an event; one that names no campaign concerns those to any."""
    return [
        one.webhook_id
        for one in all_webhooks(connection)
        if kind in one.kinds and (campaign is None or one.campaigns is None or campaign in one.campaigns)
    ]


def _is(webhook_id: str) -> ColumnElement[bool]:
    return webhook.c.webhook_id == webhook_id


def _as_webhook(row: Row[tuple[object, ...]]) -> Webhook:
    return Webhook(
        row.webhook_id,
        row.url,
        tuple(row.kinds),
        None if row.campaigns is None else tuple(row.campaigns),
        row.quiet,
        row.created_at,
    )
