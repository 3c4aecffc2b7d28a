"""Leads and what is known of them besides calls: campaign, attributes, consent, suppression."""

from sqlalchemy import Column, Double, Table, Text, UniqueConstraint

from .metadata import Json, instant, maybe_instant, metadata, of_lead, serial, stamp

campaign = Table(
    "campaign",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("settings", Json, nullable=False),
    instant("created_at"),
    stamp(),
)

lead = Table(
    "lead",
    metadata,
    serial(),
    Column("lead_id", Text, nullable=False, unique=True),
    Column("campaign", Text, nullable=False, index=True),
    instant("created_at"),
    instant("updated_at"),
    instant("known_at"),
    Column("channel", Text, nullable=False),
    Column("source", Text, nullable=True),
    Column("list_id", Text, nullable=True),
    Column("country", Text, nullable=True),
    Column("region", Text, nullable=True),
    Column("postal_code", Text, nullable=True),
    Column("timezone", Text, nullable=True),
    Column("value", Double, nullable=True),
    Column("phones", Json, nullable=False),  # [{"e164": ..., "type": ...}], the first is dialed
    Column("phone_hash", Text, nullable=True, index=True),
    maybe_instant("erased_at"),
    maybe_instant("since"),  # since when what stands is known; null: since `known_at`, as it was always so
    stamp(),
)

lead_past = Table(
    "lead_past",
    metadata,
    serial(),
    of_lead(),
    Column("campaign", Text, nullable=False),
    instant("created_at"),
    Column("channel", Text, nullable=False),
    Column("source", Text, nullable=True),
    Column("list_id", Text, nullable=True),
    Column("country", Text, nullable=True),
    Column("region", Text, nullable=True),
    Column("zone", Text, nullable=True),  # declared, or derived from the number of then, which isn't kept
    Column("value", Double, nullable=True),
    instant("updated_at"),
    instant("known_at"),
    stamp(),
)
"""The versions of leads that don't stand; of those known, the latest by `updated_at` (then `seq`) did."""


lead_attribute = Table(
    "lead_attribute",
    metadata,
    serial(),
    of_lead(),
    Column("name", Text, nullable=False),
    Column("number", Double, nullable=True),
    Column("word", Text, nullable=True),  # number and word both null: known to be missing
    instant("known_at"),
    stamp(),
)
"""Every value an attribute ever had; of equal `known_at` the higher `seq` came later."""

consent = Table(
    "consent",
    metadata,
    serial(),
    of_lead(),
    Column("basis", Text, nullable=False),  # express_written | express | inquiry | customer | none
    instant("at"),
    Column("evidence", Text, nullable=True),
    instant("known_at"),
    stamp(),
)
"""Every consent given or revoked (`none`); the one with the latest `at` stands."""

suppression = Table(
    "suppression",
    metadata,
    serial(),
    Column("subject", Text, nullable=False),  # phone:<hash> | lead:<lead_id>
    Column("reason", Text, nullable=False),  # dnc | objection | erased
    instant("since"),
    maybe_instant("until"),
    instant("known_at"),
    stamp(),
    UniqueConstraint("subject", "reason", "since"),
)
"""Who may not be called in [since, until). One with `until` = `since` marks a removal."""
