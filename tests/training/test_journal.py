"""The journal: the runs inside a training's run, their curves over time, and what they were taught on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from features import compute, for_leads
from features.groups import group_of
from training.baselines import rivals
from training.dataset import examples
from training.heads import answer
from training.influence import influence
from training.leaks import scan
from training.lineage import datasets_of
from training.pipeline import FOLDS, learn
from training.report import Trained
from training.stages import MOST_TRIALS, head_run
from training.timeline import by_fold, by_stretch
from training.tracking import Curve, Record
from training.trees import NO_BETTER
from training.trial import Trial
from training.views import page_of

from .conftest import FLOOR

LONGEST_TAG = 20_000
"""Of an experiment, as MLflow holds it."""


@pytest.fixture(scope="module")
def client(tracking) -> MlflowClient:
    return MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)


@pytest.fixture(scope="module")
def runs(client, first) -> dict[str, Run]:
    """The first training's run and all that are inside it, by name."""
    everything = client.search_runs([client.get_run(first.run_id).info.experiment_id])
    found = {first.run_id}
    while True:
        more = {run.info.run_id for run in everything if run.data.tags.get("mlflow.parentRunId") in found}
        if more <= found:
            return {run.info.run_name: run for run in everything if run.info.run_id in found}
        found |= more


@pytest.fixture(scope="module")
def fitted() -> Trained:
    """The answer head, fitted."""
    found = examples(FLOOR.past, answer.HEAD, FLOOR.until)
    matrix = compute(FLOOR.past, found.moments, for_leads(FLOOR.past.leads))
    scanned = scan(matrix, found, np.random.default_rng(1), answer.HEAD.ignores)
    return learn(answer.HEAD, found, matrix, scanned, 1)


def inside(run: Run, runs: dict[str, Run]) -> set[str]:
    """Names of the runs inside another."""
    return {name for name, one in runs.items() if one.data.tags.get("mlflow.parentRunId") == run.info.run_id}


def training_of(runs: dict[str, Run]) -> Run:
    """The one that is inside no other."""
    return next(run for run in runs.values() if "mlflow.parentRunId" not in run.data.tags)


def test_a_training_holds_its_heads_and_each_head_its_search_folds_and_last_fit(runs):
    assert {"answer", "conversion"} <= inside(training_of(runs), runs)
    assert inside(runs["answer"], runs) == {"answer: search", "answer: folds", "answer: final"}


def test_the_best_trials_of_a_search_become_runs_with_their_setting_loss_and_time(first, fitted):
    asked = tuple(Trial({"leaves": 5 + place}, 0.5 - place / 100, 2.0) for place in range(MOST_TRIALS + 3))
    tuned = replace(fitted, fitted=replace(fitted.fitted, trials=asked + fitted.fitted.trials))

    search, *_ = head_run("answer", tuned, first.heads["answer"], influence(tuned), (), 0).stages

    assert len(search.stages) == MOST_TRIALS
    assert search.stages[0].parameters == asked[-1].settings
    assert search.stages[0].metrics == {"Loss": asked[-1].loss, "Seconds": 2.0}
    assert len(search.tables["trials.json"].rows) == len(asked) + len(fitted.fitted.trials)


def test_the_settings_that_every_training_tries_are_a_curve_and_a_table(runs):
    search = runs["answer: search"]

    assert inside(search, runs) == set()
    assert 0 < search.data.metrics["Loss of the best so far"] < 1
    assert "trials.json" in search.data.tags["mlflow.loggedArtifacts"]


def test_every_run_is_finished_and_the_training_took_as_long_as_it_took(runs):
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert training_of(runs).info.end_time > training_of(runs).info.start_time


def test_metrics_over_time_bear_the_instants_of_their_calls(client, runs):
    history = client.get_metric_history(training_of(runs).info.run_id, "Time: answer/AUC")
    folds = client.get_metric_history(runs["answer: folds"].info.run_id, "By fold/AUC")
    trees = client.get_metric_history(runs["answer: folds"].info.run_id, "By tree/Loss")

    for curve in (history, folds):
        stamps = [point.timestamp for point in curve]
        assert [point.step for point in curve] == list(range(len(curve)))
        assert stamps == sorted(set(stamps))
        assert FLOOR.past.log.started_at[0] < 1_000 * stamps[0] < 1_000 * stamps[-1] < FLOOR.until
    assert len(folds) == FOLDS
    assert NO_BETTER < len(trees) <= answer.HEAD.most_trees + 1


