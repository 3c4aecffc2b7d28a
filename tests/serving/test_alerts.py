"""Alerts: a training that fails and a drift that was found show in diagnostics, with every worker."""

from pathlib import Path

from sqlalchemy import Engine
from structlog.testing import capture_logs

from features.instants import DAY, HOUR, MINUTE
from features.store.engine import reading, transaction
from features.store.installation import secret_of
from features.store.outbox import DRIFT, TRAINING_FAILED, tell, told
from serving.alerts import SHOWN_FOR, alerts
from serving.desk import Desk
from serving.models import Models
from serving.retraining import Trainer

from .desks import OPEN as AT
from .desks import a_desk, a_dial, many_leads, tell_leads
from .desks import tell as tell_events


def a_retraining_desk(engine: Engine, folder: Path) -> Desk:
    """A worker that retrains every hour."""
    url = engine.url.render_as_string(hide_password=False)
    trainer = Trainer(url, f"sqlite:///{folder}/mlflow.db", every=HOUR)
    with reading(engine) as connection:
        salt = secret_of(connection)
    return Desk(engine, Models(trainer.mlflow_uri, folder / "bundles"), trainer, salt)


def test_a_scheduled_training_that_finds_too_little_says_so(engine: Engine, tmp_path: Path):
    tell_leads(engine, many_leads(3))
    tell_events(engine, a_dial("c1", "lead-0000", AT), at=AT + 2 * MINUTE)
    desk, other = a_retraining_desk(engine, tmp_path), a_desk(engine)
    desk.catch_up(AT + HOUR)

    with capture_logs() as logs:
        desk.catch_up(AT + 2 * HOUR)

    (alert,) = other.diagnose("spring", AT + 2 * HOUR).alerts
    assert (alert.kind, alert.at) == (TRAINING_FAILED, AT + 2 * HOUR)
    assert "not_enough_calls" in str(alert.payload["reason"])
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["training failed"]


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
