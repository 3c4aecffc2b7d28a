"""The lookout on real stores: what was served is read, a drift is told once, its figures go on in MLflow."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from sqlalchemy import Engine, insert, select
from structlog.testing import capture_logs
from typer.testing import CliRunner

from features.calls import Outcome
from features.instants import DAY, HOUR, MINUTE, render
from features.served import ServedVector
from features.store.engine import open_engine, reading, transaction
from features.store.outbox import DRIFT, told
from features.store.served_calls import read_served_calls
from features.store.served_matrices import read_matrices
from features.store.tables import call, decision, disposition, lead
from tests.features.store.served import write_served
from tests.serving.desks import many_leads, tell_leads
from tests.serving.test_models import publish
from training.bundle import Bundle
from training.drift_figure import PLOT
from training.lookout import EXPERIMENT, QUIET, RUN, Sighting, watch
from training.pipeline import train
from training.tracking import Tracking
from training.watch_cli import app

from .floors import a_floor

FLOOR = a_floor(700)
START = FLOOR.until // DAY * DAY + DAY
DAYS = 20
AT = START + DAYS * DAY + HOUR


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return train(FLOOR.past, FLOOR.until, rng=np.random.default_rng(1), threads=1).bundle


@pytest.fixture(scope="module")
def tracking(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    folder = tmp_path_factory.mktemp("mlruns")
    publish(folder, bundle, "champion")
    return Tracking(f"sqlite:///{folder}/mlflow.db")


@dataclass(frozen=True)
class Served:
    """Rows of one call a lead: how likely it was said to be answered, and whether it was."""

    at: np.ndarray
    said: np.ndarray
    answered: np.ndarray


def served_days(days: int, last: int = 0, seed: int = 1, first: int = 0) -> Served:
    """200 calls a day, answered as promised; on the `last` days much more often."""
    rng = np.random.default_rng([seed, first])
    at = START + np.repeat(np.arange(first, first + days), 200) * DAY + 12 * HOUR
    said = rng.uniform(0.1, 0.5, at.size)
    true = np.where(at >= START + (first + days - last) * DAY, said + 0.3, said)
    return Served(at, said, rng.random(at.size) < true)


def store(engine: Engine, floor: Served, name: str = "d") -> list[str]:
    """Put decisions on record with their calls, one sale in ten contacts."""
    with reading(engine) as connection:
        known = connection.execute(select(lead.c.id)).scalars().all()
    if not known:
        tell_leads(engine, many_leads(40), at=START)
        return store(engine, floor, name)
    ids = [f"{name}-{place}" for place in range(floor.at.size)]
    rows = list(zip(ids, floor.at.tolist(), floor.said.tolist(), floor.answered.tolist(), strict=True))
    with transaction(engine) as connection:
        connection.execute(insert(decision), [_decision(*row[:3], known[0]) for row in rows])
        connection.execute(insert(call), [_call(one, at, took, known[0]) for one, at, _, took in rows])
        connection.execute(insert(disposition), [_told(one, at) for one, at, _, took in rows if took])
    return ids


def _decision(name: str, at: int, said: float, of: int) -> dict[str, object]:
    return {
        "decision_id": name, "batch_id": "b", "lease_id": f"l-{name}", "campaign": "spring", "lead": of,
        "at": at, "arm": "model", "source": "ranked", "rank": 1, "attempt_no": 1, "p_answer": said,
        "p_convert": 0.1,
    }  # fmt: skip


def _call(name: str, at: int, took: bool, of: int) -> dict[str, object]:
    outcome = Outcome.CONTACT_REFUSED if took else Outcome.NO_ANSWER
    return {
        "call_id": f"c-{name}", "lead": of, "campaign": "spring", "dialer_id": "d1", "started_at": at,
        "ended_at": at + MINUTE, "event_at": at + MINUTE, "event_id": name, "known_at": at + MINUTE,
        "outcome": int(outcome), "human_answered": took, "abandoned": False, "decision_id": name, "seq": 1,
    }  # fmt: skip


def _told(name: str, at: int) -> dict[str, object]:
    sold = int(name.rpartition("-")[2]) % 10 == 0
    outcome = Outcome.CONVERTED if sold else Outcome.CONTACT_REFUSED
    return {
        "call_id": f"c-{name}", "event_at": at + MINUTE, "known_at": at + MINUTE, "converted": sold,
        "disposition": int(outcome), "stop_phone": False, "seq": 1,
    }  # fmt: skip


def drifts(engine: Engine) -> list[dict[str, object]]:
    with reading(engine) as connection:
        return [dict(one.payload) for one in told(connection, DRIFT, 0)]


def look(engine: Engine, tracking: Tracking, at: int = AT) -> Sighting:
    found = watch(engine, tracking, at)
    assert found is not None
    return found


def test_served_calls_come_with_what_was_said_and_what_came_of_them(engine: Engine):
    floor = served_days(2)
    store(engine, floor)

    with reading(engine) as connection:
        found = read_served_calls(connection, START, START + 2 * DAY)
        early = read_served_calls(connection, START, START + 12 * HOUR + MINUTE)

    by_name = {name: place for place, name in enumerate(found.decision_id)}
    order = [by_name[f"d-{place}"] for place in range(400)]
    assert found.p_answer[order].tolist() == floor.said.tolist()
    assert found.answered[order].tolist() == floor.answered.tolist()
    assert np.isnan(found.sold[order]).tolist() == (~floor.answered).tolist()
    assert np.nanmean(found.sold) == pytest.approx(0.1, abs=0.08)
    assert set(found.channel) == {"web_form"}
    assert len(early) == 0


def test_a_contact_without_a_word_of_it_says_nothing_for_a_day_and_then_no(engine: Engine):
    floor = Served(np.array([START]), np.array([0.5]), np.array([True]))
    store(engine, floor, "e-1")
    with transaction(engine) as connection:
        connection.execute(disposition.delete())

    with reading(engine) as connection:
        soon, late = (read_served_calls(connection, START, START + after) for after in (HOUR, 2 * DAY))

    assert np.isnan(soon.sold).tolist() == [True]
    assert late.sold.tolist() == [0.0]


def test_a_floor_that_keeps_its_promises_is_no_drift(engine: Engine, tracking: Tracking):
    store(engine, served_days(DAYS))

    found = look(engine, tracking)

    assert (found.watched.drifted, found.news, drifts(engine)) == ((), (), [])
    assert {one.of for one in found.watched.checks} >= {"answer", "conversion", "answer of web_form"}


def test_a_drift_is_told_once_whoever_finds_it_and_after_a_restart(engine: Engine, tracking: Tracking):
    store(engine, served_days(DAYS, last=3))

    with capture_logs() as logs:
        first = look(engine, tracking)
        again = look(engine, tracking, AT + HOUR)
        restarted = open_engine(engine.url.render_as_string(hide_password=False))
        after = look(restarted, tracking, AT + 2 * HOUR)
    restarted.dispose()

    (event,) = drifts(engine)
    assert first.news
    assert (again.news, after.news) == ((), ())
    assert again.watched.drifted == first.watched.drifted
    assert event["bundle"] == first.watched.bundle
    assert "calibration of answer" in {one["subject"] for one in event["found"]}  # type: ignore[attr-defined]
    assert [one["event"] for one in logs] == ["drift.detected"]


def test_a_drift_that_lasts_is_told_again_after_a_while(engine: Engine, tracking: Tracking):
    store(engine, served_days(DAYS, last=3))
    look(engine, tracking)
    weeks = served_days(8, last=8, first=DAYS)
    store(engine, weeks, "later")

    look(engine, tracking, AT + QUIET + DAY)

    assert len(drifts(engine)) == 2


def test_figures_by_day_go_on_in_one_run(engine: Engine, bundle: Bundle, tmp_path: Path):
    publish(tmp_path, bundle, "champion")
    tracking = Tracking(f"sqlite:///{tmp_path}/mlflow.db")
    store(engine, served_days(DAYS))

    first = look(engine, tracking)
    store(engine, served_days(2, first=DAYS), "later")
    second = look(engine, tracking, AT + 2 * DAY)

    client = MlflowClient(tracking_uri=tracking.uri)
    history = client.get_metric_history(first.run_id, "answer/Share marked")
    assert second.run_id == first.run_id
    assert [one.step for one in history] == list(range(DAYS + 2))
    assert history[-1].timestamp == (START + (DAYS + 2) * DAY) // 1_000
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert [run.info.run_name for run in client.search_runs([experiment.experiment_id])] == [RUN]
    assert [file.path for file in client.list_artifacts(first.run_id, "plots")] == [PLOT]


def test_vectors_come_back_as_columns_by_what_they_mean(engine: Engine, bundle: Bundle):
    ids = store(engine, served_days(1))
    values = np.arange(len(bundle.features), dtype="<f4")
    one = ServedVector(START, 0, bundle.features, bundle.fingerprint, bundle.version, values.tobytes())
    with transaction(engine) as connection:
        write_served(connection, {ids[0]: one, ids[1]: one})

    with reading(engine) as connection:
        (found,) = read_matrices(connection, START, START + DAY)

    assert found.features == bundle.features
    assert found.values.tolist() == [values.tolist()] * 2
    assert found.at.tolist() == [START] * 2


@pytest.mark.parametrize(("last", "code"), [(0, 0), (3, 1)])
def test_the_command_tells_by_its_exit_code(engine: Engine, tracking: Tracking, last: int, code: int):
    store(engine, served_days(DAYS, last))
    url = engine.url.render_as_string(hide_password=False)
    where = ["--database", url, "--mlflow-uri", tracking.uri, "--at", render(AT)]

    shown = CliRunner().invoke(app, ["watch", "--once", *where])
    told_ = CliRunner().invoke(app, ["watch", "--once", "--json", *where])

    said = json.loads(told_.stdout.splitlines()[-1])
    assert shown.exit_code == told_.exit_code == code
    assert f"{len(said['checks'])} checks" in shown.stdout
    assert bool(said["drifted"]) is bool(code)


def test_too_little_served_has_a_code_of_its_own(engine: Engine, tracking: Tracking, tmp_path: Path):
    url = engine.url.render_as_string(hide_password=False)

    little = CliRunner().invoke(app, ["watch", "--database", url, "--mlflow-uri", tracking.uri])
    nobody = CliRunner().invoke(
        app, ["watch", "--database", url, "--mlflow-uri", f"sqlite:///{tmp_path}/m.db"]
    )

    assert (little.exit_code, nobody.exit_code) == (3, 3)
    assert "no champion serves" in nobody.stdout
