"""Models and retraining: a real registry's champion, swapped as it changes, kept when that breaks."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from features import Moments
from features.instants import DAY, HOUR, MINUTE
from serving.errand import IMPATIENT
from serving.errors import AlreadyTraining, TrainingFailed
from serving.models import REGISTERED, UNTRAINED, Models
from serving.ranking.reasons import told
from serving.retraining import Trainer
from serving.rule import Caps
from tests.serving.rules.people import a_new_yorker, standing_of
from tests.training.floors import Floor, a_floor
from training.bundle import Bundle
from training.pipeline import train
from training.tracking import Tracking

FLOOR = a_floor(900)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """A small bundle."""
    return train(FLOOR.past, FLOOR.until, rng=np.random.default_rng(1), threads=1).bundle


@pytest.fixture(scope="module")
def published(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry with that bundle as champion; tests copy nothing and change aliases alone."""
    folder = tmp_path_factory.mktemp("mlruns")
    publish(folder, bundle, "champion")
    return folder


def publish(folder: Path, bundle: Bundle, alias: str) -> str:
    from training.tracking import Record

    tracking = Tracking(uri_of(folder))
    run = tracking.record(Record("leadrank training", bundle.version, bundle.created_at), bundle)
    return tracking.register(run, bundle, alias, {"gate": "passed", "reason": "best so far"})


def uri_of(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


def later(bundle: Bundle, floor: Floor = FLOOR) -> Bundle:
    return replace(bundle, version="", created_at=floor.until + HOUR).named()


@pytest.fixture
def models(published: Path, tmp_path: Path) -> Models:
    found = Models(uri_of(published), tmp_path / "bundles")
    found.reload()
    return found


def test_the_champion_is_fetched_and_serves(models: Models, bundle: Bundle):
    champion = models.champion()

    assert champion is not None
    assert (models.version, models.degraded, models.trouble) == (bundle.version, False, "")
    assert champion.fingerprint == bundle.fingerprint


def test_a_reload_that_finds_the_same_champion_changes_nothing(models: Models):
    before = models.champion()

    assert models.reload() is False
    assert models.champion() is before


def test_without_a_registry_rules_rank_and_none_is_made_by_asking(tmp_path: Path):
    models = Models(uri_of(tmp_path), tmp_path / "bundles")

    changed = models.reload()

    assert (changed, models.version, models.degraded, models.trouble) == (False, None, True, UNTRAINED)
    assert models.versions() == []
    assert list(tmp_path.iterdir()) == []


def test_a_new_champion_takes_over_and_the_old_one_may_come_back(
    models: Models, published: Path, bundle: Bundle
):
    client = MlflowClient(uri_of(published), uri_of(published))
    old = str(client.get_model_version_by_alias(REGISTERED, "champion").version)

    new = publish(published, later(bundle), "champion")
    swapped, version = models.reload(), models.version
    listed = models.versions()
    client.set_registered_model_alias(REGISTERED, "champion", old)
    back = models.reload()

    assert (swapped, version) == (True, later(bundle).version)
    assert [one.version for one in listed] == [new, old]
    assert (listed[0].aliases, listed[0].gate, listed[0].reason) == (("champion",), "passed", "best so far")
    assert (back, models.version) == (True, bundle.version)


def test_the_last_good_bundle_serves_while_the_registry_is_broken(
    published: Path, bundle: Bundle, tmp_path: Path
):
    shutil.copy(published / "mlflow.db", tmp_path / "mlflow.db")
    models = Models(uri_of(tmp_path), tmp_path / "bundles")
    models.reload()
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 1000)

    changed = models.reload()

    assert (changed, models.version, models.degraded) == (False, bundle.version, True)
    assert models.trouble.startswith("the registry's champion can't be had")


def test_after_a_restart_the_last_champion_serves_before_the_registry_is_asked(
    models: Models, bundle: Bundle
):
    restarted, elsewhere = Models(models.uri, models.cache), Models("sqlite:///another.db", models.cache)

    assert (restarted.recall(), restarted.version, restarted.degraded) == (True, bundle.version, False)
    assert (elsewhere.recall(), elsewhere.version) == (False, None)


def test_a_champion_that_the_registry_has_no_more_is_not_recalled(models: Models, tmp_path: Path):
    (tmp_path / "mlruns").mkdir()
    registry = tmp_path / "mlruns" / "mlflow.db"
    shutil.copy(models.uri.removeprefix("sqlite:///"), registry)
    own = Models(f"sqlite:///{registry}", models.cache)
    own.reload()
    MlflowClient(own.uri, own.uri).delete_registered_model_alias(REGISTERED, "champion")
    restarted = Models(own.uri, own.cache)

    recalled = restarted.recall(), restarted.version
    restarted.reload()

    assert recalled == (True, own.version)
    assert (restarted.version, restarted.trouble) == (own.version, UNTRAINED)
    assert Models(own.uri, own.cache).recall() is False


