"""Settling: where leads belong that the rules judged, and when they turn, written down in one loop."""

from typing import NamedTuple

from features.instants import NEVER
from features.kernel import BoolArray, Int8Array, Int64Array, kernel

from .cells import NOWHERE
from .ranking.arms import MOST_ARMS
from .verdicts import FREE

DUE, STALE = FREE + MOST_ARMS, FREE + MOST_ARMS + 1
"""Kinds of leads besides the headings that hold them back: FREE + arm, those with a callback that is due, and
those that wait for a score."""

KINDS = STALE + 1

STRETCH = 64
"""It is known of so many leads at a time when the first one turns."""


class Judged(NamedTuple):
    """What was found of some leads: equally long columns."""

    heading: Int8Array
    until: Int64Array
    due: BoolArray
    """Whose callback's time has come."""
    unscored: BoolArray
    """Who has no score that serves."""
    turns_at: Int64Array
    """When a rule may change its mind."""
    ends_at: Int64Array
    """When the score may be too old."""
    site: Int64Array
    callback_at: Int64Array
    created_at: Int64Array
    attempts: Int64Array
    last_call_at: Int64Array


class Kept(NamedTuple):
    """What a lineup keeps of each lead, by slot."""

    row: Int64Array
    arm: Int8Array
    site: Int64Array
    until: Int64Array
    callback_at: Int64Array
    """NEVER where none is due."""
    created_at: Int64Array
    attempts: Int64Array
    last_call_at: Int64Array
    origin: Int64Array
    turns_at: Int64Array


class Book(NamedTuple):
    """What the ledger says of each lead, by row."""

    campaign: Int64Array
    erased: BoolArray
    source: Int64Array


@kernel
def settle(slots: Int64Array, judged: Judged, book: Book, campaign: int, kept: Kept, out: Int64Array) -> None:
    """Keep what was found of leads; fill `out` with their kinds, NOWHERE for those not of the campaign."""
    for i in range(slots.size):
        slot, row = slots[i], kept.row[slots[i]]
        kept.site[slot], kept.until[slot] = judged.site[i], judged.until[i]
        kept.callback_at[slot] = judged.callback_at[i] if judged.due[i] else NEVER
        kept.created_at[slot], kept.attempts[slot] = judged.created_at[i], judged.attempts[i]
        kept.last_call_at[slot], kept.origin[slot] = judged.last_call_at[i], book.source[row]
        kept.turns_at[slot], kind = judged.turns_at[i], int(judged.heading[i])
        if kind == FREE and judged.unscored[i]:
            kind = STALE
        elif kind == FREE:
            kept.turns_at[slot] = min(judged.turns_at[i], judged.ends_at[i])
            kind = DUE if judged.due[i] else FREE + int(kept.arm[slot])
        out[i] = kind if book.campaign[row] == campaign and not book.erased[row] else NOWHERE


@kernel
def note(slots: Int64Array, turns_at: Int64Array, earliest: Int64Array) -> None:
    """Let the first turn of each stretch be no later than that of any of these leads, all by slot."""
    for slot in slots:
        earliest[slot // STRETCH] = min(earliest[slot // STRETCH], turns_at[slot])


@kernel
def turned(turns_at: Int64Array, at: int, earliest: Int64Array, out: Int64Array) -> int:
    """Fill `out` with the slots that turn up to `at`; keep by stretch when the next of the others does."""
    found = 0
    for stretch in range(earliest.size):
        if earliest[stretch] <= at:
            earliest[stretch] = NEVER
            for slot in range(stretch * STRETCH, min((stretch + 1) * STRETCH, turns_at.size)):
                if turns_at[slot] <= at:
                    out[found] = slot
                    found += 1
                else:
                    earliest[stretch] = min(earliest[stretch], turns_at[slot])
    return found
