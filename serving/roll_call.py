"""Roll call: how some leads stand, and when that may change, read off what is kept of each and its number."""

from typing import NamedTuple

import numpy as np

from features.instants import DAY, NEVER
from features.kernel import Int64Array, kernel, part

from .rule import EARLY
from .standing import NEVER_CALLED, OPEN

ANSWERS = (
    "zone", "attempts", "calls_24h", "last_call_at", "oldest_in_24h", "callback_at", "not_before",
    "leased_until", "created_at", "closed", "jurisdiction", "has_phone",
)  # fmt: skip
"""What of a `Standing` the roll call finds, in the order of its rows."""


class OfLeads(NamedTuple):
    """What is kept of each lead, by row."""

    phone: Int64Array
    """Its number, -1 none."""
    zone: Int64Array
    place: Int64Array
    created_at: Int64Array
    promised: Int64Array
    """When it was promised a callback, NEVER if it wasn't."""
    promised_at: Int64Array
    """When that was told."""
    attempts: Int64Array
    called_at: Int64Array
    """The last call to the lead itself, NEVER_CALLED if there was none."""
    closed: Int64Array
    """What its calls made of it."""
    waits_until: Int64Array
    stopped: Int64Array
    """Why it is suppressed, until `stop_ends`."""
    stop_ends: Int64Array
    held_since: Int64Array
    held_until: Int64Array


class Law(NamedTuple):
    """Where places lie, and how often one may call there."""

    jurisdiction: Int64Array
    """By the ledger's place."""
    daily_cap: Int64Array
    """By jurisdiction: the k-th last call to a number makes `oldest_in_24h`."""


class OfNumbers(NamedTuple):
    """What is kept of each number."""

    starts: Int64Array
    """(numbers, `tally.RECENT`): its last calls, newest first; NEVER_CALLED where there are fewer."""
    stopped: Int64Array
    stop_ends: Int64Array
    held_since: Int64Array
    held_until: Int64Array


@kernel
def call_roll(
    rows: Int64Array, at: int, law: Law, leads: OfLeads, numbers: OfNumbers, out: Int64Array
) -> None:
    """Fill the rows of `out` with the ANSWERS of leads at an instant."""
    for i in range(rows.size):
        row, phone = rows[i], leads.phone[rows[i]]
        called_at, closed, held = leads.called_at[row], leads.closed[row], np.int64(0)
        jurisdiction = law.jurisdiction[leads.place[row]]
        code, ends, calls, oldest = leads.stopped[row], leads.stop_ends[row], 0, np.int64(0)
        if phone >= 0:
            starts = numbers.starts[phone]
            called_at, calls = max(called_at, starts[0]), within_day(starts, at)
            kth = starts[min(max(law.daily_cap[jurisdiction], 1), starts.size) - 1]
            oldest = kth + DAY if kth != NEVER_CALLED else oldest
            if numbers.stop_ends[phone] > ends:
                code, ends = numbers.stopped[phone], numbers.stop_ends[phone]
            if called_at < numbers.held_since[phone]:
                held = max(held, numbers.held_until[phone])
        if called_at < leads.held_since[row]:
            held = max(held, leads.held_until[row])
        callback, own = leads.promised[row], leads.called_at[row]
        if own >= callback - EARLY and own > leads.promised_at[row]:
            callback = NEVER
        promise = callback - EARLY if callback < NEVER else 0
        out[0, i], out[1, i], out[2, i] = leads.zone[row], leads.attempts[row], calls
        out[3, i], out[4, i] = called_at, oldest
        out[5, i], out[6, i] = callback, max(leads.waits_until[row], promise)
        out[7, i], out[8, i] = held, leads.created_at[row]
        out[9, i] = code if code != OPEN and ends > at else closed
        out[10, i], out[11, i] = jurisdiction, phone >= 0


@part
def within_day(starts: Int64Array, at: int) -> int:
    """How many of a number's last calls, newest first, began in the 24 hours up to `at`."""
    calls = 0
    while calls < starts.size and starts[calls] > at - DAY:
        calls += 1
    return calls


@kernel
def find_turns(
    rows: Int64Array,
    at: int,
    instants: tuple[Int64Array, ...],
    leads: OfLeads,
    numbers: OfNumbers,
    out: Int64Array,
) -> None:
    """Fill `out` with the first after `at` of a lead's `instants`, its stops' ends, its calls' days' ends."""
    for i in range(rows.size):
        turn, phone = sooner(leads.stop_ends[rows[i]], NEVER, at), leads.phone[rows[i]]
        for column in instants:
            turn = sooner(column[i], turn, at)
        if phone >= 0:
            turn = sooner(numbers.stop_ends[phone], turn, at)
            calls = within_day(numbers.starts[phone], at)
            if calls:
                turn = min(turn, numbers.starts[phone, calls - 1] + DAY)
        out[i] = turn


@part
def sooner(instant: int, turn: int, at: int) -> int:
    """An instant after `at`, if it is before a turn; otherwise the turn."""
    return instant if at < instant < turn else turn
