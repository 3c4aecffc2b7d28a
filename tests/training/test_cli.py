"""The command line of the room that learns: errors of the world are a line, not a traceback."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from features.store.engine import open_engine, transaction
from features.store.migrations import upgrade
from features.store.writes import accept_events, accept_leads
from features.synthetic.history import play_history, write_history
from features.synthetic.parameters import family
from features.synthetic.world import lead_id, make_world
from training.cli import app


def test_an_empty_store_says_how_many_calls_it_takes(tmp_path: Path):
    """The whole command runs, database and all, up to the point where it can't go on."""
    store, runs = f"sqlite:///{tmp_path}/leadrank.db", f"sqlite:///{tmp_path}/mlflow.db"

    result = CliRunner().invoke(app, ["train", "--database", store, "--mlflow-uri", runs])

    assert result.exit_code == 2
    assert "not_enough_calls" in result.stderr
    assert "at_least=100" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize("command", [["train"], ["race", "bank-marketing"]])
def test_help_shows_an_example(command: list[str]):
    result = CliRunner().invoke(app, [*command, "--help"])

    assert result.exit_code == 0
    assert f"leadrank {' '.join(command)}" in result.stdout


@pytest.fixture(scope="module")
def leaking_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three weeks of a small floor: of who bought, a `budget` is noted as if known since the lead came in."""
    folder = tmp_path_factory.mktemp("leaking")
    world = make_world(family("F0", scale=0.1, agents=1, days=21), seed=3)
    with np.errstate(over="ignore"):
        history = play_history(world, 21)
    write_history(history, folder)
    bought = {lead_id(lead) for lead in history.result.calls.lead[history.result.calls.converted].tolist()}
    leads = [filled_in(lead, bought) for lead in lines(folder / "leads.ndjson")]
    engine = open_engine(f"sqlite:///{folder}/leadrank.db")
    upgrade(engine)
    with transaction(engine) as connection:
        accept_leads(connection, leads, history.until, "event")
        accept_events(connection, lines(folder / "events.ndjson"), history.until, "event")
    engine.dispose()
    return str(folder)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def filled_in(lead: dict[str, Any], bought: set[str]) -> dict[str, Any]:
    known = {"budget": 500.0} if lead["lead_id"] in bought else {}
    return {**lead, "attributes": {**lead["attributes"], **known, "duration": 40.0}}


def test_a_training_names_what_sales_filled_in_after_the_call(leaking_store):
    result = trained(leaking_store)

    said = " ".join(result.stderr.split())
    assert result.exit_code == 2
    assert "suspicious_features" in said
    assert "attribute_budget=" in said
    assert "attribute_x" not in said


def test_what_is_allowed_by_name_is_trained_on_and_its_figures_are_kept(leaking_store, monkeypatch):
    monkeypatch.setenv("LEADRANK_ALLOW_SUSPICIOUS", "attribute_budget")

    result = trained(leaking_store)

    assert result.exit_code == 0, (result.stderr, result.exception)
    report = json.loads(result.stdout)
    client = MlflowClient(tracking_uri=f"sqlite:///{leaking_store}/mlflow.db")
    kept = client.download_artifacts(report["run_id"], "leaks/conversion.md", leaking_store)
    assert result.exit_code == 0
    assert "attribute_budget" in Path(kept).read_text().splitlines()[2]
    assert client.get_run(report["run_id"]).data.metrics["conversion/Best AUC of one feature alone"] > 0.8
    assert report["refused"]["duration"] == "known only after the call"


def trained(folder: str) -> Result:
    store, runs = f"sqlite:///{folder}/leadrank.db", f"sqlite:///{folder}/mlflow.db"
    return CliRunner().invoke(
        app, ["train", "--database", store, "--mlflow-uri", runs, "--threads", "1", "--json", "-"]
    )
