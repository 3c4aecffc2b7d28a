"""Crowd: how many requests a worker has at work, and whether another worker of its host has fewer.

Dialers keep their connections, and whoever is first takes several that come at once: without a word between
them one worker may have most dialers, and one that was started anew none.
"""

import fcntl
import os
from mmap import mmap
from pathlib import Path

import numpy as np

from features.kernel import Int64Array

WORKERS = 64
"""So many may know of each other."""

LESS = 2
"""So many requests fewer one must have than another for one of them to be better off there."""

_WORDS = 3
_SERVICE, _PROCESS, _SIZE = range(_WORDS)


class Crowd:
    """Of a worker that is alone, until it joins others."""

    def __init__(self) -> None:
        self._all = np.zeros((1, _WORDS), np.int64)
        """By worker the process that began it, its own, 0 nobody's, and how many requests it has at work."""
        self._mine: Int64Array = self._all[0]

    @property
    def size(self) -> int:
        """Requests at work here."""
        return int(self._mine[_SIZE])

    def come(self) -> None:
        """One more."""
        self._mine[_SIZE] += 1

    def go(self) -> None:
        """One less."""
        self._mine[_SIZE] -= 1

    def is_smaller_elsewhere(self) -> bool:
        """Whether another worker that lives has so much less to do that a dialer should turn to it."""
        if self.size < LESS:
            return False
        ours = self._all[self._all[:, _SERVICE] == self._mine[_SERVICE]]
        fewer = ours[ours[:, _SIZE] <= self.size - LESS]
        return any(_lives(process) for process in fewer[:, _PROCESS].tolist())

    def join(self, file: Path, service: int, process: int) -> None:
        """Know from now on the workers of the same service that use the same file.

        `service`: the process that began them all. Where too many use the file, a worker stays alone.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a+b") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.truncate(8 * _WORDS * WORKERS)
            shared = np.frombuffer(mmap(opened.fileno(), 0), np.int64).reshape(WORKERS, _WORDS)
            free = (place for place, one in enumerate(shared[:, _PROCESS].tolist()) if not _lives(one))
            if (place := next(free, None)) is not None:
                shared[place] = service, process, self.size
                self._all, self._mine = shared, shared[place]
            fcntl.flock(opened, fcntl.LOCK_UN)  # what is mapped keeps the file open


def _lives(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True
