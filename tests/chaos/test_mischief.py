"""Mischief: what it does is really done."""

import os
import subprocess
import sys
import time
from pathlib import Path

from features.instants import SECOND

from .mischief import Clock

TOLD = "import time; print(time.time_ns() // 1000, round(time.time()))"


def test_the_clock_of_a_process_jumps_while_ours_goes_right(tmp_path: Path):
    clock = Clock.of(tmp_path)

    def off_by() -> tuple[float, float]:
        """Seconds, about, by each way to ask."""
        environment = {**os.environ, **clock.environment()}
        told = subprocess.run([sys.executable, "-c", TOLD], env=environment, capture_output=True, check=True)
        us, s = map(int, told.stdout.split())
        return round(us / SECOND - time.time(), -2), round(s - time.time(), -2)

    right = off_by()
    clock.jump(-600)

    assert (right, off_by()) == ((0, 0), (-600, -600))
