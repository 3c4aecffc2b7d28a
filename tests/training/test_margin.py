"""The margin: a ridge regression over curves, additive, flat beyond what was seen, calm about gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge

from training.calibration import probability
from training.design import Design
from training.margin import Anchor, Curve, Margin
from training.places import Places
from training.ridge import ridge_amounts, ridge_weights

from .forests import EDGES

NAN = np.nan


def some_calls(size: int = 800, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """A number that bends, a category, a count, a constant; and labels that follow the first two."""
    rng = np.random.default_rng(seed)
    number, word = rng.normal(size=size), rng.integers(0, 3, size)
    label = rng.random(size) < probability(np.abs(number) + np.array([-1.5, 0, 0.5])[word] - 1)
    number[rng.random(size) < 0.1] = NAN
    values = np.column_stack([number, word, rng.poisson(1, size), np.ones(size)])
    return values.astype(np.float32), label.astype(np.float64)


KINDS = (False, True, False, False)


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_weights_are_those_of_scikit_learns_ridge_logistic_regression(strength):
    values, label = some_calls()
    design = Design.of(values, KINDS)
    weight = np.linspace(0.5, 1.5, label.size)

    found = ridge_weights(design, label, weight, strength)

    slow = LogisticRegression(C=strength, solver="lbfgs", tol=1e-9, max_iter=5_000)
    slow.fit(design.columns[:, :-1].astype(np.float64), label, sample_weight=weight)
    assert found == pytest.approx(np.append(slow.coef_, slow.intercept_), abs=2e-4)


def test_a_margin_says_what_its_design_fitted():
    values, label = some_calls()
    design = Design.of(values, KINDS)
    weights = ridge_weights(design, label, np.ones(label.size), 1.0)

    margin, score = design.fitted(weights)
    said = margin.apply(values)

    assert said == pytest.approx(design.columns @ weights, abs=1e-5)
    assert said == pytest.approx(design.score(weights), abs=1e-6)
    assert said == pytest.approx(score, abs=1e-6)


def test_shares_add_up_and_are_zero_on_average():
    values, label = some_calls()
    design = Design.of(values, KINDS)
    margin = design.fitted(ridge_weights(design, label, np.ones(label.size), 1.0))[0]

    shares = margin.shares(values)

    assert margin.base + shares.sum(axis=1) == pytest.approx(margin.apply(values))
    assert shares.mean(axis=0) == pytest.approx(0, abs=1e-6)


def test_a_bend_is_learned_and_beyond_the_seen_nothing_grows():
    values, label = some_calls(6_000)
    design = Design.of(values, KINDS)
    curve = design.fitted(ridge_weights(design, label, np.ones(label.size), 1.0))[0].curves[0]

    ends, middle = curve.at(np.array([-2, 2], np.float32)), curve.at(np.array([0], np.float32))

    assert ends.min() > middle[0] + 0.5
    assert curve.at(np.array([50, 5_000], np.float32)).tolist() == [curve.values[-1]] * 2


def test_an_unheard_of_word_reads_as_missing():
    table = Curve(True, np.empty(0), np.array([0.1, 0.2]), -0.3)

    assert table.at(np.array([0, 1, 2, NAN, -1], np.float32)).tolist() == [0.1, 0.2, -0.3, -0.3, -0.3]


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Lines, steps, categories and silence, some of it of one value or none."""
    some = st.floats(-9, 9, width=32)
    values = np.array(draw(st.lists(some, max_size=6)), np.float64)
    missing = draw(some | st.just(0.0))
    kind = draw(st.sampled_from(["line", "steps", "words", "silent"]))
    if kind == "words":
        return Curve(True, np.empty(0), values, missing)
    knots = np.unique(np.array(draw(st.lists(some, min_size=6, max_size=6))) + 0.0)[: values.size]
    if kind == "steps" and knots.size:
        return Curve.steps(knots[1:].tolist(), values[: knots.size].tolist(), missing)
    return Curve(False, knots, values[: knots.size] * (kind == "line"), missing * (kind == "line"))


