"""Crowd: how many requests a worker has at work, and whether another worker of its service has fewer.

Dialers keep their connections, and whoever is first takes several that come at once: without a word between
them one worker may have most dialers, and one that was started anew none.
"""

import fcntl
import os
from mmap import mmap
from pathlib import Path
from threading import Event

import numpy as np

from features.kernel import Int64Array

WORKERS = 64
"""So many may know of each other."""

LESS = 2
"""So many requests fewer one must have than another for one of them to be better off there."""

REST_S = 0.25
"""So long no other dialer is led elsewhere: the last one has to arrive there first."""

_WORDS = 3
_PROCESS, _SIZE, _READY = range(_WORDS)


class Crowd:
    """Of a worker that is alone, until it joins others."""

    def __init__(self) -> None:
        self._all = np.zeros((1, _WORDS), np.int64)
        """By worker its process (0 nobody's), its requests at work, and whether it is ready for more."""
        self._mine: Int64Array = self._all[0]
        self._led_at = 0.0
        self._ready = Event()

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

    def leads_elsewhere(self, now_s: float) -> bool:
        """Whether the dialer that is answered should turn to another worker that lives and has less to do.

        `now_s` is any steady clock in seconds.
        """
        if self.size < LESS or now_s < self._led_at + REST_S:
            return False
        there = self._all[self._all[:, _PROCESS] > 0]
        begins, fewer = there[there[:, _READY] == 0], there[there[:, _SIZE] <= self.size - LESS]
        if _some_live(begins) or not _some_live(fewer):  # who goes may come to any of them
            return False
        self._led_at = now_s
        return True

    def join(self, file: Path, process: int) -> None:
        """Know from now on the workers that use the same file; where too many do, a worker stays alone."""
        with file.open("a+b") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.truncate(8 * _WORDS * WORKERS)
            shared = np.frombuffer(mmap(opened.fileno(), 0), np.int64).reshape(WORKERS, _WORDS)
            free = (place for place, one in enumerate(shared[:, _PROCESS].tolist()) if not _lives(one))
            if (place := next(free, None)) is not None:
                shared[place] = process, self.size, 0
                self._all, self._mine = shared, shared[place]
            fcntl.flock(opened, fcntl.LOCK_UN)  # what is mapped keeps the file open

    def be_ready(self) -> None:
        """Dialers may come here: until every worker says so, none is led away from another."""
        self._mine[_READY] = 1
        self._ready.set()

    def prepare(self, most_s: float) -> None:
        """Wait until it is ready if another worker is: whoever comes had better go there until then."""
        if _some_live(self._all[self._all[:, _READY] > 0]):
            self._ready.wait(most_s)

    def leave(self) -> None:
        """No dialer should come here any more."""
        self._mine[_PROCESS] = 0


def _some_live(workers: Int64Array) -> bool:
    return any(_lives(process) for process in workers[:, _PROCESS].tolist())


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
