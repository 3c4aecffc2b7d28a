"""A whole ranking at an instant, for dialers that keep lists of their own: order, scales, deltas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from features.instants import NEVER
from features.kernel import BoolArray, Float64Array, Int8Array, Int64Array

from .arms import starts_of, turns
from .orders import ORDERS, RANDOM
from .policy import BY_SCORE, Arm, Policy
from .queue import Candidates, Source

LARGEST_RANK = 32767
"""VICIdial keeps a rank as SMALLINT and dials the largest first."""

Names = NDArray[np.bytes_]


@dataclass(frozen=True)
class Listing:
    """Leads in the order in which to call them, the best first: equally long columns."""

    lead_id: Names
    score: Float64Array
    """Expected value per agent-hour; NaN where no model said."""
    source: Int8Array
    """`queue.Source`: a due callback, ranked by score or in an old order."""
    until: Int64Array
    """Until when the lead's own hours allow a call."""

    def __len__(self) -> int:
        return int(self.lead_id.size)


def order(
    candidates: Candidates, policy: Policy, spent: Sequence[float], rng: Generator
) -> tuple[Int64Array, Int8Array]:
    """Places among the candidates, first to call first, and why each stands there.

    Due callbacks, then all arms by their shares of agent seconds, in turns as in a queue; nothing is
    explored: a list is read from its top.
    """
    due = np.flatnonzero(candidates.callback_at < NEVER)
    due = due[np.lexsort((candidates.row[due], candidates.callback_at[due]))]
    waiting = candidates.callback_at == NEVER
    arms = [
        _of_arm(candidates, waiting & (candidates.arm == number), arm, rng)
        for number, arm in enumerate(policy.arms)
    ]
    seconds, shares = [candidates.seconds[one] for one in arms], [arm.share for arm in policy.arms]
    number, turn = turns(seconds, shares, spent, sum(one.size for one in arms)).T
    why = np.array([Source.RANKED if arm.order == BY_SCORE else Source.HOLDOUT for arm in policy.arms])
    place, source = np.concatenate(arms)[starts_of(arms)[number] + turn], why[number]
    callbacks = np.full(due.size, Source.CALLBACK)
    return np.concatenate([due, place]), np.concatenate([callbacks, source]).astype(np.int8)


def _of_arm(candidates: Candidates, mine: BoolArray, arm: Arm, rng: Generator) -> Int64Array:
    """The places of an arm in its own order: by score, without scores or by its order by a rule."""
    places = np.flatnonzero(mine)
    scores = candidates.score[places]
    if arm.order == BY_SCORE and not np.isnan(scores).any():
        return places[np.lexsort((candidates.row[places], -scores))]
    if arm.order == RANDOM:
        return places[rng.permutation(places.size)]
    by = ORDERS["newest" if arm.order == BY_SCORE else arm.order]
    columns = (candidates.created_at[places], candidates.attempts[places], candidates.last_call_at[places])
    return places[np.lexsort(by(*columns)[::-1])]


def _raw(listing: Listing) -> Float64Array:
    return listing.score


def _small_integer(listing: Listing) -> Float64Array:
    """The best has 32767, the last 0 or more; at most 32,768 leads have values of their own."""
    places = np.arange(len(listing))
    step = max(len(listing) / (LARGEST_RANK + 1), 1.0)
    return np.asarray(LARGEST_RANK - np.floor(places / step), np.float64)


def _percentile(listing: Listing) -> Float64Array:
    """The share of the leads, in percent, that stand no better."""
    return 100.0 * (len(listing) - np.arange(len(listing))) / max(len(listing), 1)


def _dense(listing: Listing) -> Float64Array:
    """1 for the best, without gaps; neighbours of one source and score share a number."""
    score = np.nan_to_num(listing.score, nan=-1.0)
    new = (np.diff(score, prepend=np.nan) != 0) | (np.diff(listing.source, prepend=-1) != 0)
    return np.cumsum(new).astype(np.float64)


SCALES: dict[str, Callable[[Listing], Float64Array]] = {
    "raw": _raw,
    "0-32767": _small_integer,
    "percentile": _percentile,
    "dense": _dense,
}
"""What a lead's `value` can be, by the name of the scale."""

WHOLE = ("0-32767", "dense")
"""The scales of whole numbers."""


@dataclass(frozen=True)
class Delta:
    """What changed between two listings."""

    places: Int64Array
    """Places in the newer one of leads that are new or have another value, in its order."""
    removed: Names
    """Leads that are in it no more."""


def delta(before: Listing, now: Listing, scale: str) -> Delta:
    """What whoever holds `before` must change to hold `now`, values by a scale."""
    by_name = np.argsort(before.lead_id, kind="stable")
    sorted_names = before.lead_id[by_name]
    at = np.minimum(np.searchsorted(sorted_names, now.lead_id), max(len(before) - 1, 0))
    known = sorted_names[at] == now.lead_id if len(before) else np.zeros(len(now), np.bool_)
    old = np.full(len(now), np.nan)
    old[known] = SCALES[scale](before)[by_name[at[known]]]
    new = SCALES[scale](now)
    same = known & ((old == new) | (np.isnan(old) & np.isnan(new)))
    return Delta(np.flatnonzero(~same), np.setdiff1d(before.lead_id, now.lead_id))
