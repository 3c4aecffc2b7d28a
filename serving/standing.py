"""Standing: what the calling rules may know of each lead at an instant, as columns."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from features.instants import NEVER
from features.kernel import BoolArray, Int8Array, Int64Array

OPEN, CONVERTED, DNC, OBJECTED, UNWORKABLE = range(5)
"""Codes of `Standing.closed`."""

NEVER_CALLED = -NEVER
"""`Standing.last_call_at` of a lead that was never tried."""


@dataclass(frozen=True)
class Standing:
    """Equally long columns, one row per lead, all as of one instant; `zones` alone is not a column."""

    zones: tuple[tuple[str, ...], ...]
    """For each code of `zone` the IANA zones that must all allow."""
    zone: Int64Array
    """Code into `zones`; -1 where none is derivable."""
    jurisdiction: Int64Array
    """Code of the place, from `jurisdictions.Jurisdictions.code`."""
    attempts: Int64Array
    """Dials of the lead in its life."""
    calls_24h: Int64Array
    """Dials of the lead's number that started in `(at - 24 h, at]`, across campaigns."""
    last_call_at: Int64Array
    """Start of the last dial of the lead or its number; NEVER_CALLED if there was none."""
    oldest_in_24h: Int64Array
    """When the earliest of the number's last k dials leaves the 24 hours; k is of `attempts.daily_caps`."""
    closed: Int8Array
    """OPEN, or why the lead is not called any more."""
    callback_at: Int64Array
    """The open callback's instant; NEVER if there is none."""
    not_before: Int64Array
    """No dial before this instant (`next_after_s`); 0 if nobody asked for a wait."""
    leased_until: Int64Array
    """The lead or its number is in a dialer's hands until then; 0 if it is not."""
    created_at: Int64Array
    has_phone: BoolArray

    def __len__(self) -> int:
        return int(self.zone.size)

    @cached_property
    def sites(self) -> tuple[tuple[tuple[int, int], ...], Int64Array]:
        """The distinct (zone, jurisdiction) there are, and each lead's place among them; -1 without a zone.

        Leads are many and sites few: what depends on the site alone is answered once for each.
        """
        width = int(self.jurisdiction.max(initial=0)) + 1
        known = self.zone >= 0
        pair = np.where(known, self.zone * width + self.jurisdiction, 0)
        present = np.flatnonzero(np.bincount(pair[known], minlength=1))
        number = np.full(int(pair.max(initial=0)) + 1, -1)
        number[present] = np.arange(present.size)
        sites = tuple((int(code) // width, int(code) % width) for code in present)
        return sites, np.where(known, number[pair], -1)

    def take(self, rows: Int64Array | BoolArray) -> "Standing":
        """The standing of some leads, in the order given."""
        columns = [field.name for field in fields(self) if field.name != "zones"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})
