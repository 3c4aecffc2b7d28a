"""Seeds: one model whose log-odds and Shapley values are the means of those of several."""

import lightgbm
import numpy as np
import pytest

from training.seeds import averaged


def grown(seed: int, trees: int = 5) -> lightgbm.Booster:
    """Trees over a number with gaps, a word and noise, each tree with columns of its own."""
    values, label = some_rows()
    rows = lightgbm.Dataset(values, label, categorical_feature=[1], params={"verbosity": -1})
    told = {"objective": "binary", "feature_fraction": 0.4, "feature_fraction_seed": seed, "verbosity": -1}
    return lightgbm.train({**told, "num_leaves": 8}, rows, trees)


def some_rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    values = np.column_stack([rng.normal(size=600), rng.integers(0, 6, 600), rng.normal(size=600)])
    label = (rng.random(600) < 0.2 + 0.3 * (values[:, 0] > 0) + 0.3 * (values[:, 1] > 3)).astype(float)
    values[rng.random(600) < 0.1, 0] = np.nan
    return values, label


@pytest.mark.parametrize("told", [{"raw_score": True}, {"pred_contrib": True}], ids=["score", "shapley"])
def test_the_average_says_the_mean_of_what_each_seed_says(told):
    values, _ = some_rows()
    seeds = [grown(1), grown(2), grown(3, trees=2)]

    said = averaged(seeds).predict(values, **told)

    each = [booster.predict(values, **told) for booster in seeds]
    assert np.ptp(each, axis=0).max() > 0.01
    assert said == pytest.approx(np.mean(each, axis=0), abs=1e-12)


def test_the_average_is_text_like_any_model():
    both = averaged([grown(1), grown(2)])

    again = lightgbm.Booster(model_str=both.model_to_string())

    assert both.num_trees() == again.num_trees() == 10
    assert np.array_equal(again.predict(some_rows()[0]), both.predict(some_rows()[0]))


def test_one_seed_is_its_own_average():
    alone = grown(1)

    assert averaged([alone]) is alone
