"""What happened to leads: calls, dispositions, conversions, callbacks, other touches, voice scores."""

from typing import Any

from sqlalchemy import Boolean, Column, Double, Index, Integer, SmallInteger, Table, Text

from .metadata import Json, instant, maybe_instant, metadata, of_campaign, of_lead, serial, stamp


def _version() -> list[Column[Any]]:
    """What one telling says of a call: the columns that both tables of calls share."""
    return [
        of_lead(),
        of_campaign(),
        Column("agent", Text, nullable=True),
        Column("dialer_id", Text, nullable=False),
        Column("phone_hash", Text, nullable=True),
        Column("caller_hash", Text, nullable=True),  # of the number that showed on the lead's phone
        instant("started_at"),
        maybe_instant("answered_at"),
        instant("ended_at"),
        instant("event_at"),
        Column("event_id", Text, nullable=False),  # breaks ties between versions told at the same event_at
        instant("known_at"),
        Column("outcome", SmallInteger, nullable=False),  # features.calls.Outcome
        Column("talk_s", Double, nullable=True),  # null: nobody said; never 0 for that
        Column("hold_s", Double, nullable=True),
        Column("wrap_s", Double, nullable=True),
        Column("human_answered", Boolean, nullable=False),
        Column("abandoned", Boolean, nullable=False),
        Column("lease_id", Text, nullable=True),
        Column("decision_id", Text, nullable=True),
        Column("script", Text, nullable=True),
        Column("shift", Text, nullable=True),
        stamp(),
    ]


call = Table(
    "call",
    metadata,
    Column("call_id", Text, primary_key=True),
    *_version(),
    Index(None, "decision_id"),
    Index(None, "phone_hash", "started_at"),
    Index(None, "campaign", "started_at"),
)
"""One row per call attempt, in the version that stands: the last by (`event_at`, `event_id`)."""

call_past = Table(
    "call_past",
    metadata,
    serial(),
    Column("call_id", Text, nullable=False, index=True),
    *_version(),
)
"""The versions of calls that don't stand, each with its own `known_at`; a replaced one keeps its `seq`."""

disposition = Table(
    "disposition",
    metadata,
    serial(),
    Column("call_id", Text, nullable=False, index=True),
    instant("event_at"),
    instant("known_at"),
    Column("disposition", SmallInteger, nullable=False),  # features.calls.Outcome
    Column("converted", Boolean, nullable=False),
    Column("value", Double, nullable=True),
    maybe_instant("next_at"),  # not to be called before
    maybe_instant("callback_at"),
    Column("stop_phone", Boolean, nullable=False),
    stamp(),
)
"""Every version of every disposition; the one with the latest `event_at` (then `seq`) stands."""

conversion = Table(
    "conversion",
    metadata,
    serial(),
    of_lead(),
    Column("goal", Text, nullable=False),
    Column("value", Double, nullable=True),
    instant("at"),
    instant("event_at"),
    instant("known_at"),
    Column("cancelled", Boolean, nullable=False),
    stamp(),
)
"""Every conversion recorded, and every cancellation as a row of its own."""

callback = Table(
    "callback",
    metadata,
    serial(),
    of_lead(),
    instant("at"),  # when to call
    Column("agent", Text, nullable=True),
    instant("event_at"),
    instant("known_at"),
    Column("cancelled", Boolean, nullable=False),
    stamp(),
)
"""Every callback scheduled, by an event or a call's own `callback_at`; a cancellation is a row of its own."""

touch = Table(
    "touch",
    metadata,
    serial(),
    of_lead(),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("direction", Text, nullable=False),  # inbound | outbound
    Column("agent", Text, nullable=True),
    instant("at"),
    instant("known_at"),
    stamp(),
)
"""Contacts other than calls."""

voice = Table(
    "voice",
    metadata,
    serial(),
    Column("call_id", Text, nullable=False, index=True),
    Column("sentiment", Double, nullable=True),
    Column("talk_ratio", Double, nullable=True),
    Column("interruptions", Integer, nullable=True),
    Column("silence_s", Double, nullable=True),
    Column("tone", Json, nullable=True),
    Column("transcript_ref", Text, nullable=True),
    instant("event_at"),
    instant("known_at"),
    stamp(),
)
"""What a voice-analysis tool said of past calls."""
