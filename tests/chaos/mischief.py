"""Mischief: what is done to a running service and its database, and when."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from numpy.random import Generator

from tests.postgres import Server

from .dialers import Dialer

WRONG_CLOCK = Path(__file__).parent / "wrong_clock"
BURST_S = 10.0


@dataclass(frozen=True)
class Clock:
    """The wall clock of the workers, as Python tells it, which may jump; durations go by another."""

    file: Path

    @classmethod
    def of(cls, folder: Path) -> "Clock":
        """A clock that goes right so far."""
        clock = cls(folder / "clock")
        clock.file.write_bytes(bytes(8))
        return clock

    def environment(self) -> dict[str, str]:
        """What a process needs to go by it."""
        return {"PYTHONPATH": f"{WRONG_CLOCK}", "CLOCK_OFF_BY": f"{self.file}"}

    def jump(self, seconds: int) -> None:
        """From now on it is so far off."""
        with self.file.open("r+b") as file:
            file.write((seconds * 1_000_000_000).to_bytes(8, "little", signed=True))


@dataclass
class Mischief:
    """Does one thing after another to the service; `done` tells what was done when."""

    supervisor: int
    server: Server
    clock: Clock
    dialers: list[Dialer]
    rng: Generator
    done: list[tuple[str, float]] = field(default_factory=list)

    def play(self, until_s: float, every_s: float) -> None:
        """Until an instant of the monotonic clock: workers die most often, the rest comes in turn."""
        for act in self._programme():
            wait = every_s * self.rng.uniform(0.7, 1.3)
            if time.monotonic() + wait >= until_s:
                return
            time.sleep(wait)
            act()

    def _programme(self) -> Iterator[Callable[[], None]]:
        """Never ends."""
        kill, jump = self.kill_a_worker, self.let_the_clock_jump
        yield from cycle([kill, kill, jump, self.restart_the_database, kill, jump, self.burst])

    def kill_a_worker(self) -> None:
        """No farewell: SIGKILL."""
        workers = workers_of(self.supervisor)
        if workers:
            os.kill(int(self.rng.choice(workers)), signal.SIGKILL)
            self.done.append(("worker killed", time.monotonic()))

    def restart_the_database(self) -> None:
        """It dies as in a crash and comes back."""
        self.server.stop()
        self.server.start()
        self.done.append(("database restarted", time.monotonic()))

    def let_the_clock_jump(self) -> None:
        """The workers' clock goes wrong by up to ten minutes, either way."""
        self.clock.jump(int(self.rng.integers(-600, 600)))
        self.done.append(("clock jumped", time.monotonic()))

    def burst(self) -> None:
        """For some seconds nobody pauses between polls."""
        self.done.append(("burst", time.monotonic()))
        paused = [dialer.pause_s for dialer in self.dialers]
        for dialer in self.dialers:
            dialer.pause_s = 0.0
        time.sleep(BURST_S)
        for dialer, pause in zip(self.dialers, paused, strict=True):
            dialer.pause_s = pause


def supervisor() -> int:
    """The process of `leadrank serve` that this one started."""
    (found,) = _children(os.getpid(), b"serve")
    return found


def workers_of(supervisor: int) -> list[int]:
    """The processes that serve: children that multiprocessing spawned."""
    return _children(supervisor, b"spawn_main")


def _children(pid: int, word: bytes) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    found = [child for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
    return [int(child) for child in found if word in _command(int(child))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