def test_everyones_race_stands_in_the_folds_and_as_a_table(client, runs):
    told = runs["answer: folds"].data.metrics
    tables = json.loads(training_of(runs).data.tags["mlflow.loggedArtifacts"])

    assert {f"answer race AUC/{rival.name}" for rival in rivals()} <= set(told)
    assert {"path": "race/answer.json", "type": "table"} in tables


def test_a_training_says_what_it_was_taught_and_judged_on(client, runs):
    inputs = training_of(runs).inputs
    assert inputs is not None
    told = {one.dataset.name: one for one in inputs.dataset_inputs}
    version = client.get_model_version("leadrank", "1")

    assert {"answer examples", "answer calls judged", "conversion examples"} <= set(told)
    source = json.loads(told["answer examples"].dataset.source)
    assert source["features"] == training_of(runs).data.tags["fingerprint"]
    assert version.tags["taught on answer examples"] == told["answer examples"].dataset.digest
    assert [tag.value for tag in told["answer calls judged"].tags] == ["evaluation"]


def test_a_digest_changes_with_any_label_value_or_instant(fitted):
    (same, *_), (again, *_) = datasets_of("answer", fitted, 0), datasets_of("answer", fitted, 1)
    label = fitted.examples.label.copy()
    label[7] = 1 - label[7]
    values = fitted.matrix.values.copy()
    values[3, 0] += 1

    others = [
        replace(fitted, examples=replace(fitted.examples, label=label)),
        replace(fitted, matrix=replace(fitted.matrix, values=values)),
    ]

    assert same.digest == again.digest
    assert len({same.digest, *(datasets_of("answer", one, 0)[0].digest for one in others)}) == 3


def test_stretches_cover_every_judged_call_once_and_folds_are_stretches_of_their_own(fitted):
    stretches, folds = by_stretch(fitted), by_fold(fitted)

    assert stretches.calls.sum() == folds.calls.sum() == fitted.chance.size
    assert stretches.calls @ stretches.came_true == pytest.approx(fitted.label.sum())
    assert folds.at.tolist() == [int(fitted.examples.at[fold.test[-1]]) for fold in fitted.folds]


def test_the_effects_of_groups_add_up_to_those_of_their_features(fitted):
    found = influence(fitted)

    half = np.arange(len(fitted.examples) // 2, len(fitted.examples))
    _, shares = fitted.fitted.model.explain(fitted.matrix.values[half], 1)
    assert found.effects.sum(axis=1) == pytest.approx(shares.sum(axis=1))
    assert found.groups[0].name in {"origin", "hour"}
    assert [group_of(name).name for name in found.leading] == [group.name for group in found.groups]
    assert np.all(np.diff(found.strength) <= 0)


def test_a_view_of_many_heads_and_metrics_fits_the_tag_that_holds_it():
    heads = [f"head {place}" for place in range(12)]
    metrics = [f"{head}/A figure of merit, number {place}" for head in heads for place in range(60)]
    metrics += [f"Time: {head}/{title}" for head in heads for title in ("Mean said", "AUC")]

    tags = page_of(heads, metrics).tags()

    assert max(len(value) for value in tags.values()) < LONGEST_TAG


def test_a_curve_leaves_out_what_is_no_number():
    points = list(Curve(np.array([1.0, np.nan, 3.0]), np.array([10, 20, 30]) * 1_000).metrics("key", 0))

    assert [(point.step, point.timestamp, point.value) for point in points] == [(0, 10, 1.0), (2, 30, 3.0)]


def test_more_metrics_than_one_call_takes_are_all_kept(tracking):
    many = {f"key {place}": float(place) for place in range(1_300)}

    run_id = tracking.record(Record("a race", "many", 0, metrics=many, parameters=dict.fromkeys(many, 1)))

    run = MlflowClient(tracking_uri=tracking.uri).get_run(run_id)
    assert (len(run.data.metrics), len(run.data.params)) == (1_300, 1_300)
