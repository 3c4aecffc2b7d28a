"""Arms: which leads the model ranks and which keep the old order, and whose turn it is."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from features.kernel import BoolArray, Float64Array

MODEL, HOLDOUT = 0, 1
ARMS = ("model", "holdout")


def place_of(salt: bytes, experiment: str, lead_id: str) -> float:
    """The lead's place in [0, 1): the same for ever, independent of everything but the salt."""
    digest = hashlib.blake2b(f"{experiment}\n{lead_id}".encode(), key=salt[:64], digest_size=8).digest()
    return int.from_bytes(digest) / 2.0**64


def places(salt: bytes, experiment: str, lead_ids: Iterable[str]) -> Float64Array:
    """`place_of` each lead."""
    return np.array([place_of(salt, experiment, lead_id) for lead_id in lead_ids], np.float64)


def turns(
    seconds: Sequence[Float64Array], share: Sequence[float], spent: Sequence[float], slots: int
) -> list[tuple[int, int]]:
    """Fill `slots` from the arms' orders as (arm, place in its order): the one furthest behind goes first.

    Arms get shares of agent seconds, not of leads (weighted fair queueing): `seconds[a][j]` is what the j-th
    lead of arm a will cost, `spent[a]` what the arm has cost so far. An arm that has run out passes its turn.
    """
    used = [float(amount) for amount in spent]
    taken = [0] * len(seconds)
    filled: list[tuple[int, int]] = []
    while len(filled) < slots:
        open_arms = [arm for arm in range(len(seconds)) if share[arm] > 0 and taken[arm] < seconds[arm].size]
        if not open_arms:
            break
        total = sum(used)
        arm = max(open_arms, key=lambda a: (share[a] * total - used[a], share[a]))
        used[arm] += float(seconds[arm][taken[arm]])
        filled.append((arm, taken[arm]))
        taken[arm] += 1
    return filled


def in_holdout(place: Float64Array, holdout: float) -> BoolArray:
    """Whether a lead keeps the campaign's old order."""
    return place < holdout
