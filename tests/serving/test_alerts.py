"""Alerts: a training that fails and a drift that was found show in diagnostics, with every worker."""

from sqlalchemy import Engine
from structlog.testing import capture_logs

from features.instants import DAY, HOUR, MINUTE, render
from features.store.engine import transaction
from features.store.outbox import DRIFT, TRAINING_FAILED, tell, told
from serving.alerts import SHOWN_FOR, alerts, due, retrain
from serving.errors import AlreadyTraining, TrainingFailed
from serving.inquiry import diagnose
from serving.retraining import Trainer

from .desks import OPEN as AT
from .desks import a_desk


def fails(_at: int) -> None:
    raise TrainingFailed(at="noon", said="not_enough_calls: the past is too small")


def test_a_scheduled_training_that_finds_too_little_says_so_to_everybody(engine: Engine):
    desk = a_desk(engine)

    with capture_logs() as logs:
        retrain(fails, engine, AT)

    (alert,) = diagnose(desk, "spring", AT).alerts
    assert (alert.kind, alert.at) == (TRAINING_FAILED, AT)
    assert alert.payload == {
        "run_id": f"as-of-{render(AT)}",
        "reason": "not_enough_calls: the past is too small",
    }
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["training failed"]


def test_a_training_under_way_is_no_failure(engine: Engine):
    def busy(_at: int) -> None:
        raise AlreadyTraining

    retrain(busy, engine, AT)

    assert alerts(engine, AT) == ()


def test_a_drift_makes_a_retraining_due_once_before_its_time(engine: Engine):
    trainer = Trainer("", "", every=7 * DAY)
    due(trainer, engine, AT)
    with transaction(engine) as connection:
        tell(connection, DRIFT, "a", AT + HOUR, {})

    asked = [due(trainer, engine, AT + after) for after in (MINUTE, HOUR, 2 * HOUR)]
    trainer.last_at = AT + 2 * HOUR  # as `train` leaves it
    after = due(trainer, engine, AT + 3 * HOUR)

    assert asked == [False, True, True]
    assert after is False


def test_who_never_retrains_by_itself_does_not_for_a_drift_either(engine: Engine):
    trainer = Trainer("", "", every=None, last_at=AT)
    with transaction(engine) as connection:
        tell(connection, DRIFT, "a", AT + HOUR, {})

    assert due(trainer, engine, AT + 2 * HOUR) is False


def test_a_drift_shows_until_it_is_old_and_not_before_it_was_found(engine: Engine):
    with transaction(engine) as connection:
        tell(connection, DRIFT, "a", AT, {"found": ["answer rate"]})
        tell(connection, DRIFT, "b", AT + DAY, {"found": ["channel"]})

    shown = [[one.at for one in alerts(engine, AT + after)] for after in (-1, 0, DAY, DAY + SHOWN_FOR)]

    assert shown == [[], [AT], [AT + DAY, AT], [AT + DAY]]


def test_a_kind_that_nobody_knows_is_kept_and_not_shown(engine: Engine):
    with transaction(engine) as connection:
        tell(connection, "lead.hot", "x", AT, {})
        kept = told(connection, "lead.hot", 0)

    assert len(kept) == 1
    assert alerts(engine, AT) == ()
