"""Alerts: what went wrong or changed lately, from the outbox, as diagnostics show it."""

from collections.abc import Callable

import structlog
from sqlalchemy import Engine

from features.instants import DAY, render
from features.store.engine import reading, transaction
from features.store.outbox import DRIFT, TRAINING_FAILED, tell, told

from .errors import AlreadyTraining, TrainingFailed
from .insight import Alert

SHOWN_FOR = 7 * DAY


def alerts(engine: Engine, at: int) -> tuple[Alert, ...]:
    """Drifts and failed trainings of the last days before an instant, newest first."""
    with reading(engine) as connection:
        found = [one for kind in (DRIFT, TRAINING_FAILED) for one in told(connection, kind, at - SHOWN_FOR)]
    lately = sorted((one for one in found if one.at <= at), key=lambda one: (-one.at, -one.id))
    return tuple(Alert(one.kind, one.at, one.payload) for one in lately)


def retrain(train: Callable[[int], object], engine: Engine, at: int) -> None:
    """Do the training that is due; one that fails is logged, kept as an alert, and waits a turn."""
    try:
        train(at)
    except AlreadyTraining:
        return
    except TrainingFailed as problem:
        reason = str(problem.facts.get("said", problem))
        structlog.get_logger("leadrank").warning("training failed", at=render(at), reason=reason)
        with transaction(engine) as connection:
            tell(connection, TRAINING_FAILED, render(at), at, {"reason": reason})
