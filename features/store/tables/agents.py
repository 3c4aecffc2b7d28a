"""Agents: who they are and what they were doing when."""

from sqlalchemy import Column, Double, Index, Table, Text

from .metadata import Json, instant, maybe_instant, metadata, serial, stamp

agent = Table(
    "agent",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("team", Text, nullable=True),
    Column("skills", Json, nullable=False),
    Column("timezone", Text, nullable=True),
    maybe_instant("hired_at"),
    Column("cost_per_hour", Double, nullable=True),
    instant("event_at"),
    Column("event_id", Text, nullable=False),  # breaks ties between versions told at the same event_at
    instant("known_at"),
    stamp(),
)
"""One row per agent, in the version told last."""

agent_state = Table(
    "agent_state",
    metadata,
    serial(),
    Column("agent", Text, nullable=False),
    Column("state", Text, nullable=False),  # ready | on_call | wrap | break | off
    instant("at"),
    instant("known_at"),
    stamp(),
    Index(None, "agent", "at"),
)
"""Every state an agent was in, from when; it lasts until the next."""
