"""Our own loops over trees: LightGBM's scores to the last bit, its Shapley values but for rounding."""

import re
import subprocess
import sys
from pathlib import Path

import lightgbm
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.kernel import Float32Array
from training import blocks, forest, tree_shap
from training.blocks import BLOCK
from training.scorer import FEW, Native, Own, scorer_of, side_by_side, warm_up

from .forests import (
    boosters,
    native_scores,
    native_shares,
    rows_for,
    scored_by_walking,
    shares_by_fractions,
    shares_by_subsets,
)

ROOT = Path(__file__).parent.parent.parent
MANY = 4 * FEW
"""Enough to go by blocks rather than by walks."""
COMPILED = pytest.mark.skipif(
    bool(getattr(numba.config, "DISABLE_JIT", 0)), reason="nothing is compiled in this run"
)


def own(booster: lightgbm.Booster) -> Own:
    scorer = scorer_of(booster.model_to_string())
    assert isinstance(scorer, Own)
    return scorer


@settings(deadline=None, max_examples=60)
@given(booster=boosters(), seed=st.integers(0, 2**32 - 1), rows=st.sampled_from([1, FEW, FEW + 1, MANY]))
def test_every_score_is_lightgbms_to_the_last_bit(booster, seed, rows):
    values = rows_for(booster, np.random.default_rng(seed), rows)

    said = own(booster).score(values, 1)

    assert said.tolist() == native_scores(booster, values).tolist()


@settings(deadline=None, max_examples=30)
@given(booster=boosters(), seed=st.integers(0, 2**32 - 1))
def test_shares_are_lightgbms_but_for_rounding(booster, seed):
    values = rows_for(booster, np.random.default_rng(seed), 20)

    base, shares = own(booster).shares(values, 1)

    told = native_shares(booster, values)
    assert shares == pytest.approx(told[:, :-1], abs=1e-10, rel=1e-10)
    assert base == pytest.approx(told[0, -1], abs=1e-10, rel=1e-10)


@settings(deadline=None, max_examples=15)
@given(booster=boosters(), seed=st.integers(0, 2**32 - 1))
def test_scores_and_shares_are_what_their_twins_reckon_by_hand(booster, seed):
    values, scorer = rows_for(booster, np.random.default_rng(seed), 2 * FEW), own(booster)

    scores, (_, shares) = scorer.score(values, 1), scorer.shares(values[:2], 1)

    assert scores.tolist() == [scored_by_walking(booster, row) for row in values]
    assert shares == pytest.approx(
        np.array([shares_by_subsets(booster, row) for row in values[:2]]), abs=1e-9
    )


def grown(values: Float32Array, label: np.ndarray, trees: int = 5, **told: object) -> lightgbm.Booster:
    """As many trees as asked, of parameters for few rows."""
    few = {"objective": "regression", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 1}
    return lightgbm.train(
        {**few, **told}, lightgbm.Dataset(values, label, params={"verbosity": -1, **told}), trees
    )


def noise(rows: int, columns: int) -> tuple[Float32Array, np.ndarray]:
    """Nothing to learn, so that trees use all they may."""
    rng = np.random.default_rng(5)
    return rng.normal(size=(rows, columns)).astype(np.float32), rng.normal(size=rows)


def test_a_path_of_many_features_is_exact_as_well():
    """A row goes down as long as its features are on, 34 of them. LightGBM loses digits there."""
    rng = np.random.default_rng(3)
    values = (rng.random((4_000, 34)) < 0.96).astype(np.float32)
    booster = grown(values, np.cumprod(values, axis=1).sum(axis=1), 1, num_leaves=64)
    scorer = own(booster)

    base, shares = scorer.shares(values[:300], 1)

    assert scorer.paths.rule.max() > 16
    assert shares[0] == pytest.approx(shares_by_fractions(booster, values[0]), abs=1e-12)
    assert base + shares.sum(axis=1) == pytest.approx(scorer.score(values[:300], 1), abs=1e-10)


def test_a_threshold_that_no_float32_can_be_is_kept_exactly():
    values, label = noise(200, 1)
    text = grown(values, label, 1, num_leaves=8).model_to_string()
    hard = "threshold=1e-37 -1e-37 1e300 -1e300 0.1 16777217 -0.1"
    booster = lightgbm.Booster(model_str=re.sub(r"^threshold=.*$", hard, text, flags=re.MULTILINE))
    near = np.array([0.1, -0.1, 16777216, 3e38, 1e-37, 1e-45, 0, np.inf], np.float32)
    rows = np.concatenate([near, -near, np.nextafter(near, np.float32(9))])[:, None]

    for scored in (np.repeat(rows, 9, axis=0), rows[:FEW]):
        assert own(booster).score(scored, 1).tolist() == native_scores(booster, scored).tolist()


