"""Served vectors: what the model saw of some leads, kept so that it can be worked out again and compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from .kernel import Float32Array, Int8Array, Int64Array
from .past import Feature


@dataclass(frozen=True)
class ServedVector:
    """One lead's features as they were scored; `vector` holds little-endian float32 values."""

    scored_at: int
    seen_seq: int
    """The change number that the scorer had followed: it knew nothing stored later."""
    features: tuple[Feature, ...]
    fingerprint: str
    bundle_version: str
    vector: bytes


class Found(IntEnum):
    """How a served value stands to the one worked out again."""

    MATCHED = 0
    MISMATCHED = 1
    MISSING = 2
    """Nothing was served where there is a value."""
    EXTRA = 3
    """A value was served where there is none."""


@dataclass(frozen=True)
class Difference:
    """A feature that was not served as it should have been: how often, and the worst case."""

    name: str
    counts: Int64Array
    """By `Found`."""
    row: int
    served: float
    again: float


def encode(values: Float32Array) -> bytes:
    """A row's values as bytes."""
    return values.astype("<f4").tobytes()


def decode(vectors: Sequence[bytes], features: int) -> Float32Array:
    """One row per vector; a `ValueError` where one has another length."""
    return np.frombuffer(b"".join(vectors), "<f4").astype(np.float32).reshape(len(vectors), features)


def judge(served: Float32Array, again: Float32Array) -> Int8Array:
    """`Found` of each value; equal is equal to the last bit, and missing on both sides is equal."""
    gone, none = np.isnan(served), np.isnan(again)
    found = np.where(gone & ~none, Found.MISSING, np.where(none & ~gone, Found.EXTRA, Found.MISMATCHED))
    return np.where((served == again) | (gone & none), Found.MATCHED, found).astype(np.int8)


def differences(names: Sequence[str], served: Float32Array, again: Float32Array) -> list[Difference]:
    """The features with a value that differs, the one that differs most often first."""
    found = judge(served, again)
    told = [_difference(name, served[:, k], again[:, k], found[:, k]) for k, name in enumerate(names)]
    differing = [one for one in told if one.counts[1:].any()]
    return sorted(differing, key=lambda one: (-int(one.counts[1:].sum()), one.name))


def _difference(name: str, served: Float32Array, again: Float32Array, found: Int8Array) -> Difference:
    """A feature's counts with its worst row: a missing or extra value is worse than any wrong one."""
    apart = np.where(found == Found.MATCHED, -1.0, np.nan_to_num(np.abs(served - again), nan=np.inf))
    row = int(np.argmax(apart)) if apart.size else 0
    counts = np.bincount(found, minlength=len(Found))
    shown = (float(served[row]), float(again[row])) if apart.size else (np.nan, np.nan)
    return Difference(name, counts, row, *shown)
