"""What every rival promises: probabilities of its own, from numbers, words and gaps alike."""

import numpy as np
import pytest

from features import FeatureMatrix
from features.statistics.attribute import Attribute, Category
from training.baselines import rivals
from training.evaluate import auc

EVERY_RIVAL = pytest.mark.parametrize("rival", rivals(), ids=lambda rival: rival.name)
FEATURES = (
    Attribute("need", "need"),
    Category("channel", "channel", ("a", "b", "c")),
    Attribute("void", "void"),
)


def a_matrix(size: int = 900, seed: int = 3) -> tuple[FeatureMatrix, np.ndarray]:
    """Labels follow a number with gaps and a word; the third column is empty."""
    rng = np.random.default_rng(seed)
    need, word = rng.normal(size=size), rng.integers(0, 3, size).astype(float)
    label = (rng.random(size) < 1 / (1 + np.exp(-(1.5 * need + word - 2)))).astype(float)
    need[::17], word[::13] = np.nan, np.nan
    return FeatureMatrix(
        FEATURES, np.column_stack([need, word, np.full(size, np.nan)]).astype(np.float32)
    ), label


def test_all_four_run_in_every_race():
    assert [rival.name for rival in rivals()] == [
        "default LightGBM", "logistic regression", "naive Bayes", "scikit-learn boosting",
    ]  # fmt: skip


@EVERY_RIVAL
def test_a_rival_learns_what_is_there_to_learn(rival):
    matrix, label = a_matrix()
    later, truth = a_matrix(seed=4)

    said = rival.fit(matrix, label, 1)(later)

    assert said.dtype == np.float64
    assert np.all((said >= 0) & (said <= 1))
    assert auc(truth, said) > 0.75


@EVERY_RIVAL
def test_a_rival_takes_unheard_of_words_and_gaps(rival):
    matrix, label = a_matrix()
    strange = FeatureMatrix(FEATURES, np.array([[np.nan, 9, 1], [99, np.nan, -5]], np.float32))

    assert np.all(np.isfinite(rival.fit(matrix, label, 1)(strange)))


def test_naive_bayes_counts_as_by_hand():
    """60 calls of word a with 12 won, 140 of word b with 7 won; won and lost each get 0.1 per value."""
    word = np.repeat([0, 1], [60, 140]).astype(np.float32)
    label = np.concatenate([np.arange(60) < 12, np.arange(140) < 7]).astype(float)
    matrix = FeatureMatrix((Category("channel", "channel", ("a", "b")),), word[:, None])
    counted = next(rival for rival in rivals() if rival.name == "naive Bayes")

    said = counted.fit(matrix, label, 1)(matrix)

    won, lost = 19 / 200 * 12.1 / 19.2, 181 / 200 * 48.1 / 181.2
    assert said[0] == pytest.approx(won / (won + lost))


def test_naive_bayes_says_nothing_of_values_seen_too_rarely():
    word = np.repeat([0, 1], [180, 20]).astype(np.float32)
    label = np.concatenate([np.arange(180) < 18, np.arange(20) < 19]).astype(float)
    matrix = FeatureMatrix((Category("channel", "channel", ("a", "b")),), word[:, None])
    counted = next(rival for rival in rivals() if rival.name == "naive Bayes")

    assert counted.fit(matrix, label, 1)(matrix)[-1] == pytest.approx(label.mean())