@given(made=st.lists(curves(), min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_all_curves_in_one_loop_say_to_the_last_bit_what_each_says_by_itself(made, seed):
    knots = np.concatenate([EDGES, *(curve.knots for curve in made)]).astype(np.float32)
    values = np.random.default_rng(seed).choice(knots, (40, len(made)))
    margin = Margin(-1.25, tuple(made))

    shares = np.column_stack([curve.at(values[:, place]) for place, curve in enumerate(made)])
    total = np.full(40, -1.25)
    for share in shares.T:
        total += share

    assert margin.shares(values).tolist() == shares.tolist()
    assert margin.apply(values).tolist() == total.tolist()


def test_rows_with_too_few_columns_are_refused_rather_than_read_past():
    margin = Margin(0.0, (Curve(True, np.empty(0), np.ones(1), 0.0),) * 2)

    with pytest.raises(ValueError, match="1 columns, but the margin has 2 curves"):
        margin.apply(np.zeros((3, 1), np.float32))


def test_columns_that_never_vary_and_columns_of_nothing_have_no_say():
    values, label = some_calls()
    values = np.column_stack([values, np.full(label.size, NAN, np.float32)])
    design = Design.of(values, (*KINDS, False))

    margin = design.fitted(ridge_weights(design, label, np.ones(label.size), 1.0))[0]

    assert margin.shares(values)[:, 3:] == pytest.approx(0, abs=1e-9)


@given(
    knots=st.lists(st.floats(-100, 100), min_size=2, max_size=7, unique=True).map(sorted),
    asked=st.lists(st.floats(-200, 200, width=32) | st.just(NAN), min_size=1, max_size=20),
)
@settings(deadline=None)
def test_places_read_the_line_through_the_knots(knots, asked):
    at, column = np.array(knots), np.array(asked, np.float32)
    if np.any(np.diff(at) < 1e-3):
        return
    values = np.sin(at)

    read = Places.of(column[:, None], [at], [at.size]).read(np.append(values, 9.0))

    line = np.where(np.isnan(column), 9.0, np.interp(column, at, values))
    assert read == pytest.approx(line, abs=1e-5)


def test_places_read_and_gather_as_their_matrix_does():
    values, label = some_calls()
    design = Design.of(values, KINDS)
    rng = np.random.default_rng(1)
    weights, amount = rng.normal(size=design.width + 1), rng.normal(size=label.size)

    slow = design.columns.astype(np.float64)

    assert design.score(weights) == pytest.approx(slow @ weights, abs=1e-4)
    assert design.slope(amount) == pytest.approx(amount @ slow, abs=1e-3)


def test_a_column_of_one_value_with_gaps_tells_the_gaps_apart():
    column = np.where(np.arange(400) % 4 == 0, NAN, 7.0).astype(np.float32)[:, None]
    label = (np.arange(400) % 4 == 0).astype(np.float64)
    design = Design.of(column, (False,))

    margin = design.fitted(ridge_weights(design, label, np.ones(400), 1.0))[0]

    missing, seen = margin.curves[0].at(column[:2, 0])
    assert missing > 1
    assert seen < 0


def test_a_trusted_feature_is_shrunk_less():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(2_000, 2)).astype(np.float32)
    label = (rng.random(2_000) < probability(0.8 * values.sum(axis=1).astype(np.float64) - 2)).astype(float)
    design = Design.of(values, (False, False), trust=(6.0, 1.0))

    margin = design.fitted(ridge_weights(design, label, np.ones(2_000), strength=0.001))[0]

    trusted, plain = (np.ptp(curve.values) for curve in margin.curves)
    assert trusted > 2 * plain > 0


def test_a_rate_that_is_followed_counts_beyond_what_was_seen():
    rng = np.random.default_rng(9)
    rate = rng.uniform(0.02, 0.08, 6_000)
    label = (rng.random(6_000) < rate).astype(float)
    values = rate[:, None].astype(np.float32)
    design = Design.of(values, (False,), follows=(0,))

    margin = design.fitted(ridge_weights(design, label, np.ones(6_000), strength=1.0))[0]

    told = margin.apply(np.array([[0.05], [0.5]], np.float32))
    assert told[1] - told[0] == pytest.approx(np.log(0.5 / 0.5) - np.log(0.05 / 0.95), rel=0.3)
    assert probability(margin.apply(values)).mean() == pytest.approx(label.mean(), abs=1e-3)


def test_a_rate_that_is_followed_has_one_slope():
    design = Design.of(some_calls()[0], KINDS, follows=(0,))

    curve = design.fitted(np.ones(design.width + 1))[0].curves[0]

    assert np.diff(curve.values) == pytest.approx(np.diff(curve.values)[0])
    assert np.diff(curve.values)[0] > 0


def some_amounts(size: int = 600, seed: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A number, and what is said of each amount where somebody says it; logarithms that follow both."""
    rng = np.random.default_rng(seed)
    number, said = rng.normal(size=size), np.exp(rng.normal(4, 0.8, size))
    label = np.log(said) + 0.5 * np.tanh(number) + rng.normal(0, 0.1, size)
    said[rng.random(size) < 0.2] = NAN
    return np.column_stack([number, said]).astype(np.float32), label


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_weights_of_amounts_are_those_of_scikit_learns_ridge(strength):
    values, label = some_calls()[0], np.random.default_rng(1).normal(size=800)
    design, weight = Design.of(values, KINDS), np.linspace(0.5, 1.5, label.size)
    noise = weight @ (label - label.mean()) ** 2 / weight.sum()

    found = ridge_amounts(design, label, weight, strength)

    slow = Ridge(alpha=1.0, fit_intercept=False, solver="svd")
    scale = np.append(np.full(design.width, np.sqrt(strength / noise)), 1 / np.sqrt(20))
    slow.fit(design.columns * scale, label, sample_weight=weight)
    assert found == pytest.approx(slow.coef_ * scale, abs=1e-4)


def test_an_amount_starts_from_its_anchor_and_leaves_it_where_examples_say_so():
    values, label = some_amounts()
    anchor, design = Anchor(1, 4.2), Design.of(values, (False, False))

    def said(strength: float) -> np.ndarray:
        weights = ridge_amounts(design, label - anchor.start(values), np.ones(label.size), strength)
        margin = anchor.onto(design.fitted(weights)[0])
        return margin.apply(np.array([[0, 20], [0, 200], [0, NAN], [2, 20]], np.float32))

    timid, bold = said(1e-9), said(1.0)

    assert timid == pytest.approx([np.log(20), np.log(200), 4.2, np.log(20)], abs=0.03)
    assert bold[:2] == pytest.approx(np.log([20, 200]), abs=0.1)
    assert bold[3] - bold[0] == pytest.approx(0.5, abs=0.12)


def test_few_amounts_hardly_move_the_base():
    values, _ = some_amounts(4)
    design = Design.of(values, (False, False))

    base = design.fitted(ridge_amounts(design, np.full(4, 2.0), np.ones(4), 1e-9))[0].base

    assert base == pytest.approx(2.0 * 4 / (4 + 20), abs=1e-4)


def test_an_anchor_reads_the_logarithm_and_goes_on_beyond_what_was_seen():
    said = np.array([[0.5], [3.0], [7.7e6], [NAN]], np.float32)

    assert Anchor(0, 2.0).start(said) == pytest.approx([*np.log(said[:3, 0]), 2.0], abs=2e-3)


def test_amounts_that_never_vary_are_fitted_in_peace():
    design = Design.of(some_calls()[0], KINDS)

    assert np.isfinite(ridge_amounts(design, np.full(800, 3.0), np.ones(800), 0.1)).all()


def test_amounts_that_are_what_was_said_of_them_are_fitted_in_peace():
    values = some_amounts(400)[0]
    label = np.random.default_rng(2).normal(0, 1e-7, 400)

    weights = ridge_amounts(Design.of(values, (False, False)), label, np.ones(400), 0.1)

    assert weights == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sign_bends_a_curve_and_lets_its_neighbour_say_the_rest(sign):
    """Of two columns that are nearly the same, none is pushed against its sign by the other."""
    rng = np.random.default_rng(12)
    one = rng.normal(size=4_000)
    values = np.column_stack([one, one + 0.3 * rng.normal(size=4_000)]).astype(np.float32)
    label = (rng.random(4_000) < probability(sign * one - 1.0)).astype(float)
    free, bound = (Design.of(values, (False, False), signs=signs) for signs in ((), (sign, -sign)))

    freely, _ = free.fitted(ridge_weights(free, label, np.ones(4_000), 1.0))
    margin, score = bound.fitted(ridge_weights(bound, label, np.ones(4_000), 1.0))

    assert (sign * np.diff(margin.curves[0].values)).min() >= 0
    assert (sign * np.diff(margin.curves[1].values)).max() <= 0
    assert np.corrcoef(score, freely.apply(values))[0, 1] > 0.97
    assert score == pytest.approx(margin.apply(values), abs=1e-5)
    assert probability(score).mean() == pytest.approx(label.mean(), abs=0.005)


@pytest.mark.parametrize("sign", [1, -1], ids=["rises", "falls"])
def test_a_curve_with_a_sign_goes_on_straight_for_as_far_again_as_calls_reach(sign):
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 100, (6_000, 1)).astype(np.float32)
    label = (rng.random(6_000) < probability(sign * 0.02 * (values[:, 0] - 50))).astype(float)
    free, bound = (Design.of(values, (False,), signs=signs) for signs in ((), (sign,)))

    ages = np.array([50, 100, 190, 200, 5_000], np.float32)
    flat, on = (
        one.fitted(ridge_weights(one, label, np.ones(6_000), 1.0))[0].curves[0].at(ages)
        for one in (free, bound)
    )

    assert flat[1:] - flat[0] == pytest.approx(sign * 1.0, abs=0.3)
    assert on[1:3] - on[0] == pytest.approx([sign * 1.0, sign * 2.8], abs=0.3)
    assert on[3:] == pytest.approx(on[2], abs=0.3)


@pytest.mark.parametrize("seed", range(6))
def test_amounts_that_hardly_vary_are_fitted_whatever_their_columns(seed):
    rng = np.random.default_rng(seed)
    values = np.column_stack([some_amounts(300, seed)[0], rng.normal(size=(300, 12)).cumsum(axis=1)])
    values = np.column_stack([values, values[:, 3:9] * 2]).astype(np.float32)
    design = Design.of(values, (False,) * values.shape[1], trust=(6.0,) * values.shape[1])

    weights = ridge_amounts(design, rng.normal(0, 1e-4, 300), np.ones(300), 0.1)

    assert np.abs(weights).max() < 0.01
