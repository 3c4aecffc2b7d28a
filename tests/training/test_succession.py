"""Succession: who is champion by hand, and the way back."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient

from training.bundle import Bundle
from training.dataset import PRIOR_SECONDS
from training.errors import NoFormerChampion, NoSuchVersion, RefusedByGate
from training.tracking import REGISTERED, Record, Succession, Tracking

BUNDLE = Bundle("", 0, (), {}, PRIOR_SECONDS).named()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with three versions: a champion, its successor, and a challenger that the gate refused."""
    file = tmp_path_factory.mktemp("registry") / "mlflow.db"
    tracking = Tracking(f"sqlite:///{file}")
    for alias, gate in (("champion", "passed"), ("champion", "passed"), ("challenger", "refused")):
        run_id = tracking.record(Record("training", "a run", 0), BUNDLE)
        tracking.register(run_id, BUNDLE, alias, {"gate": gate, "reason": "it lost"})
    return file


@pytest.fixture
def tracking(registry: Path, tmp_path: Path) -> Tracking:
    """A copy of its own."""
    return Tracking(f"sqlite:///{shutil.copy(registry, tmp_path)}")


def aliases(tracking: Tracking) -> dict[str, str]:
    client = MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)
    return {alias: str(version) for alias, version in client.get_registered_model(REGISTERED).aliases.items()}


def test_a_new_champion_leaves_the_old_one_as_the_former(tracking: Tracking):
    assert aliases(tracking) == {"champion": "2", "former": "1", "challenger": "3"}


def test_a_rollback_swaps_the_two_and_a_second_one_swaps_them_back(tracking: Tracking):
    once, twice = tracking.rollback(), tracking.rollback()

    assert (once, twice) == (Succession("1", "2"), Succession("2", "1"))
    assert aliases(tracking)["champion"] == "2"


def test_what_the_gate_refused_needs_a_word_more(tracking: Tracking):
    with pytest.raises(RefusedByGate) as refused:
        tracking.promote("3")

    done = tracking.promote("3", despite_gate=True)

    assert "it lost" in str(refused.value)
    assert done == Succession("3", "2")
    assert aliases(tracking) == {"champion": "3", "former": "2"}


def test_promoting_the_champion_changes_nothing(tracking: Tracking):
    assert tracking.promote("2") == Succession("2", "1")


def test_a_version_that_is_not_there_is_named(tracking: Tracking):
    with pytest.raises(NoSuchVersion, match="9"):
        tracking.promote("9")


def test_an_empty_registry_has_nothing_to_go_back_to(tmp_path: Path):
    with pytest.raises(NoFormerChampion):
        Tracking(f"sqlite:///{tmp_path}/mlflow.db").rollback()
