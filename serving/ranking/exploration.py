"""Exploration: a draw that favours the best, and each lead's exact chance in it."""

import hashlib

import numpy as np
from numpy.random import Generator, Philox
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import DTypeLike

from features.kernel import Float64Array, Int64Array, UInt64Array

POOL = 3
"""A draw of n is among the best POOL x n leads: chances below that cost more than they teach."""


def generator(key: str) -> Generator:
    """The generator of one batch, from the text that names the batch: equal keys, equal draws."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return Generator(Philox(_Words(digest)))  # type: ignore[arg-type]  # numpy documents that it may


class _Words(ISeedSequence):
    """Seeds a generator with a digest as it is: as a key would, which asks the system for chance before."""

    def __init__(self, digest: bytes) -> None:
        self._words = np.frombuffer(digest, ">u8")[::-1].astype(np.uint64)

    def generate_state(self, n_words: int, dtype: DTypeLike = np.uint64) -> UInt64Array:
        """All words of it."""
        return self._words


def utility(score: Float64Array, temperature: float) -> Float64Array:
    """Log-score over temperature: the draw's phi; a score of 0 is -inf and comes last."""
    with np.errstate(divide="ignore"):
        return np.log(score) / temperature


def relative(index: Float64Array, n: int, temperature: float) -> Float64Array:
    """The draw's phi where an index may be negative: how far a pool's leads, best first, lie above its n-th.

    In units of temperature times the way from the first to the last; all alike where there is none.
    """
    if not index.size or index[0] <= index[-1]:
        return np.zeros(index.size)
    spread = float(index[0] - index[-1])
    return np.asarray((index - index[min(n, index.size) - 1]) / (temperature * spread))


def shuffled(phi: Float64Array, rng: Generator) -> tuple[Int64Array, Float64Array]:
    """Order a pool by phi + Gumbel noise; return its places and keys, largest first.

    Taking the first k of that order is a draw of k without replacement with chances proportional to exp(phi)
    (Gumbel-top-k: Kool, van Hoof, Welling 2019).
    """
    keys = phi + rng.gumbel(size=phi.size)
    order = np.argsort(-keys, kind="stable")
    return order, keys[order]


def chance(phi: Float64Array, kappa: float) -> Float64Array:
    """Each taken row's chance, given the other rows' keys; `kappa` is the key of the first row not taken.

    1 - exp(-exp(phi - kappa)): exact for inverse-propensity sums (Kool et al. 2020); 1 where all were taken.
    """
    if np.isneginf(kappa):
        return np.ones_like(phi)
    with np.errstate(over="ignore"):  # far above kappa the chance is 1
        return np.asarray(-np.expm1(-np.exp(phi - kappa)))
