"""What became of leads and events that were handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Known = Literal["received", "event"]
"""Since when a fact is known: since it was received, or (imports of history) since it happened."""


@dataclass(frozen=True)
class LeadResult:
    """What became of one lead of a batch; `reason` says why it was rejected or ignored."""

    lead_id: str
    result: Literal["created", "updated", "unchanged", "stale", "rejected"]
    reason: str | None = None
    refused_attributes: tuple[str, ...] = ()
    """Attributes that are stored and never become features."""


@dataclass(frozen=True)
class Erasure:
    """The receipt of one lead's erasure."""

    lead_id: str
    erased_at: int
    reached: Mapping[str, int]
    """By kind, how many rows were dropped or blanked; `leases`: that the suppression list holds now."""


@dataclass(frozen=True)
class EventReceipt:
    """What became of a batch of events; every item is counted once."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: tuple[tuple[str, str, str], ...] = ()
    """(id, code, detail) of each."""
    rejected: tuple[tuple[int, str], ...] = ()
    """(index, code) of those that can't even be kept: no id, source or type."""
    replayed: int = field(default=0)
    """Events that waited in quarantine and were accepted now, beside those of the batch."""
    erasures: tuple[Erasure, ...] = ()
