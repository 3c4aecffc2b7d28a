"""Who is told of events, and how far each telling has come."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from .metadata import Json, instant, maybe_instant, metadata

webhook = Table(
    "webhook",
    metadata,
    Column("webhook_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Json, nullable=False),
    Column("campaigns", Json, nullable=True),  # null: all
    Column("quiet", Json, nullable=True),  # {start, end, timezone}; null: never
    instant("created_at"),
    maybe_instant("ended_at"),
)
"""One row per subscription; its signing secret is derived from the installation's, never stored."""

delivery = Table(
    "delivery",
    metadata,
    Column("webhook_id", Text, ForeignKey("webhook.webhook_id"), primary_key=True),
    Column("event", BigInteger, ForeignKey("outbox.id"), primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),  # pending | sent | failed
    Column("attempts", Integer, nullable=False),
    instant("next_at"),
    Column("said", Text, nullable=True),  # of the last attempt: a status, or what went wrong
    maybe_instant("done_at"),
    Index(None, "state", "next_at"),
    Index(None, "event"),
)
"""One row per subscription and event, made with the event.

`next_at` is when it is due; who takes it moves that on first, so that nobody else does meanwhile.
"""
