"""One training on a fresh store, for all who look at what it left."""

import numpy as np
import pytest

from features.instants import DAY
from training.pipeline import train
from training.report import TrainingReport
from training.tracking import Tracking

from .floors import Floor, a_floor

FLOOR = a_floor(1_200)


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    return Tracking(f"sqlite:///{tmp_path_factory.mktemp('mlruns')}/mlflow.db")


@pytest.fixture(scope="session")
def first(tracking) -> TrainingReport:
    """The first training on a fresh store: version 1."""
    return trained(FLOOR, FLOOR.until - DAY, tracking)


def trained(floor: Floor, at: int, tracking: Tracking | None) -> TrainingReport:
    return train(floor.past, at, rng=np.random.default_rng(1), tracking=tracking, threads=1)