def test_the_last_champion_is_recalled_while_the_registrys_file_is_away(published: Path, tmp_path: Path):
    registry = tmp_path / "mlflow.db"
    shutil.copy(published / "mlflow.db", registry)
    serving = Models(uri_of(tmp_path), tmp_path / "bundles")
    serving.reload()
    registry.unlink()

    Models(serving.uri, serving.cache).reload()

    assert Models(serving.uri, serving.cache).recall()


def test_a_bundle_lost_from_the_cache_is_not_recalled(models: Models, bundle: Bundle):
    shutil.rmtree(models.cache / bundle.version)

    assert Models(models.uri, models.cache).recall() is False


def test_a_start_without_a_registry_does_not_wait_for_mlflow(tmp_path: Path):
    script = f"""
import sys
from pathlib import Path
from serving.models import UNTRAINED, Models
models = Models({uri_of(tmp_path)!r}, Path({str(tmp_path)!r}))
assert not models.recall() and not models.reload() and models.trouble == UNTRAINED
assert "mlflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_service_does_not_wait_long_for_a_registry_that_does_not_answer(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = "http://{}:{}".format(*gone.getsockname())
    script = f"""
from pathlib import Path
from serving.models import Models
models = Models({address!r}, Path({str(tmp_path)!r}))
models.reload()
assert models.trouble.startswith("the registry's champion can't be had"), models.trouble
"""
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **IMPATIENT}, check=True, timeout=120)


def test_the_last_known_versions_are_listed_while_the_registry_is_broken(published: Path, tmp_path: Path):
    shutil.copy(published / "mlflow.db", tmp_path / "mlflow.db")
    models = Models(uri_of(tmp_path), tmp_path / "bundles")
    before = models.listed()
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 1000)

    after = models.listed()
    never_knew = Models(uri_of(tmp_path), tmp_path / "bundles").listed()

    assert (before.degraded, before.trouble, bool(before.items)) == (False, "", True)
    assert (after.items, after.degraded, never_knew.items) == (before.items, True, ())
    assert after.trouble.startswith("the registry's versions can't be had")


def test_a_bundle_that_is_not_whole_is_not_taken_over(published: Path, bundle: Bundle, tmp_path: Path):
    broken = tmp_path / "bundles" / bundle.version
    broken.mkdir(parents=True)
    (broken / "bundle.json").write_text("{")
    models = Models(uri_of(published), tmp_path / "bundles")

    models.reload()

    assert (models.version, models.degraded) == (None, True)


def test_reasons_sum_to_the_log_odds_that_the_bundle_gives(models: Models, bundle: Bundle):
    rows = np.arange(5)
    from features import compute

    matrix = compute(FLOOR.past, Moments.at_once(rows, FLOOR.until), bundle.features)
    base, effects = bundle.explain(matrix, "conversion")

    standing = standing_of([a_new_yorker()] * 5, Caps(), FLOOR.until)
    strongest, _ = models.remarks(FLOOR.past, rows, matrix, standing, FLOOR.until)
    reasons = [row.listed for row in told(matrix.features, matrix.values, strongest)]

    for row, shares in zip(reasons, effects, strict=True):
        assert len(row) <= 8
        assert sum(one.effect for one in row) == pytest.approx(shares.sum())
    odds = np.array([base + sum(one.effect for one in row) for row in reasons])
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(bundle.chance_before_calibration(matrix, "conversion"))


def test_a_retraining_falls_due_once_its_time_has_passed_since_the_first_question():
    trainer = Trainer("", "", every=DAY)

    asked = [trainer.due(FLOOR.until + after) for after in (0, DAY - 1, DAY)]

    assert asked == [False, False, True]
    assert Trainer("", "", every=None).due(FLOOR.until) is False


def test_a_training_that_fails_tells_why_and_waits_its_turn(tmp_path: Path):
    trainer = Trainer(f"sqlite:///{tmp_path}/leadrank.db", uri_of(tmp_path), every=DAY)

    with pytest.raises(TrainingFailed, match="not_enough_calls"):
        trainer.train(FLOOR.until)

    assert (trainer._one.locked(), trainer.last_at) == (False, FLOOR.until)
    assert trainer.due(FLOOR.until + DAY - MINUTE) is False


def test_one_training_at_a_time(tmp_path: Path):
    trainer = Trainer("", "")

    with trainer._one, pytest.raises(AlreadyTraining):
        trainer.train(FLOOR.until)


def test_a_champion_that_says_it_is_less_than_one_serves_degraded_with_its_reason(tmp_path: Path):
    few = a_floor(300)
    spare = train(few.past, few.until, rng=np.random.default_rng(1), threads=1).bundle
    publish(tmp_path, spare, "champion")

    models = Models(uri_of(tmp_path), tmp_path / "bundles")
    models.reload()

    assert (models.version, models.degraded) == (spare.version, True)
    assert models.trouble.startswith("too few calls to learn from")
