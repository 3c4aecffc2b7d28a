"""The log of accepted events, and the quarantine of those that make no sense yet."""

from sqlalchemy import Column, SmallInteger, Table, Text, UniqueConstraint

from .metadata import Json, Long, instant, maybe_instant, metadata, serial, stamp

event = Table(
    "event",
    metadata,
    serial("row"),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    instant("time"),
    instant("known_at"),
    Column("data", Json, nullable=False),
    Column("extensions", Json, nullable=True),
    Column("about", Text, nullable=True, index=True),  # lead:<lead_id> | call:<call_id> | phone:<hash>
    stamp(),
    UniqueConstraint("source", "id"),
)
"""The log of accepted events, each once, as it came; less what is personal, once its lead is erased."""

quarantine = Table(
    "quarantine",
    metadata,
    serial("row"),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    maybe_instant("time"),
    instant("received_at"),
    maybe_instant("known_at"),  # where the way in says so: imports; else it is known when it is replayed
    Column("code", Text, nullable=False, index=True),
    Column("detail", Text, nullable=False),
    Column("waits_for", Text, nullable=True, index=True),  # lead:<lead_id> | call:<call_id>
    Column("payload", Json, nullable=False),  # empty once replayed: the log has it
    Column("within", Json, nullable=True),  # the campaigns of the key that handed it in; null: all
    maybe_instant("replayed_at"),
    UniqueConstraint("source", "id"),
)
"""Events not understood yet, each once; one that was replayed has `replayed_at` and is in the log too."""

repeat = Table(
    "repeat",
    metadata,
    Column("source", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("quarter", Long, primary_key=True, autoincrement=False),  # of an hour: their time, rounded down
    Column(
        "known_at", Long, primary_key=True, autoincrement=False
    ),  # the minute in which they were told again
    Column("told", Long, nullable=False),
)
"""How often events that were known already were told again."""

outcome_code = Table(
    "outcome_code",
    metadata,
    Column("source", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("outcome", SmallInteger, nullable=False),  # features.calls.Outcome
    instant("created_at"),
)
"""What the codes of one source mean, where the shipped vocabularies don't say."""
