"""Alerts: what went wrong or changed lately, from the outbox, as diagnostics show it."""

from collections.abc import Callable

import structlog
from sqlalchemy import Engine

from features.instants import DAY, render
from features.store.engine import reading, transaction
from features.store.outbox import BOARD_FAILED, DRIFT, TRAINING_FAILED, UNDELIVERED, tell, told

from .errors import AlreadyTraining, TrainingFailed
from .insight import Alert
from .retraining import Trainer, run_id_of

SHOWN_FOR = 7 * DAY
_SHOWN = (DRIFT, TRAINING_FAILED, UNDELIVERED, BOARD_FAILED)


def alerts(engine: Engine, at: int) -> tuple[Alert, ...]:
    """What went wrong or changed in the last days before an instant, newest first."""
    with reading(engine) as connection:
        found = [one for kind in _SHOWN for one in told(connection, kind, at - SHOWN_FOR)]
    lately = sorted((one for one in found if one.at <= at), key=lambda one: (-one.at, -one.id))
    return tuple(Alert(one.kind, one.at, one.payload) for one in lately)


def due(trainer: Trainer, engine: Engine, at: int) -> bool:
    """Whether a retraining is due: by its schedule, or for a drift found since the last one.

    A drift older than half the pace was another worker's to retrain for.
    """
    if trainer.due(at):
        return True
    if trainer.every is None or trainer.last_at is None:
        return False
    with reading(engine) as connection:
        found = told(connection, DRIFT, max(trainer.last_at + 1, at - trainer.every // 2))
    return any(one.at <= at for one in found)


def retrain(train: Callable[[int], object], engine: Engine, at: int) -> None:
    """Do a training that nobody waits for; one that fails is logged, kept as an alert, and waits a turn."""
    try:
        train(at)
    except AlreadyTraining:
        return
    except TrainingFailed as problem:
        reason = str(problem.facts.get("said", problem))
        structlog.get_logger("leadrank").warning("training failed", at=render(at), reason=reason)
        with transaction(engine) as connection:
            payload = {"run_id": run_id_of(at), "reason": reason}
            tell(connection, TRAINING_FAILED, render(at), at, payload)
