"""The bundle: text that says the same after a journey, and refuses what it wasn't trained on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features import FeatureMatrix, Moments, Past, compute, for_leads
from training.bundle import Bundle
from training.dataset import PRIOR_SECONDS, examples
from training.errors import BrokenBundle, StaleBundle
from training.fit import Choice, boosted, model_of
from training.heads import heads
from training.lesson import Lesson
from training.objective import OBJECTIVES

from .floors import a_floor

FLOOR = a_floor(900)


def a_bundle(trees: int = 15) -> Bundle:
    """All heads with so many trees each."""
    models = {}
    for head in heads():
        found = examples(FLOOR.past, head, FLOOR.until)
        lesson = Lesson.of(compute(FLOOR.past, found.moments, for_leads(FLOOR.past.leads)), found)
        margin, booster = boosted(lesson, head, Choice(0.1, None, trees), 1)
        calibrate = OBJECTIVES[head.objective].calibrate
        line = calibrate(margin.apply(lesson.values), found.label, found.weight)
        models[head.name] = model_of(margin, booster, line, head)
    return Bundle("", FLOOR.until, for_leads(FLOOR.past.leads), models, PRIOR_SECONDS).named()


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return a_bundle()


def asked(past: Past, bundle: Bundle) -> FeatureMatrix:
    return compute(past, Moments.at_once(np.arange(len(past.leads)), FLOOR.until), bundle.features)


def test_a_bundle_says_the_same_after_saving_and_loading(bundle, tmp_path):
    bundle.save(tmp_path)

    read = Bundle.load(tmp_path)

    matrix = asked(FLOOR.past, bundle)
    assert (read.version, read.created_at, read.features) == (
        bundle.version,
        bundle.created_at,
        bundle.features,
    )
    for name in bundle.models:
        assert read.predict(matrix)[name].tolist() == bundle.predict(matrix)[name].tolist()
    assert read.predict(matrix).handle_s.tolist() == bundle.predict(matrix).handle_s.tolist()


def test_a_bundle_is_text_and_nothing_else(bundle, tmp_path):
    bundle.save(tmp_path)

    names = sorted(path.name for path in tmp_path.iterdir())

    assert names == sorted(["bundle.json", *(f"{head.name}.lgb.txt" for head in heads())])
    assert (
        json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))["fingerprint"]
        == bundle.fingerprint
    )


def test_a_bundle_refuses_other_features(bundle):
    matrix = asked(FLOOR.past, bundle)
    fewer = FeatureMatrix(matrix.features[1:], matrix.values[:, 1:])

    with pytest.raises(StaleBundle, match="trained on other features"):
        bundle.predict(fewer)


@pytest.mark.parametrize("trees", [0, 15])
@pytest.mark.parametrize("head", [head.name for head in heads()])
def test_reasons_sum_to_the_score_before_calibration(head, trees):
    bundle = a_bundle(trees)
    matrix = asked(FLOOR.past, bundle)

    base, effects = bundle.explain(matrix, head)

    assert effects.shape == matrix.values.shape
    assert base + effects.sum(axis=1) == pytest.approx(bundle.models[head].score(matrix.values, 1), abs=1e-9)


def test_a_version_names_the_instant_and_the_contents(bundle):
    other = replace(bundle, facts={"answer_examples": 1}).named()

    assert bundle.version.startswith("20260111T")
    assert bundle.named().version == bundle.version
    assert other.version != bundle.version


def test_seconds_lie_between_a_ring_and_a_sale(bundle):
    scores = bundle.predict(asked(FLOOR.past, bundle))

    longest = PRIOR_SECONDS.sale * max(scores["handle_time"].max(), 1)
    assert np.all((scores.handle_s >= PRIOR_SECONDS.no_answer) & (scores.handle_s <= longest))


def test_means_stand_in_for_heads_that_a_bundle_does_without(bundle):
    needed = {head.name: bundle.models[head.name] for head in heads() if head.needed}
    table = replace(FLOOR.past.leads, value=np.where(np.arange(len(FLOOR.past.leads)) == 0, np.nan, 70.0))
    bare = replace(bundle, models=needed, deal=55.0)

    scores = bare.predict(asked(Past(FLOOR.past.log, table), bare))

    assert scores.sale_value[:3].tolist() == [55, 70, 70]
    assert scores.handle_s.tolist() == PRIOR_SECONDS.expected(scores.answer, scores.conversion).tolist()


def test_amounts_are_no_probabilities(bundle):
    scores = bundle.predict(asked(FLOOR.past, bundle))

    assert scores.sale_value.mean() > 50
    assert scores.sale_value.tolist() == scores["value"].tolist()


def test_no_leads_get_no_scores(bundle):
    none = asked(FLOOR.past, bundle).take(np.empty(0, np.int64))

    assert bundle.predict(none).answer.size == 0
    assert bundle.explain(none, "conversion")[1].shape == (0, len(bundle.features))


def test_a_folder_that_is_no_whole_bundle_is_called_broken(bundle, tmp_path: Path):
    bundle.save(tmp_path)
    (tmp_path / "answer.lgb.txt").unlink()

    with pytest.raises(BrokenBundle):
        Bundle.load(tmp_path)
    with pytest.raises(BrokenBundle):
        Bundle.load(tmp_path / "nowhere")


def test_features_that_mean_something_else_now_make_a_bundle_unreadable(bundle, tmp_path):
    bundle.save(tmp_path)
    told = json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))
    told["features"][0]["name"] = "renamed"
    (tmp_path / "bundle.json").write_text(json.dumps(told), encoding="utf-8")

    with pytest.raises(BrokenBundle, match="mean something else"):
        Bundle.load(tmp_path)
