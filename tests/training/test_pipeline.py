"""The training line, with MLflow at its end: what is published, what is kept out, what people can read."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from mlflow import MlflowClient

from features import Past
from features.instants import DAY
from training.baselines import rivals
from training.bundle import Bundle
from training.errors import NoSuchModel, NotEnoughCalls
from training.gate import Comparison, HeadRace
from training.heads import heads
from training.pipeline import spared, train
from training.report import Trained
from training.tracking import REGISTERED

from .conftest import FLOOR, trained
from .floors import a_floor


def test_the_first_bundle_becomes_champion_and_can_be_fetched(first, tracking, tmp_path):
    folder = tracking.fetch("champion", tmp_path)

    assert (first.alias, first.model_version) == ("champion", "1")
    assert Bundle.load(folder).version == first.bundle.version


def test_a_run_holds_what_people_look_for(first, tracking):
    client = MlflowClient(tracking_uri=tracking.uri)
    run = client.get_run(first.run_id)

    artifacts = {
        f.path
        for folder in ("", "plots", "bundle", "race")
        for f in client.list_artifacts(first.run_id, folder)
    }

    assert {"answer/AUC", "conversion/Log loss", "answer/Calibration error ECE"} <= set(run.data.metrics)
    assert {"conversion/Ahead of the nearest rival in AUC"} <= set(run.data.metrics)
    assert "nearest rival: answer" in run.data.tags["mlflow.note.content"]
    assert run.data.tags["nearest rival of answer"].startswith("answer ")
    assert run.data.params["conversion/strength"]
    assert run.data.tags["mlflow.note.content"].startswith("leadrank bundle")
    assert {
        "features.txt",
        "card.md",
        "race.md",
        "race/answer.json",
        "plots/answer_calibration.png",
        "plots/conversion_gain.png",
        "plots/drift.png",
    } <= artifacts
    assert {"bundle/bundle.json", "bundle/MLmodel", "bundle/model.py"} <= artifacts
    assert {f"plots/answer_{plot}.png" for plot in ("influence", "over_time", "race", "week")} <= artifacts
    assert not [path for path in artifacts if path.endswith((".pkl", ".pickle", ".joblib"))]


def test_a_later_training_is_compared_with_the_champion(first, tracking):
    report = trained(FLOOR, FLOOR.until, tracking)

    against = {comparison.against for comparison in report.verdict.comparisons}
    versions = MlflowClient(tracking_uri=tracking.uri).get_registered_model(REGISTERED).aliases

    assert against == {"the champion", "the mean", *(rival.name for rival in rivals())}
    assert str(versions[report.alias]) == report.model_version != first.model_version


def test_a_bundle_that_unlearned_the_floor_is_registered_as_challenger_with_the_reason(first, tracking):
    """Sales are turned over until shortly before the end: it learns the opposite of what then comes."""
    log = FLOOR.past.log
    early = log.answered & (log.started_at < FLOOR.until - DAY)
    past = Past(replace(log, converted=log.converted ^ early), FLOOR.past.leads)

    client = MlflowClient(tracking_uri=tracking.uri)
    client.set_registered_model_alias(REGISTERED, "champion", first.model_version)

    report = train(past, FLOOR.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)

    version = client.get_model_version_by_alias(REGISTERED, "challenger")
    assert report.alias == "challenger"
    assert str(version.version) == report.model_version
    assert "loses to the champion" in version.tags["reason"]
    assert str(client.get_model_version_by_alias(REGISTERED, "champion").version) != report.model_version


def test_without_tracking_nothing_is_left_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    report = trained(a_floor(650), FLOOR.until, None)

    assert (report.run_id, report.model_version) == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert report.as_json()["heads"]


def test_the_same_past_gives_the_same_bundle():
    small = a_floor(650)

    assert (
        trained(small, small.until, None).bundle.version == trained(small, small.until, None).bundle.version
    )


def test_too_small_a_past_says_what_it_takes():
    with pytest.raises(NotEnoughCalls, match="at_least=100"):
        trained(a_floor(60), FLOOR.until, None)


def test_the_report_counts_what_each_head_learned_from(first):
    assert set(first.heads) | set(first.left_out) == {head.name for head in heads()}
    assert first.heads["answer"].examples > first.heads["conversion"].examples
    assert first.bundle.notes["answer"].startswith("the chance that a human picks up")


def test_an_alias_nobody_holds_is_no_such_model(tmp_path: Path, tracking):
    with pytest.raises(NoSuchModel):
        tracking.fetch("nobody", tmp_path)


@pytest.mark.parametrize(("ahead", "kept"), [(0.01, True), (0.0, False), (-0.01, False)])
def test_an_amount_that_is_no_better_than_the_mean_is_left_out(ahead, kept):
    tie = Comparison("value", "the mean", "deviance", 90, -ahead, -0.1, 0.1)
    one, other = (
        Trained(head, *[cast("Any", None)] * 4) for head in heads() if head.name in ("conversion", "value")
    )

    assert bool(spared(other, HeadRace((tie,)))) is not kept
    assert spared(one, HeadRace((tie,))) == ""
