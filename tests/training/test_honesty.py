"""Honesty: chance alone never breaks it, a plain lie does, in a segment as well."""

import numpy as np
import pytest

from features import FeatureMatrix
from features.statistics.attribute import Category
from training.evaluate import calibration_error
from training.gate import HeadRace, Verdict
from training.honesty import ALL, LEAST_CALLS, chance_error, judged, markdown, worst

CHANNEL = Category("channel", "channel", ("web_form", "event"))
WORDY = Category("city", "city", tuple(f"city {place}" for place in range(40)))


def some_calls(calls: int = 6_000, seed: int = 3) -> tuple[np.ndarray, np.ndarray, FeatureMatrix]:
    """True chances, what came of them, and the channel and city of each call."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 6, calls)
    channel = rng.choice([0, 1, np.nan], calls, p=[0.88, 0.1, 0.02])
    matrix = FeatureMatrix(
        (CHANNEL, WORDY), np.column_stack([channel, rng.integers(0, 40, calls)]).astype("f4")
    )
    return chance, (rng.random(calls) < chance).astype(float), matrix


@pytest.mark.parametrize("calls", [400, 3_000, 20_000])
def test_what_chance_explains_is_what_drawn_outcomes_show(calls):
    chance, _, _ = some_calls(calls)
    rng = np.random.default_rng(5)

    mean, spread = chance_error(chance)

    drawn = [calibration_error((rng.random(calls) < chance).astype(float), chance) for _ in range(300)]
    assert mean == pytest.approx(np.mean(drawn), rel=0.1)
    assert spread == pytest.approx(np.std(drawn), rel=0.3)


def test_honest_probabilities_pass_over_all_calls_and_each_segment():
    chance, label, matrix = some_calls()

    found = judged("answer", label, chance, matrix)

    assert [one.segment for one in found] == [ALL, "channel web_form", "channel event"]
    assert not [one for one in found if one.broken]
    assert sum(one.calls for one in found[1:]) < found[0].calls == 6_000


def test_a_boast_is_found_and_keeps_a_bundle_out():
    chance, label, matrix = some_calls()

    race = HeadRace(honesty=judged("conversion", label, np.minimum(chance + 0.07, 1), matrix))

    assert race.honesty[0].broken
    assert not Verdict({"conversion": race}).passed
    assert "conversion is not honest over all calls: ECE 0.0" in Verdict({"conversion": race}).reason


def test_a_segment_that_is_lied_about_is_named_though_the_whole_is_honest():
    chance, label, matrix = some_calls(12_000)
    event = matrix.values[:, 0] == 1
    told = np.where(event, np.minimum(chance + 0.2, 1), chance)

    found = judged("answer", label, told, matrix)

    segment = worst(found)
    assert [one.segment for one in found if one.broken] == ["channel event"]
    assert segment is not None
    assert segment.segment == "channel event"


def test_of_few_calls_nothing_is_said():
    chance, label, matrix = some_calls(LEAST_CALLS - 1)

    assert judged("answer", label, chance, matrix) == ()
    assert worst(()) is None


def test_the_table_has_a_line_a_segment():
    chance, label, matrix = some_calls()

    told = markdown(judged("answer", label, chance, matrix)).splitlines()

    assert len(told) == 5
    assert told[2].startswith("| answer | all calls | 6000 |")
