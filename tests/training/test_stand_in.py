"""Stand-in: the best rival serves in the place of a head that lost, until a bundle passes the gate."""

from dataclasses import replace

import numpy as np
import pytest
from mlflow import MlflowClient

from features import Moments, Past, compute
from features.instants import DAY
from training.bundle import Bundle
from training.evaluate import auc
from training.gate import CHAMPION, Comparison, HeadRace
from training.pipeline import train
from training.report import TrainingReport
from training.stand_in import best
from training.tracking import REGISTERED, Tracking

from .floors import Floor, a_floor


def a_floor_turned_over(calls: int = 1_500) -> Floor:
    """Who buys turns over a day before the end: whoever learned orders the wrong way round, rules don't."""
    floor = a_floor(calls)
    log = floor.past.log
    early = log.answered & (log.started_at < floor.until - 1.3 * DAY)
    return replace(floor, past=Past(replace(log, converted=log.converted ^ early), floor.past.leads))


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    return Tracking(f"sqlite:///{tmp_path_factory.mktemp('mlruns')}/mlflow.db")


@pytest.fixture(scope="module")
def refused(tracking: Tracking) -> TrainingReport:
    floor = a_floor_turned_over()
    return train(floor.past, floor.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)


def a_comparison(against: str, measure: str, difference: float) -> Comparison:
    return Comparison("answer", against, measure, 900, difference, difference - 0.01, difference + 0.01)


def test_where_the_gate_refuses_the_first_bundle_the_best_rival_serves(refused, tracking):
    client = MlflowClient(tracking_uri=tracking.uri)
    serving = tracking.champion()

    challenger = client.get_model_version_by_alias(REGISTERED, "challenger")
    crowned = client.get_model_version_by_alias(REGISTERED, "champion")
    assert refused.alias == "challenger"
    assert "conversion loses to" in challenger.tags["reason"]
    assert serving is not None
    assert serving.version == refused.stand_in.version
    assert "the best rival serves" in serving.degraded
    assert "for conversion" in serving.degraded
    assert crowned.tags["gate"] == "stands in"
    assert refused.degraded == crowned.tags["reason"] == serving.degraded


def test_the_rival_that_serves_orders_better_and_is_honest(refused):
    """On a fresh draw of what the floor is since."""
    fresh = a_floor(1_200, seed=9)
    log = fresh.past.log
    rows = np.flatnonzero(log.answered)
    moments = Moments(log.lead[rows], np.full(rows.size, -1), log.started_at[rows])
    label = log.converted[rows].astype(float)

    def asked(bundle: Bundle) -> np.ndarray:
        return bundle.predict(compute(fresh.past, moments, bundle.features)).conversion

    better, worse = asked(refused.stand_in), asked(refused.bundle)
    assert auc(label, better) > auc(label, worse) + 0.1
    assert better.mean() == pytest.approx(label.mean(), abs=0.06)


def test_heads_that_lost_nothing_stay(refused):
    assert refused.stand_in.models["answer"] == refused.bundle.models["answer"]
    assert refused.stand_in.models["conversion"] != refused.bundle.models["conversion"]


def test_a_bundle_that_passes_takes_over_from_the_stand_in(refused, tracking):
    floor = a_floor(1_500)

    report = train(floor.past, floor.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)

    reigning = tracking.champion()
    assert (report.alias, report.degraded, report.stand_in) == ("champion", "", None)
    assert reigning is not None
    assert (reigning.version, reigning.degraded) == (report.bundle.version, "")


def test_a_refused_bundle_leaves_a_champion_of_its_own_right_alone(refused, tracking):
    floor = a_floor_turned_over(1_400)
    before = tracking.champion()

    report = train(floor.past, floor.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)

    after = tracking.champion()
    assert (report.alias, report.stand_in) == ("challenger", None)
    assert before is not None
    assert after is not None
    assert after.version == before.version


def test_the_rival_furthest_ahead_stands_in_if_it_can_be_written():
    race = HeadRace(
        (
            a_comparison("scikit-learn boosting", "auc", -0.09),
            a_comparison("points", "auc", -0.06),
            a_comparison("naive Bayes", "auc", -0.05),
            a_comparison("naive Bayes", "log_loss", 0.5),
        )
    )

    found = best(race)

    assert found is not None
    assert found.name == "points"


def test_who_lost_by_log_loss_alone_is_followed_by_the_most_honest():
    race = HeadRace(
        (
            a_comparison("points", "auc", 0.0),
            a_comparison("default LightGBM", "log_loss", 0.03),
            a_comparison("logistic regression", "log_loss", 0.05),
        )
    )

    found = best(race)

    assert found is not None
    assert found.name == "logistic regression"


def test_who_lost_to_the_champion_alone_is_followed_by_no_rival():
    assert best(HeadRace((a_comparison(CHAMPION, "auc", -0.2), a_comparison("points", "auc", 0.1)))) is None
