"""The gate: only a loss outside the interval keeps a bundle out, to whomever it is."""

import lightgbm
import numpy as np
import pytest

from training.bundle import Model
from training.calibration import AS_IT_IS
from training.evaluate import auc, log_loss
from training.gate import (
    CHAMPION,
    MARGIN,
    RESAMPLES,
    Comparison,
    HeadRace,
    Opponent,
    Verdict,
    compare,
    markdown,
    measured,
    metrics_of,
)
from training.margin import Curve, Margin

RNG = np.random.default_rng(11)
TRUTH = np.random.default_rng(12).uniform(0.02, 0.6, 3_000)
LABEL = (np.random.default_rng(13).random(3_000) < TRUTH).astype(float)
NOISE = np.random.default_rng(14).random(3_000)
CHAMP = Opponent(CHAMPION, TRUTH)


def a_race(chance: np.ndarray, *others: Opponent, head: str = "answer") -> HeadRace:
    return HeadRace(compare(head, LABEL, chance, others, RNG), measured(LABEL, chance, others))


def verdict(*races: HeadRace) -> Verdict:
    return Verdict({f"head {place}": race for place, race in enumerate(races)})


def test_a_bundle_that_is_plainly_worse_is_refused_with_the_reason():
    found = verdict(a_race(np.full(3_000, 0.9), CHAMP))

    assert not found.passed
    assert "answer loses to the champion: log loss +" in found.reason
    assert "answer loses to the champion: AUC -" in found.reason


def test_a_tie_passes():
    shaken = np.clip(TRUTH + RNG.normal(0, 0.01, 3_000), 0.01, 0.99)

    assert verdict(a_race(shaken, CHAMP)).passed


def test_a_win_is_told_as_one():
    found = a_race(TRUTH, Opponent("logistic regression", np.full(3_000, LABEL.mean())))

    assert all(one.won for one in found.comparisons)
    assert "nearest rival: answer beats logistic regression: AUC +" in verdict(found).reason


def test_an_order_is_compared_by_its_order_alone():
    found = a_race(TRUTH, Opponent("newest first", NOISE * 900 - 70, chances=False))

    assert [one.measure for one in found.comparisons] == ["auc"]
    assert found.measures["newest first"].keys() < found.measures["leadrank"].keys()
    assert "log_loss" not in found.measures["newest first"]


def test_a_bundle_that_ranks_worse_than_a_plain_order_is_refused():
    found = verdict(a_race(NOISE, Opponent("points", TRUTH * 90, chances=False)))

    assert not found.passed
    assert "answer loses to points: AUC -" in found.reason


def test_honest_chances_in_a_poor_order_lose_as_good_order_with_false_chances_does():
    shy = compare("answer", LABEL, np.full(3_000, LABEL.mean()), [CHAMP], RNG)
    loud = compare("answer", LABEL, TRUTH**0.2, [CHAMP], RNG)

    assert [one.measure for one in shy if one.lost] == ["auc", "log_loss"]
    assert [one.measure for one in loud if one.lost] == ["log_loss"]


def test_too_few_sales_compare_nothing():
    few = np.zeros(3_000)
    few[:9] = 1

    assert compare("conversion", few, TRUTH, [CHAMP], RNG) == ()
    assert Verdict({"conversion": HeadRace()}).passed
    assert Verdict({}).reason == "nothing to compare with yet"


def test_one_loss_among_wins_is_enough():
    worst = Opponent("b", np.full(3_000, 0.999))

    lost = verdict(a_race(np.full(3_000, 0.9), Opponent("a", TRUTH), worst), a_race(TRUTH, worst))

    assert not lost.passed
    assert "loses to a" in lost.reason
    assert " b:" not in lost.reason


def test_the_nearest_rival_is_the_one_we_are_least_ahead_of():
    near = Opponent("near", TRUTH + NOISE / 9, chances=False)
    far = Opponent("far", TRUTH + NOISE, chances=False)

    found = a_race(TRUTH, far, near, CHAMP)

    assert found.nearest is not None
    assert found.nearest.against == "near"
    assert found.nearest.difference == pytest.approx(auc(LABEL, TRUTH) - auc(LABEL, near.figures))


@pytest.mark.parametrize("margin", [0.0, 0.005])
def test_worse_than_the_champion_by_less_than_the_margin_is_a_tie(margin):
    found = Comparison("answer", CHAMPION, "auc", 9_000, -0.003, -0.004, -0.002, margin)

    assert found.lost == (margin == 0)
    assert ("ties with" in found.sentence) == (margin > 0)
    assert set(MARGIN) == {"auc", "log_loss", "deviance"}


