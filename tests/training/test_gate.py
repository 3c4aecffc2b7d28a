"""The gate: only a loss outside the interval keeps a bundle out."""

import numpy as np

from training.gate import Verdict, compare

RNG = np.random.default_rng(11)
TRUTH = np.random.default_rng(12).uniform(0.02, 0.6, 3_000)
LABEL = (np.random.default_rng(13).random(3_000) < TRUTH).astype(float)


def test_a_bundle_that_is_plainly_worse_is_refused_with_the_reason():
    found = compare("answer", LABEL, np.full(3_000, 0.9), {"the champion": TRUTH}, RNG)

    verdict = Verdict(found)

    assert not verdict.passed
    assert verdict.reason.startswith("answer loses to the champion: log loss +")


def test_a_tie_passes():
    shaken = np.clip(TRUTH + RNG.normal(0, 0.01, 3_000), 0.01, 0.99)

    assert Verdict(compare("answer", LABEL, shaken, {"the champion": TRUTH}, RNG)).passed


def test_a_win_is_told_as_one():
    found = compare("answer", LABEL, TRUTH, {"logistic regression": np.full(3_000, LABEL.mean())}, RNG)

    assert found[0].high < 0
    assert "answer beats logistic regression" in Verdict(found).reason


def test_too_few_sales_compare_nothing():
    few = np.zeros(3_000)
    few[:9] = 1

    assert compare("conversion", few, TRUTH, {"the champion": TRUTH}, RNG) == ()
    assert Verdict(()).passed
    assert Verdict(()).reason == "nothing to compare with yet"


def test_one_loss_among_wins_is_enough():
    lost = compare("answer", LABEL, np.full(3_000, 0.9), {"a": TRUTH, "b": np.full(3_000, 0.999)}, RNG)

    assert not Verdict(lost).passed
    assert "loses to a" in Verdict(lost).reason
    assert " b:" not in Verdict(lost).reason