def test_trees_that_never_split_say_their_one_leaf():
    booster = grown(np.zeros((50, 2), np.float32), np.full(50, 3.0))
    rows = np.zeros((MANY, 2), np.float32)

    assert own(booster).score(rows, 1).tolist() == native_scores(booster, rows).tolist()
    assert own(booster).shares(rows, 1)[1].tolist() == np.zeros((MANY, 2)).tolist()


@pytest.mark.parametrize("rows", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_rows_are_scored_alike_in_blocks_and_on_two_threads(rows):
    values, label = noise(max(rows, 300), 3)
    booster = grown(values, label, num_leaves=31)
    told = [native_scores(booster, values[:rows]).tolist() if rows else []] * 2

    assert [own(booster).score(values[:rows], threads).tolist() for threads in (1, 2)] == told


def test_shares_are_alike_on_two_threads():
    values, label = noise(300, 3)
    scorer = own(grown(values, label))

    assert scorer.shares(values, 2)[1].tolist() == scorer.shares(values, 1)[1].tolist()


@pytest.mark.parametrize("rows", [1, MANY])
def test_rows_with_too_few_columns_are_refused_rather_than_read_past(rows):
    values, label = noise(300, 3)
    scorer = own(grown(values, label))

    for read in (scorer.score, scorer.shares):
        with pytest.raises(ValueError, match="1 columns, but the trees ask for 3"):
            read(values[:rows, :1], 1)


def test_every_row_is_worked_on_once():
    for rows in (0, 1, 9, 10, 11, 25):
        done: list[int] = []

        side_by_side(lambda begin, end: done.extend(range(begin, end)), rows, 5, 2)  # noqa: B023

        assert sorted(done) == list(range(rows))


def too_much() -> dict[str, lightgbm.Booster]:
    """A model for each reason to leave it to LightGBM."""
    values, label = noise(600, 2)
    codes = np.arange(600, dtype=np.float32)[:, None] % 70
    classes = np.arange(600) % 3
    bagged: dict[str, object] = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}
    far = lightgbm.Dataset(codes, (codes[:, 0] > 64) * 1.0, categorical_feature=[0], params={"verbosity": -1})
    one = {
        "objective": "regression",
        "verbosity": -1,
        "min_data_per_group": 1,
        "cat_smooth": 1,
        "num_threads": 1,
    }
    return {
        "leaves": grown(values, label, 1, num_leaves=65),
        "thresholds": grown(values, label, 30, num_leaves=64, max_bin=600, min_data_in_bin=1),
        "codes": lightgbm.train(one, far, 2),
        "zero as missing": grown(values, label, zero_as_missing=True),
        "linear leaves": grown(values, label, linear_tree=True, min_data_in_leaf=20),
        "classes": grown(values, classes, objective="multiclass", num_class=3),
        "averaged trees": grown(values, label, 5, **bagged),
    }


@pytest.mark.parametrize("kind", too_much())
def test_what_our_own_loops_cannot_hold_lightgbm_reads(kind):
    booster = too_much()[kind]
    values = np.repeat(np.arange(0, 80, dtype=np.float32)[:, None], booster.num_feature(), axis=1)

    scorer = scorer_of(booster.model_to_string())

    assert isinstance(scorer, Native)
    assert scorer.score(values, 1).tolist() == native_scores(booster, values).tolist()
    if kind not in ("classes", "linear leaves"):
        told = native_shares(booster, values)
        assert scorer.shares(values, 1)[1].tolist() == told[:, :-1].tolist()
        assert scorer.shares(values, 1)[0] == told[0, -1]


def test_a_text_without_its_end_is_not_read_by_halves():
    values, label = noise(300, 2)
    text = grown(values, label).model_to_string()

    assert isinstance(scorer_of(text[: text.index("Tree=3")]), Native)


def test_a_bundle_opens_lightgbm_only_when_it_needs_it():
    opened = "import sys, training.bundle; sys.exit('lightgbm' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", opened], cwd=ROOT, check=False).returncode == 0


@COMPILED
def test_after_warming_up_no_shape_of_rows_compiles_anything():
    warm_up()
    compiled = signatures()
    values, label = noise(300, 4)
    scorer, frozen = own(grown(values, label)), values.view()
    frozen.flags.writeable = False

    for rows in (
        values,
        values[::2],
        values[:, ::-1],
        np.asfortranarray(values),
        frozen,
        values[:3],
        values[:0],
    ):
        scorer.score(rows, 2)
        scorer.shares(rows, 2)

    assert signatures() == compiled
    assert set(compiled.values()) <= {0, 1}


def signatures() -> dict[str, int]:
    """How many versions of each loop are compiled; parts go into their loops."""
    return {
        f"{module.__name__}.{name}": len(loop.signatures)
        for module in (forest, blocks, tree_shap)
        for name, loop in vars(module).items()
        if hasattr(loop, "signatures") and loop.__module__ == module.__name__
        if not loop.targetoptions.get("forceinline")
    }
