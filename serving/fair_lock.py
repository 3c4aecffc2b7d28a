"""Fair lock: one given in the order in which it was asked for; the standard library's may starve a waiter."""

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """Whoever has it may take it again, and gives it on when all of that is over."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[tuple[int, threading.Lock]] = deque()
        self._owner, self._depth = 0, 0

    @property
    def taken(self) -> bool:
        """Whether anybody has it."""
        return self._owner != 0

    def __enter__(self) -> None:
        me, mine = threading.get_ident(), threading.Lock()
        with self._guard:
            if self._owner in (0, me):
                self._owner, self._depth = me, self._depth + 1
                return
            mine.acquire()
            self._waiting.append((me, mine))
        mine.acquire()  # until the one before gives it on

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            self._owner = 0
            if self._waiting:
                self._owner, theirs = self._waiting.popleft()
                self._depth = 1
                theirs.release()
