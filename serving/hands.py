"""Hands: what the workers of a host tell each other, in shared memory, of leads that one of them takes.

It only spares them claims that would fail: the lease table decides. So nothing is lost with it.
"""

import fcntl
import hashlib
import os
import secrets
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path

import numpy as np

from features.kernel import Int64Array

WORDS = 1 << 18
"""So many words are kept; a worker that listens only after more misses the oldest."""

_COUNT = 8
"""The numbers before the first word; how many words were ever said is the first of them."""


class Hands:
    """Of a worker that is alone."""

    def tell(self, keys: Int64Array, since: Int64Array | int, until: Int64Array | int) -> None:
        """Say that leads (by database key) are held from an instant until another."""

    def heard(self) -> Int64Array:
        """What others said since the last time, in its order: (key, since, until), shape (words, 3)."""
        return np.empty((0, 3), np.int64)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Meanwhile no other worker of the host chooses: it hears first what this one tells."""
        yield


class SharedHands(Hands):
    """Words in a ring that all workers of a host have mapped."""

    def __init__(self, folder: Path, salt: bytes) -> None:
        """In a folder of theirs; the salt names the installation."""
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.blake2b(salt, digest_size=8, person=b"leadrank hands").hexdigest()
        self._file = os.open(folder / f"hands-{name}", os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, os.close, self._file)
        size = _COUNT + 4 * WORDS
        os.ftruncate(self._file, 8 * size)
        shared = np.frombuffer(mmap(self._file, 8 * size), np.int64)
        self._count, self._ring = shared[:1], shared[_COUNT:].reshape(WORDS, 4)
        self._me, self._heard, self._has_turn = secrets.randbits(62), int(self._count[0]), False

    def tell(self, keys: Int64Array, since: Int64Array | int, until: Int64Array | int) -> None:
        """Say it to the others."""
        words = np.empty((keys.size, 4), np.int64)
        words[:, 0], words[:, 1], words[:, 2], words[:, 3] = self._me, keys, since, until
        with self.turn():
            first = int(self._count[0])
            self._ring[np.arange(first, first + keys.size) % WORDS] = words
            self._count[0] = first + keys.size
            if self._heard == first:
                self._heard += keys.size  # its own words

    def heard(self) -> Int64Array:
        """What the others said."""
        with self.turn():
            count = int(self._count[0])
            first = max(self._heard, count - WORDS)
            words = self._ring[np.arange(first, count) % WORDS]
        self._heard = count
        return words[words[:, 0] != self._me, 1:]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The file's lock, which the system gives back should this process die."""
        if self._has_turn:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._has_turn = True
        try:
            yield
        finally:
            self._has_turn = False
            fcntl.flock(self._file, fcntl.LOCK_UN)
