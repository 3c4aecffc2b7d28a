"""A wall clock that is off by the nanoseconds in the file CLOCK_OFF_BY: Python reads this before all else."""

import os
import time
from mmap import ACCESS_READ, mmap
from pathlib import Path

_right_ns = time.time_ns
with Path(os.environ["CLOCK_OFF_BY"]).open("rb") as file:
    _off_by = mmap(file.fileno(), 0, access=ACCESS_READ)


def _wrong_ns() -> int:
    return _right_ns() + int.from_bytes(_off_by[:], "little", signed=True)


def _wrong_s() -> float:
    return _wrong_ns() / 1e9


time.time_ns, time.time = _wrong_ns, _wrong_s
