"""What every rival promises: probabilities or an order of its own, from numbers, words and gaps alike."""

import numpy as np
import pytest

from features import Feature, FeatureMatrix
from features.catalogue import standing
from features.refused import LARGEST
from features.statistics.attribute import Attribute, Category
from training.baselines import rivals
from training.baselines.naive_bayes import HIGHEST, LOWEST
from training.bundle import Bundle
from training.calibration import probability
from training.dataset import PRIOR_SECONDS
from training.evaluate import auc
from training.rival import Rival

EVERY_RIVAL = pytest.mark.parametrize("rival", rivals(), ids=lambda rival: rival.name)
LEARNERS = [rival for rival in rivals() if rival.chances]
ORDERS = [rival for rival in rivals() if not rival.chances]
EVERY_LEARNER = pytest.mark.parametrize("rival", LEARNERS, ids=lambda rival: rival.name)
EVERY_ORDER = pytest.mark.parametrize("rival", ORDERS, ids=lambda rival: rival.name)
EVERY_WRITTEN = pytest.mark.parametrize(
    "rival", [rival for rival in rivals() if rival.write is not None], ids=lambda rival: rival.name
)
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


def a_floors_matrix(size: int = 400, seed: int = 5) -> FeatureMatrix:
    """Every column that a rival names: small whole numbers with gaps, channels, ages."""
    rng = np.random.default_rng(seed)
    names = sorted({name for rival in rivals() for name in rival.reads} - {"channel"})
    values = rng.integers(-1, 4, (size, len(names) + 1)).astype(np.float32)
    values[values < 0] = np.nan
    channel = Category("channel", "channel", ("bought_list", "referral", "web_form", "inbound_call"))
    return FeatureMatrix((*(Attribute(name, name) for name in names), channel), values)


def named(name: str) -> Rival:
    return next(rival for rival in rivals() if rival.name == name)


def asked(rival: Rival, matrix: FeatureMatrix) -> np.ndarray:
    """What an order says of the matrix that it was shown."""
    return rival.fit(matrix, np.resize([0.0, 1.0], len(matrix)), 1)(matrix)


def test_all_eight_run_in_every_race():
    assert [rival.name for rival in LEARNERS] == [
        "default LightGBM", "logistic regression", "naive Bayes", "scikit-learn boosting",
    ]  # fmt: skip
    assert [rival.name for rival in ORDERS] == ["fewest attempts", "newest first", "points", "random"]


@EVERY_LEARNER
def test_a_learner_learns_what_is_there_to_learn(rival):
    matrix, label = a_matrix()
    later, truth = a_matrix(seed=4)

    said = rival.fit(matrix, label, 1)(later)

    assert np.all((said >= 0) & (said <= 1))
    assert auc(truth, said) > 0.75


@EVERY_RIVAL
def test_a_rival_says_one_figure_a_call_and_the_same_again(rival):
    matrix, label = a_matrix()
    predict = rival.fit(matrix, label, 1)

    said = predict(matrix)

    assert said.dtype == np.float64
    assert said.shape == label.shape
    assert said.tolist() == predict(matrix).tolist()


@EVERY_RIVAL
def test_a_rival_takes_unheard_of_words_and_gaps(rival):
    matrix, label = a_matrix()
    strange = FeatureMatrix(FEATURES, np.array([[np.nan, 9, 1], [99, np.nan, -5]], np.float32))

    assert np.all(np.isfinite(rival.fit(matrix, label, 1)(strange)))


@EVERY_ORDER
def test_an_order_never_looks_at_what_came_of_a_call(rival):
    matrix = a_floors_matrix()
    label = np.arange(len(matrix)) % 3 // 2.0

    one, other = (rival.fit(matrix, told, 1)(matrix) for told in (label, 1 - label))

    assert one.tolist() == other.tolist()
    assert np.all(np.isfinite(one))


@EVERY_RIVAL
def test_what_a_rival_names_is_in_the_catalogue_or_the_leads_own(rival):
    lines = {feature.name for feature in standing()}

    assert {name for name in rival.reads if not name.startswith("attribute_")} <= lines | {"channel"}


@EVERY_WRITTEN
def test_a_rival_written_as_text_says_what_it_said(rival, tmp_path):
    """Probabilities are equal, keys order alike, and the text says so after a restart."""
    rng = np.random.default_rng(6)
    matrix, label = a_matrix() if rival.chances else (a_floors_matrix(), rng.integers(0, 2, 400) * 1.0)

    said = rival.fit(matrix, label, 1)(matrix)
    model = rival.write(matrix, label, 1)
    bundle = Bundle("v", 0, matrix.features, {"answer": model}, PRIOR_SECONDS)
    bundle.save(tmp_path)
    score = Bundle.load(tmp_path).models["answer"].score(matrix.values, 1)

    if rival.chances:
        assert np.clip(probability(score), LOWEST, HIGHEST) == pytest.approx(np.clip(said, LOWEST, HIGHEST))
    else:
        assert np.unique(said, return_inverse=True)[1].tolist() == ranks(score)


