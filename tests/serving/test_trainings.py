"""Trainings on demand: one at a time in an installation, and one that fails behind a request says so."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from serving.desk import Desk
from serving.errors import AlreadyTraining, TrainingFailed
from serving.inquiry import diagnose
from serving.retraining import Trainer, TrainingRun
from serving.upkeep import train

from .desks import OPEN as AT
from .desks import a_desk

PATIENCE_S = 30


@dataclass
class Patient(Trainer):
    """Trains until it is told to end."""

    end: threading.Event = field(default_factory=threading.Event)

    def train(self, at: int) -> TrainingRun:
        """Wait for the word."""
        self.end.wait(PATIENCE_S)
        return TrainingRun("1", "done")


class Failing(Trainer):
    """Finds too little to learn from."""

    def train(self, at: int) -> TrainingRun:
        """Fail."""
        raise TrainingFailed(at="noon", said="not_enough_calls: the past is too small")


def workers(engine: Engine) -> tuple[Desk, Desk, Patient]:
    """Two desks on one store, the first with the trainer given beside."""
    first, second, trainer = a_desk(engine), a_desk(engine), Patient("", "")
    first.trainer = trainer
    return first, second, trainer


def soon(holds: Callable[[], bool]) -> bool:
    begun = time.monotonic()
    while not holds() and time.monotonic() - begun < PATIENCE_S:
        time.sleep(0.02)
    return holds()


def starts(desk: Desk) -> bool:
    try:
        return train(desk, AT, wait=True).state == "done"
    except AlreadyTraining:
        return False


@pytest.mark.parametrize("wait", [True, False])
def test_a_training_under_way_with_one_worker_is_known_to_every_other(engine: Engine, wait: bool):
    first, second, trainer = workers(engine)
    second.trainer = Patient("", "", end=trainer.end)

    run = train(first, AT, wait=False)
    with pytest.raises(AlreadyTraining):
        train(second, AT, wait)
    trainer.end.set()

    assert run.state == "running"
    assert soon(lambda: starts(second))


def test_a_training_that_fails_behind_the_request_is_an_alert_that_names_its_run(engine: Engine):
    desk, other, _ = workers(engine)
    desk.trainer = Failing("", "")

    with capture_logs() as logs:
        run = train(desk, AT, wait=False)
        assert soon(lambda: bool(diagnose(other, "spring", AT).alerts))

    (alert,) = diagnose(other, "spring", AT).alerts
    assert alert.kind == "training.failed"
    assert alert.payload == {"run_id": run.run_id, "reason": "not_enough_calls: the past is too small"}
    assert "training failed" in [one["event"] for one in logs]


def test_one_that_failed_leaves_the_next_its_turn(engine: Engine):
    desk, other, trainer = workers(engine)
    desk.trainer, other.trainer = Failing("", ""), trainer
    trainer.end.set()

    with pytest.raises(TrainingFailed):
        train(desk, AT, wait=True)

    assert starts(other)
