"""Segments: rates of leads alike, shrunk to those of all; few calls are made into a bundle of them."""

import numpy as np
import pytest

from features import Feature, FeatureMatrix, Moments, compute
from features.statistics.attribute import Age, Category
from training.bundle import Bundle
from training.calibration import probability
from training.errors import NotEnoughCalls
from training.evaluate import auc, log_loss
from training.heads import answer, conversion
from training.pipeline import train
from training.segments import LEAST_CALLS, segment_model
from training.tracking import Tracking

from .floors import a_floor

FEATURES: tuple[Feature, ...] = (Category("channel", "channel", ("a", "b", "c")), Age("lead_age_hours"))


def a_matrix(channel: list[float], age: list[float]) -> FeatureMatrix:
    return FeatureMatrix(FEATURES, np.array([channel, age], np.float32).T)


def said(matrix: FeatureMatrix, label: np.ndarray) -> np.ndarray:
    return probability(segment_model(matrix, label, answer.HEAD).score(matrix.values, 1))


def test_without_a_single_call_a_segment_says_the_prior():
    nothing = a_matrix([], [])

    model = segment_model(nothing, np.empty(0), conversion.HEAD)

    asked = a_matrix([0, 1, np.nan], [1, 2, np.nan])
    assert probability(model.score(asked.values, 1)) == pytest.approx(0.06)


def test_segments_that_are_alike_are_taken_for_one():
    channel = np.resize([0.0, 1.0], 200)
    label = np.resize([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 200)

    found = said(a_matrix(channel.tolist(), [5.0] * 200), label)

    assert found == pytest.approx((40 + 15) / 250, abs=0.002)


def test_segments_that_differ_keep_their_rates_the_larger_the_more():
    """60 of 100 in a, 5 of 100 in b, 3 of 4 in c: the last is drawn far to what all calls say."""
    channel = [0.0] * 100 + [1.0] * 100 + [2.0] * 4
    label = np.array([1.0] * 60 + [0.0] * 40 + [1.0] * 5 + [0.0] * 95 + [1.0] * 3 + [0.0])

    found = said(a_matrix(channel, [5.0] * 204), label)

    many, few, scarce = found[0], found[100], found[200]
    assert few < 0.1
    assert 0.3 < scarce < 0.6
    assert 0.5 < many < 0.6


def test_age_counts_where_it_tells():
    age = [0.5] * 150 + [100.0] * 150
    label = np.array([1.0] * 90 + [0.0] * 60 + [1.0] * 15 + [0.0] * 135)

    found = said(a_matrix([0.0] * 300, age), label)

    assert found[0] > 0.5
    assert found[-1] < 0.15


@pytest.mark.parametrize("calls", [120, 250, 450])
def test_a_training_with_too_few_calls_makes_a_bundle_that_says_so(calls, tmp_path):
    floor = a_floor(calls)

    report = train(floor.past, floor.until, rng=np.random.default_rng(1), threads=1)
    report.bundle.save(tmp_path)
    served = Bundle.load(tmp_path)

    leads = np.arange(calls)
    scores = served.predict(compute(floor.past, Moments.at_once(leads, floor.until), served.features))
    assert served.degraded.startswith("too few calls to learn from")
    assert report.degraded == served.degraded == report.as_json()["degraded"]
    assert "500" in served.degraded
    assert set(scores.by_head) >= {"answer", "conversion"}
    assert np.all((scores.answer > 0) & (scores.answer < 1) & (scores.handle_s > 0))


def test_segment_rates_order_later_leads_and_are_honest():
    """Truth of a small floor: channels differ in who answers, which 300 calls tell."""
    floor, later = a_floor(300, seed=4), a_floor(2_000, seed=5)
    bundle = train(floor.past, floor.until, rng=np.random.default_rng(1), threads=1).bundle
    log = later.past.log

    moments = Moments(log.lead, np.full(log.lead.size, -1), log.started_at)
    found = bundle.predict(compute(later.past, moments, bundle.features)).answer

    label = log.answered.astype(float)
    assert auc(label, found) > 0.6
    assert log_loss(label, found) < log_loss(label, np.full(label.size, label.mean()))


def test_less_than_that_is_left_to_the_rules():
    floor = a_floor(LEAST_CALLS - 1)

    with pytest.raises(NotEnoughCalls, match=f"calls=99.*at_least={LEAST_CALLS}"):
        train(floor.past, floor.until, rng=np.random.default_rng(1), threads=1)


def test_rates_of_segments_never_follow_a_champion_that_learned(tmp_path):
    tracking = Tracking(f"sqlite:///{tmp_path}/mlflow.db")
    floor, small = a_floor(900), a_floor(300)

    first = train(small.past, small.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)
    second = train(floor.past, floor.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)
    third = train(small.past, small.until, rng=np.random.default_rng(1), tracking=tracking, threads=1)

    reigning = tracking.champion()
    assert [one.alias for one in (first, second, third)] == ["champion", "champion", "challenger"]
    assert third.verdict.reason.endswith("the champion stays")
    assert third.degraded == ""
    assert reigning is not None
    assert reigning.version == second.bundle.version