def test_an_interval_is_wider_the_more_are_asked():
    other = Opponent("a", TRUTH + NOISE / 3, chances=False)

    one, *_ = compare("answer", LABEL, TRUTH, [other], np.random.default_rng(1))
    many = compare("answer", LABEL, TRUTH, [other] * 8, np.random.default_rng(1))

    assert one.difference == many[0].difference
    assert many[0].low < one.low < one.difference < one.high < many[0].high


def test_an_interval_is_the_spread_of_the_same_blocks_drawn_again():
    """The twin: blocks of 150 calls, drawn and put together call by call; both learners on the same ones."""
    other = np.clip(TRUTH + NOISE / 3, 0, 1)
    ranked, cost = compare("answer", LABEL, TRUTH, [Opponent("a", other)], np.random.default_rng(1))

    rng, blocks = np.random.default_rng(1), np.arange(3_000).reshape(20, 150)
    draws = [blocks[chosen].ravel() for chosen in rng.integers(0, 20, (RESAMPLES, 20))[:400]]
    ahead = [auc(LABEL[rows], TRUTH[rows]) - auc(LABEL[rows], other[rows]) for rows in draws]
    dearer = [log_loss(LABEL[rows], TRUTH[rows]) - log_loss(LABEL[rows], other[rows]) for rows in draws]

    assert [ranked.low, ranked.high] == pytest.approx(np.quantile(ahead, [0.0125, 0.9875]), abs=0.004)
    assert [cost.low, cost.high] == pytest.approx(np.quantile(dearer, [0.0125, 0.9875]), abs=0.006)


def test_a_run_tells_everyones_figures_and_how_far_the_nearest_is():
    found = a_race(TRUTH, Opponent("points", NOISE, chances=False), Opponent("naive Bayes", NOISE))

    told = metrics_of("answer", found)

    assert {"answer race AUC/leadrank", "answer race AUC/points", "answer race Log loss/naive Bayes"} <= set(
        told
    )
    assert "answer race Log loss/points" not in told
    assert told["answer race ahead in AUC/points"] == told["answer/Ahead of the nearest rival"] > 0.1
    table = markdown("answer", found)
    assert table.count("\n|") == 4
    assert "nearest rival: answer beats" in table
    assert "nan" not in table


@pytest.mark.parametrize(
    ("ours", "passes"), [(1000.0, True), (1500.0, True), (1510.0, False), (9000.0, False), (200.0, True)]
)
def test_a_tie_with_the_champion_is_enough_only_at_no_much_higher_cost(ours, passes):
    tie = Comparison("answer", CHAMPION, "auc", 900, -0.002, -0.02, 0.016, MARGIN["auc"])

    found = Verdict({"answer": HeadRace((tie,))}, work=(ours, 1000.0))

    assert found.passed is passes
    assert ("times its work" in found.reason) is not passes


@pytest.mark.parametrize(("ours", "passes"), [(471.0, True), (1000.0, True), (1001.0, False)])
def test_a_bundle_that_costs_next_to_nothing_may_follow_one_that_costs_nothing(ours, passes):
    tie = Comparison("answer", CHAMPION, "auc", 900, -0.002, -0.02, 0.016, MARGIN["auc"])

    assert Verdict({"answer": HeadRace((tie,))}, work=(ours, 135.0)).passed is passes


def test_who_beats_the_champion_may_cost_what_it_costs():
    better = a_race(TRUTH, Opponent(CHAMPION, np.clip(TRUTH + NOISE / 2, 0, 1)))

    assert Verdict({"answer": better}, work=(9000.0, 1000.0)).passed


def test_a_veto_keeps_a_bundle_out_and_is_told_first():
    found = Verdict({"answer": a_race(TRUTH)}, veto="too few calls: the champion stays")

    assert not found.passed
    assert found.reason == "too few calls: the champion stays"


def test_the_work_of_a_bundle_counts_curves_that_speak_and_trees_by_their_depth():
    silent = Curve(False, np.empty(0), np.empty(0), 0.0)
    spoken = Curve(False, np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.0)
    rows = np.random.default_rng(1).normal(size=(400, 3))
    few = {"objective": "binary", "num_leaves": 4, "verbosity": -1, "min_data_in_leaf": 5}
    booster = lightgbm.train(few, lightgbm.Dataset(rows, (rows.sum(axis=1) > 0) * 1.0), 10)

    plain = Model("", Margin(0.0, (silent, spoken, spoken)), AS_IT_IS)
    grown = Model(booster.model_to_string(), Margin(0.0, (silent, silent, silent)), AS_IT_IS)

    assert plain.work == 2
    assert grown.work == 10 * 2
