"""Aside: work on a copy of this process as it is at one instant, while the process itself goes on.

The system shares their memory until one of them writes to it: to split takes milliseconds, whatever is held.
"""

import os
import traceback
from collections.abc import Callable


def begin(work: Callable[[], None]) -> int:
    """Let a copy of this process do the work and end; return its number.

    In the copy only the calling thread goes on. It must not touch the database: its connections are the
    process's own. What goes wrong there ends it, and `done` tells.
    """
    child = os.fork()
    if child:
        return child
    failed = 1
    try:
        work()
        failed = 0
    except BaseException:  # noqa: BLE001  # it is told, and the copy ends
        traceback.print_exc()
    finally:
        os._exit(failed)  # nothing is closed or flushed twice


def done(child: int) -> bool:
    """Wait for a copy to end; whether it did its work."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
