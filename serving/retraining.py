"""Retraining: `leadrank train` as a process of its own, on demand and when it is due."""

import json
import threading
from dataclasses import dataclass, field

from features.instants import render

from . import errand
from .errors import AlreadyTraining, TrainingFailed


@dataclass(frozen=True)
class TrainingRun:
    """One training: its id, and once it is done what the gate made of its bundle."""

    run_id: str
    state: str
    """`running` or `done`."""
    bundle: str | None = None
    alias: str | None = None
    reason: str | None = None


def run_id_of(at: int) -> str:
    """What a training as of an instant is called until MLflow has given it an id."""
    return f"as-of-{render(at)}"


@dataclass
class Trainer:
    """Starts trainings, one at a time; `every` is None where none falls due by itself."""

    database_url: str
    mlflow_uri: str
    every: int | None = None
    last_at: int | None = None
    """The instant of the last training, or of the first request: the next is due `every` later."""
    _one: threading.Lock = field(default_factory=threading.Lock)

    def due(self, at: int) -> bool:
        """Whether a retraining is due; the first question starts the clock."""
        if self.every is None:
            return False
        if self.last_at is None:
            self.last_at = at
        return at - self.last_at >= self.every

    def train(self, at: int) -> TrainingRun:
        """Train as of an instant and wait; `TrainingFailed` tells why there is no bundle."""
        if not self._one.acquire(blocking=False):
            raise AlreadyTraining
        try:
            self.last_at = at
            return self._run(at)
        finally:
            self._one.release()

    def _run(self, at: int) -> TrainingRun:
        try:
            words = ["train", "--at", render(at), "--json", "-"]
            done = errand.run(words, self.database_url, self.mlflow_uri)
        except OSError as problem:
            raise TrainingFailed(at=render(at), said=f"no process can be started: {problem}") from problem
        if not done.well:
            raise TrainingFailed(at=render(at), said=done.said)
        told = json.loads(done.told)
        return TrainingRun(told["run_id"], "done", told["bundle"], told["alias"], told["reason"])
