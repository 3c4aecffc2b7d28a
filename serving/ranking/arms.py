"""Arms: whose leads are whose, and whose turn it is."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import numpy as np

from features.kernel import Float64Array, Int8Array, Int64Array, kernel

from .policy import HELD, Policy

MODEL, HOLDOUT = 0, 1
"""The first arms' numbers. In an experiment the first one is its own first arm, and others follow."""

MOST_ARMS = 5
"""Four of an experiment, and the holdout."""


def place_of(salt: bytes, experiment: str, lead_id: str) -> float:
    """The lead's place in [0, 1): the same for ever, independent of everything but the salt."""
    digest = hashlib.blake2b(f"{experiment}\n{lead_id}".encode(), key=salt[:64], digest_size=8).digest()
    return int.from_bytes(digest) / 2.0**64


def places(salt: bytes, experiment: str, lead_ids: Iterable[str]) -> Float64Array:
    """`place_of` each lead."""
    return np.array([place_of(salt, experiment, lead_id) for lead_id in lead_ids], np.float64)


def turns(
    seconds: Sequence[Float64Array], share: Sequence[float], spent: Sequence[float], slots: int
) -> Int64Array:
    """Fill `slots` with rows (arm, place in its order): the arm furthest behind goes first.

    Arms get shares of agent seconds, not of leads (weighted fair queueing): `seconds[a][j]` is what the j-th
    lead of arm a will cost, `spent[a]` what the arm has cost so far, 0 where it isn't told. An arm that has
    run out passes its turn.
    """
    filled, starts = np.empty((2, slots), np.int64), starts_of(seconds)
    used = np.zeros(len(share))
    used[: len(spent)] = spent
    found = take_turns(np.concatenate(seconds), starts, np.array(share, np.float64), used, filled)
    return filled[:, :found].T


def starts_of(arms: Sequence[Int64Array] | Sequence[Float64Array]) -> Int64Array:
    """Where each arm's leads begin if they stand one arm behind the other, and where the last one's end."""
    return np.array([0, *accumulate(one.size for one in arms)])


@kernel
def take_turns(
    seconds: Float64Array, starts: Int64Array, share: Float64Array, used: Float64Array, out: Int64Array
) -> int:
    """Fill the columns of `out` with whose turn it is; return how many there were. `used` is written over."""
    taken = np.zeros(share.size, np.int64)
    for slot in range(out.shape[1]):
        total, first, most = 0.0, -1, 0.0
        for arm in range(share.size):
            total += used[arm]
        for arm in range(share.size):
            if share[arm] <= 0 or starts[arm] + taken[arm] >= starts[arm + 1]:
                continue
            behind = share[arm] * total - used[arm]
            if first < 0 or behind > most or (behind == most and share[arm] > share[first]):
                first, most = arm, behind
        if first < 0:
            return slot
        used[first] += seconds[starts[first] + taken[first]]
        out[0, slot], out[1, slot] = first, taken[first]
        taken[first] += 1
    return int(out.shape[1])


def dealt(policy: Policy, place: Callable[[str], Float64Array]) -> Int8Array:
    """The number of each lead's arm; `place` gives the leads' places in an experiment by its name.

    The holdout and the experiment deal independently: no lead leaves the holdout for an experiment, and
    another experiment deals anew.
    """
    kept, experiment = place(HELD) < policy.holdout, policy.experiment
    if experiment is None:
        return np.where(kept, HOLDOUT, MODEL).astype(np.int8)
    ends = np.cumsum([arm.share for arm in experiment.arms])[:-1]
    number = np.searchsorted(ends, place(experiment.name), side="right")
    return np.where(kept, HOLDOUT, number + (number >= HOLDOUT)).astype(np.int8)
