"""Standing: where each lead stands with the calling rules at this moment, as columns."""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np

from features.instants import NEVER
from features.kernel import BoolArray, Int8Array, Int64Array, kernel

RECENT = 10
"""How many of a number's last calls the rules may ask for: the most calls a day any cap can allow."""

LONG_AGO = -NEVER
"""The start of a call that never was."""


class Closed(IntEnum):
    """Why a lead is never called again."""

    OPEN = 0
    CONVERTED = 1
    DNC = 2
    OBJECTED = 3
    UNWORKABLE = 4


@dataclass(frozen=True)
class Standing:
    """Equally long columns, one row per lead; calls count by lead or by number, whichever is stricter."""

    zone: Int64Array
    """Code into `zones`, -1 where none can be derived."""
    jurisdiction: Int64Array
    """Code into `jurisdictions`."""
    has_phone: BoolArray
    created_at: Int64Array
    attempts: Int64Array
    """Calls to the lead in its life."""
    recent: Int64Array
    """(leads, RECENT): starts of the last calls to the lead's number, newest first, else LONG_AGO."""
    last_call_at: Int64Array
    """Start of the last call to the lead or to its number, else LONG_AGO."""
    closed: Int8Array
    """`Closed` codes."""
    callback_at: Int64Array
    """When the lead was promised a call that it hasn't had yet, else NEVER."""
    not_before: Int64Array
    """A source's own wish (`next_after_s`); 0 where there is none."""
    leased_until: Int64Array
    """0 where nobody holds the lead or its number."""
    zones: tuple[tuple[str, ...], ...]
    """For each zone code the IANA zones that must all allow."""
    jurisdictions: tuple[tuple[str, str], ...]
    """For each jurisdiction code (country, region), upper case, empty where unknown."""

    def __len__(self) -> int:
        return int(self.zone.size)

    def take(self, rows: Int64Array | BoolArray) -> "Standing":
        """The standing of some leads, in the order given."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{n: c[rows] for n, c in columns.items() if isinstance(c, np.ndarray)})


@dataclass(frozen=True)
class CallCounts:
    """What the calls so far say, per lead row: attempts, the number's recent starts, the last start of either."""

    attempts: Int64Array
    recent: Int64Array
    last_call_at: Int64Array


def count_calls(
    lead: Int64Array, phone: Int64Array, started_at: Int64Array, phone_of_lead: Int64Array, phones: int
) -> CallCounts:
    """Count calls by lead and by number; `phone` is the number dialed and `phone_of_lead` each lead's, -1 = none."""
    leads = phone_of_lead.size
    attempts, last_by_lead = np.zeros(leads, np.int64), np.full(leads, LONG_AGO)
    by_phone = np.full((phones, RECENT), LONG_AGO)
    sweep_calls(lead, phone, started_at, attempts, last_by_lead, by_phone)
    recent = np.where(phone_of_lead[:, None] >= 0, by_phone[phone_of_lead], LONG_AGO)
    return CallCounts(attempts, recent, np.maximum(last_by_lead, recent[:, 0]))


@kernel
def sweep_calls(
    lead: Int64Array,
    phone: Int64Array,
    started_at: Int64Array,
    attempts: Int64Array,
    last_by_lead: Int64Array,
    by_phone: Int64Array,
) -> None:
    """Add each call to its lead's attempts and last start, and to its number's newest-first row of starts."""
    for i in range(lead.size):
        attempts[lead[i]] += 1
        last_by_lead[lead[i]] = max(last_by_lead[lead[i]], started_at[i])
        if phone[i] < 0:
            continue
        starts = by_phone[phone[i]]
        if started_at[i] <= starts[-1]:
            continue
        place = starts.size - 1
        while place > 0 and starts[place - 1] < started_at[i]:
            starts[place] = starts[place - 1]
            place -= 1
        starts[place] = started_at[i]
