"""Reasons: at most eight, in plain words, and what they say adds up to the model's own log-odds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Feature, FeatureMatrix
from features.groups import group_of
from features.kernel import Float32Array
from features.statistics.attribute import Age, Attribute, Category
from features.statistics.window import Count
from serving.ranking.phrases import OTHER
from serving.ranking.reasons import MOST, reasons_of
from tests.training.test_bundle import a_bundle

BUNDLE = a_bundle()
DAY_COUNT = Count("lead_calls_1d", by="lead", within=1)
ALL_COUNT = Count("lead_attempts", by="lead", within=2)
CHANNEL = Category("channel", "channel", ("web_form", "referral"))
FEATURES: tuple[Feature, ...] = (DAY_COUNT, ALL_COUNT, Age("lead_age_hours"), CHANNEL)


def rows_of(features: tuple[Feature, ...], seed: int, rows: int = 12) -> Float32Array:
    """Random values, a fifth of them missing; categories among their levels."""
    rng = np.random.default_rng(seed)
    values = (10.0 ** rng.uniform(-3, 4, (rows, len(features)))).astype(np.float32)
    for place, feature in enumerate(features):
        if isinstance(feature, Category):
            values[:, place] = rng.integers(0, len(feature.levels), rows)
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_reasons_of_any_row_add_up_to_every_heads_log_odds_before_calibration(seed: int):
    values = rows_of(BUNDLE.features, seed)
    matrix = FeatureMatrix(BUNDLE.features, values)

    for head, model in BUNDLE.models.items():
        base, effects = BUNDLE.explain(matrix, head)
        told = [row.listed for row in reasons_of(BUNDLE.features, values, effects)]

        added = [base + sum(one.effect for one in row) for row in told]
        assert added == pytest.approx(model.score(values, 1), abs=1e-9)
        assert all(len(row) <= MOST for row in told)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_a_reason_is_the_sum_of_its_group_and_names_the_feature_that_moved_it_most(seed: int):
    values = rows_of(BUNDLE.features, seed, rows=3)
    _, effects = BUNDLE.explain(FeatureMatrix(BUNDLE.features, values), "conversion")

    reasons = reasons_of(BUNDLE.features, values, effects)
    for told, row, shares in zip(reasons, values, effects, strict=True):
        for one in (one for one in told.listed if one.feature != OTHER):
            members = {
                feature.name: place
                for place, feature in enumerate(BUNDLE.features)
                if group_of(feature.name).name == one.group
            }
            assert one.effect == pytest.approx(sum(shares[place] for place in members.values()))
            own = shares[members[one.feature]] * np.sign(one.effect)
            assert own == max(shares[place] * np.sign(one.effect) for place in members.values())
            assert one.value is None or isinstance(one.value, str) or one.value == row[members[one.feature]]


def test_a_group_is_told_by_the_feature_that_moved_it_most_its_own_way():
    values = np.array([[2, 7, 0.5, 1]], np.float32)
    effects = np.array([[0.1, -0.5, 0.3, -0.2]])

    (reasons,) = reasons_of(FEATURES, values, effects)
    told = reasons.listed

    assert [(one.feature, one.value, one.group) for one in told] == [
        ("lead_attempts", 7.0, "tried"),
        ("lead_age_hours", 0.5, "freshness"),
        ("channel", "referral", "origin"),
    ]
    assert [one.effect for one in told] == pytest.approx([-0.4, 0.3, -0.2])
    assert told[1].text == "How fresh the lead is (received 30 minutes ago) raises it"
    assert told[2].text == "Where it came from (channel referral) lowers it"


def test_what_is_not_among_the_strongest_is_told_as_one_last_sum():
    features = tuple(Attribute(f"attribute_{i}", str(i)) for i in range(12))
    effects = np.arange(12.0)[None] - 3.5

    (reasons,) = reasons_of(features, np.zeros((1, 12), np.float32), effects)
    told = reasons.listed

    assert len(told) == MOST
    assert told[-1].feature == told[-1].group == OTHER
    assert told[-1].value is None
    assert sum(one.effect for one in told) == pytest.approx(effects.sum())
    assert np.all(np.diff([abs(one.effect) for one in told[:-1]]) <= 0)


def test_features_that_moved_nothing_are_no_reasons_and_a_missing_value_is_said_to_be_unknown():
    values = np.array([[np.nan, 7, 0.5, np.nan]], np.float32)

    (reasons,) = reasons_of(FEATURES, values, np.array([[0.0, 0.0, 0.0, -0.2]]))
    told = reasons.listed

    assert [(one.feature, one.value) for one in told] == [("channel", None)]
    assert told[0].text == "Where it came from (unknown) lowers it"


def test_names_that_json_would_trip_over_are_told_as_they_are():
    odd = 'a "b" \\ \u00fc'
    (reasons,) = reasons_of((Attribute(odd, odd),), np.ones((1, 1), np.float32), np.array([[0.5]]))

    assert reasons.listed[0].feature == odd
