"""Tally: what the calls so far count for the rules, by lead and by number."""

from dataclasses import dataclass

import numpy as np

from features.calls import FINAL, Outcome
from features.instants import DAY
from features.kernel import BoolArray, Int8Array, Int64Array, kernel

from .standing import CONVERTED, DNC, NEVER_CALLED, OPEN, UNWORKABLE

RECENT = 10
"""How many of a number's last calls are kept: the most calls in 24 hours that any cap can allow."""

_CLOSES = np.array(
    [
        {Outcome.CONVERTED: CONVERTED, Outcome.DO_NOT_CALL: DNC}.get(
            outcome, UNWORKABLE if outcome in FINAL else OPEN
        )
        for outcome in Outcome
    ],
    np.int8,
)
"""What each disposition makes of the lead, by `Outcome` code."""


@dataclass(frozen=True)
class Tally:
    """Per lead: attempts in its life, its number's last calls, the last start of either, whether closed."""

    attempts: Int64Array
    recent: Int64Array
    """(leads, RECENT), newest first; NEVER_CALLED where there are fewer."""
    last_call_at: Int64Array
    closed: Int8Array

    def calls_within_day(self, at: int) -> Int64Array:
        """Calls to each lead's number that started in the 24 hours up to `at`; at most RECENT."""
        return np.asarray((self.recent > at - DAY).sum(axis=1), np.int64)

    def leaves_the_day(self, k: Int64Array) -> Int64Array:
        """When the k-th last call to each lead's number turns 24 hours old; `k` per lead, 1 to RECENT."""
        start = self.recent[np.arange(k.size), np.clip(k, 1, RECENT) - 1]
        return np.where(start == NEVER_CALLED, 0, start + DAY)


def tally(
    lead: Int64Array,
    phone: Int64Array,
    started_at: Int64Array,
    disposition: Int8Array,
    phone_of_lead: Int64Array,
    phones: int,
) -> Tally:
    """Count calls; `phone` codes the number dialed and `phone_of_lead` each lead's own, -1 = none."""
    leads = phone_of_lead.size
    attempts, last = np.zeros(leads, np.int64), np.full(leads, NEVER_CALLED)
    closed = np.zeros(leads, np.int8)
    by_phone = np.full((phones, RECENT), NEVER_CALLED)
    sweep_calls(lead, phone, started_at, disposition, _CLOSES, attempts, last, closed, by_phone)
    has_phone: BoolArray = phone_of_lead >= 0
    recent = np.full((leads, RECENT), NEVER_CALLED)
    recent[has_phone] = by_phone[phone_of_lead[has_phone]]
    return Tally(attempts, recent, np.maximum(last, recent[:, 0]), closed)


def warm_up() -> None:
    """Compile the loop, or load it from numba's cache."""
    nothing = np.zeros(0, np.int64)
    tally(nothing, nothing, nothing, np.zeros(0, np.int8), nothing, 0)


@kernel
def sweep_calls(  # noqa: PLR0913
    lead: Int64Array,
    phone: Int64Array,
    started_at: Int64Array,
    disposition: Int8Array,
    closes: Int8Array,
    attempts: Int64Array,
    last: Int64Array,
    closed: Int8Array,
    by_phone: Int64Array,
) -> None:
    """Add each call to its lead's attempts, last start and closing, and to its number's recent starts."""
    for i in range(lead.size):
        attempts[lead[i]] += 1
        last[lead[i]] = max(last[lead[i]], started_at[i])
        if disposition[i] >= 0 and closed[lead[i]] == 0:
            closed[lead[i]] = closes[disposition[i]]
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
