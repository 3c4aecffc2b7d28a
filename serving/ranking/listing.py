"""A whole ranking at an instant, for dialers that keep lists of their own: order, scales, deltas."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from features.instants import NEVER
from features.kernel import BoolArray, Float64Array, Int8Array, Int64Array

from .arms import HOLDOUT, MODEL
from .orders import ORDERS, RANDOM
from .queue import Candidates, Policy, Source

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
    """`queue.Source`: a due callback, the model's or the holdout's."""
    until: Int64Array
    """Until when the lead's own hours allow a call."""

    def __len__(self) -> int:
        return int(self.lead_id.size)


def order(
    candidates: Candidates, policy: Policy, spent: tuple[float, float], rng: Generator
) -> tuple[Int64Array, Int8Array]:
    """Places among the candidates, first to call first, and why each stands there.

    Due callbacks, then both arms by their shares of agent seconds; nothing is explored: a list is read from
    its top. The arm furthest behind goes first, which sorts leads by their start tags: seconds spent before
    them, over their arm's share (self-clocked fair queueing, Golestani 1994).
    """
    due = np.flatnonzero(candidates.callback_at < NEVER)
    due = due[np.lexsort((candidates.row[due], candidates.callback_at[due]))]
    waiting = candidates.callback_at == NEVER
    arms = [
        _of_arm(candidates, waiting & (candidates.arm == arm), arm, policy, rng) for arm in (MODEL, HOLDOUT)
    ]
    shares = (1 - policy.holdout, policy.holdout)
    tags = [
        (used + np.cumsum(seconds) - seconds) / share if share > 0 else np.full(seconds.size, np.inf)
        for used, share, seconds in zip(spent, shares, (candidates.seconds[arm] for arm in arms), strict=True)
    ]
    place, source = (
        np.concatenate(arms),
        np.repeat([Source.RANKED, Source.HOLDOUT], [arm.size for arm in arms]),
    )
    sequence = np.argsort(np.concatenate(tags), kind="stable")
    callbacks = np.full(due.size, Source.CALLBACK)
    return np.concatenate([due, place[sequence]]), np.concatenate([callbacks, source[sequence]]).astype(
        np.int8
    )


def _of_arm(candidates: Candidates, mine: BoolArray, arm: int, policy: Policy, rng: Generator) -> Int64Array:
    """The places of an arm in its own order: by score, without scores or in the holdout by a rule."""
    places = np.flatnonzero(mine)
    scores = candidates.score[places]
    if arm == MODEL and not np.isnan(scores).any():
        return places[np.lexsort((candidates.row[places], -scores))]
    if arm == HOLDOUT and policy.baseline_order == RANDOM:
        return places[rng.permutation(places.size)]
    by = ORDERS["newest" if arm == MODEL else policy.baseline_order]
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