def ranks(score: np.ndarray) -> list[int]:
    """Places among the distinct scores, which may differ by rounding alone."""
    return list(np.unique(score.round(9), return_inverse=True)[1])


def test_all_but_a_coin_and_what_has_no_text_form_can_serve():
    assert {rival.name for rival in rivals() if rival.write is None} == {"random", "scikit-learn boosting"}


def test_the_newest_lead_comes_first_and_one_of_unknown_age_last():
    ages = np.array([5.0, 0.5, np.nan, 700.0], np.float32)
    matrix = FeatureMatrix((Attribute("lead_age_hours", "age"),), ages[:, None])

    assert np.argsort(-asked(named("newest first"), matrix)).tolist() == [1, 0, 3, 2]


def test_the_least_tried_lead_comes_first_and_the_newest_of_equals():
    rows = np.array([[2, 1], [0, 900], [0, 3], [2, 0.5], [7, 0], [np.nan, 4]], np.float32)
    columns = (Attribute("lead_attempts", "attempts"), Attribute("lead_age_hours", "age"))

    key = asked(named("fewest attempts"), FeatureMatrix(columns, rows))

    by_eye = sorted(range(6), key=lambda row: (np.nan_to_num(rows[row, 0]), rows[row, 1]))
    assert np.argsort(-key).tolist() == by_eye == [2, 5, 1, 3, 0, 4]


def test_random_is_no_better_than_chance_and_differs_from_call_to_call():
    matrix, label = a_matrix(4_000)

    said = asked(named("random"), matrix)

    assert np.unique(said).size == 4_000
    assert auc(label, said) == pytest.approx(0.5, abs=0.03)
    assert said[:9].tolist() != asked(named("random"), matrix.take(np.arange(1, 4_000)))[:9].tolist()


def test_points_add_up_as_by_hand():
    """A referral of half an hour that asked for a call; an old name on a list that was tried nine times."""
    columns: dict[str, list[float]] = {
        "channel": [1, 0, np.nan],
        "lead_age_hours": [0.5, 500, 100],
        "lead_promises_30d": [2, 0, np.nan],
        "lead_calls_since_answer": [1, 9, 0],
        "attribute_need": [3, 1, 2],
        "lead_refusals_90d": [0, 1, 0],
    }
    channel = Category("channel", "channel", ("bought_list", "referral"))
    features: tuple[Feature, ...] = (channel, *(Attribute(name, name) for name in list(columns)[1:]))
    matrix = FeatureMatrix(features, np.array(list(columns.values()), np.float32).T)

    said = asked(named("points"), matrix)

    assert said.tolist() == [20 + 20 + 15 - 5 + 15, -20 - 20, 5]


def test_naive_bayes_counts_as_by_hand():
    """60 calls of word a with 12 won, 140 of word b with 7 won; won and lost each get 0.1 per value."""
    word = np.repeat([0, 1], [60, 140]).astype(np.float32)
    label = np.concatenate([np.arange(60) < 12, np.arange(140) < 7]).astype(float)
    matrix = FeatureMatrix((Category("channel", "channel", ("a", "b")),), word[:, None])
    counted = named("naive Bayes")

    said = counted.fit(matrix, label, 1)(matrix)

    won, lost = 19 / 200 * 12.1 / 19.2, 181 / 200 * 48.1 / 181.2
    assert said[0] == pytest.approx(won / (won + lost))


def test_naive_bayes_says_nothing_of_values_seen_too_rarely():
    word = np.repeat([0, 1], [180, 20]).astype(np.float32)
    label = np.concatenate([np.arange(180) < 18, np.arange(20) < 19]).astype(float)
    matrix = FeatureMatrix((Category("channel", "channel", ("a", "b")),), word[:, None])
    counted = named("naive Bayes")

    assert counted.fit(matrix, label, 1)(matrix)[-1] == pytest.approx(label.mean())


@EVERY_RIVAL
def test_a_rival_bears_the_largest_numbers_that_may_be_told(rival):
    matrix, label = a_matrix()
    values = matrix.values.copy()
    values[::2, 0], values[1::2, 0] = LARGEST, -LARGEST
    largest = FeatureMatrix(matrix.features, values)
    later = FeatureMatrix(matrix.features, np.full_like(values, LARGEST)[:20])
    later.values[:, 1] = 1

    for learnt in (matrix, largest):
        predict = rival.fit(learnt, label, 1)

        assert np.isfinite(predict(largest)).all()
        assert np.isfinite(predict(later)).all()
        if rival.write is not None:
            assert np.isfinite(rival.write(learnt, label, 1).score(largest.values, 1)).all()
