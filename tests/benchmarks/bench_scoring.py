"""Scores and Shapley values of forests by our own loops, against LightGBM's own."""

from collections.abc import Sequence
from functools import partial

import lightgbm
import numpy as np

from features import Moments, compute
from features.kernel import Float32Array
from tests.training.test_bundle import FLOOR, a_bundle
from training.scorer import Native, Own, scorer_of

from .harness import Figure, race, warm_race

COLUMNS, CODES = 40, (3, 5, 8, 12, 30)
"""Columns of the large forest, and how many codes the last five have."""
TAUGHT, SCORED, EXPLAINED = 20_000, 1_000_000, 256


def bench_forests() -> list[Figure]:
    """CPU time of one thread: a large forest, and the five of a bundle of a small floor."""
    rng = np.random.default_rng(11)
    large = Native(large_forest(rng).model_to_string())
    bundle = a_bundle(100)
    rows = compute(
        FLOOR.past, Moments.at_once(np.arange(len(FLOOR.past.leads)), FLOOR.until), bundle.features
    )
    asked = rows.values[rng.integers(0, len(rows), 25_000)]
    heads = [Native(model.trees) for model in bundle.models.values()]
    return [
        *against_native("500 trees of 63 leaves", [large], some_rows(rng, SCORED), rounds=3),
        *against_native("the five forests of a bundle", heads, asked, rounds=5),
    ]


def against_native(name: str, models: list[Native], rows: Float32Array, rounds: int) -> list[Figure]:
    """Scores of all rows and shares of some, each beside LightGBM's."""
    own = [scorer_of(model.text) for model in models]
    assert all(isinstance(one, Own) for one in own)

    def scores(scorers: Sequence[Own | Native], asked: Float32Array) -> None:
        for scorer in scorers:
            scorer.score(asked, 1)

    def shares(scorers: Sequence[Own | Native]) -> None:
        for scorer in scorers:
            scorer.shares(rows[:EXPLAINED], 1)

    scores(own, rows[:EXPLAINED])
    beside = partial(race, against="LightGBM", unit="µs", rounds=rounds)
    warm = partial(warm_race, against="LightGBM", unit="µs", rounds=rounds)
    scored, explained = f"score by {name}, {len(rows):,} rows", f"Shapley values of {name}, {EXPLAINED} rows"
    return [
        warm(scored, partial(scores, own, rows), partial(scores, models, rows), per=len(rows)),
        beside(explained, partial(shares, own), partial(shares, models), per=EXPLAINED),
    ]


def large_forest(rng: np.random.Generator) -> lightgbm.Booster:
    """500 trees of 63 leaves, taught a bit of every column and of pairs of them."""
    rows = some_rows(rng, TAUGHT)
    known = np.nan_to_num(rows.astype(np.float64))
    known[:, -len(CODES) :] = known[:, -len(CODES) :] % 3 - 1
    pairs = known[:, ::2] * known[:, 1::2]
    score = known @ rng.normal(size=COLUMNS) + pairs @ rng.normal(size=COLUMNS // 2)
    label = (score + rng.normal(0, 4, TAUGHT) > 0) * 1.0
    codes = list(range(COLUMNS - len(CODES), COLUMNS))
    told = {"objective": "binary", "num_leaves": 63, "learning_rate": 0.05, "verbosity": -1, "num_threads": 1}
    taught = lightgbm.Dataset(rows, label, categorical_feature=codes, params={"verbosity": -1})
    return lightgbm.train(told, taught, 500)


def some_rows(rng: np.random.Generator, count: int) -> Float32Array:
    """Numbers and codes, one in twenty missing."""
    rows = rng.standard_normal((count, COLUMNS), np.float32)
    for place, many in enumerate(CODES, COLUMNS - len(CODES)):
        rows[:, place] = rng.integers(0, many, count)
    rows[rng.random(rows.shape) < 0.05] = np.nan
    return rows
