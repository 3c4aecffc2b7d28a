"""What other systems and people are to be told: events, in the order in which they were written."""

from sqlalchemy import Column, Index, Table, Text

from .metadata import Json, instant, metadata, serial

outbox = Table(
    "outbox",
    metadata,
    serial(),
    Column("key", Text, nullable=False, unique=True),  # the same event has the same key, whoever finds it
    Column("kind", Text, nullable=False),  # drift.detected | training.failed | ...
    instant("at"),
    Column("payload", Json, nullable=False),
    Index(None, "kind", "at"),
)
"""One row per event: a sender that remembers the last id that it delivered delivers each exactly once."""
