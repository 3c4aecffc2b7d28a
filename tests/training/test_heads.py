"""What every head promises: names that serving knows, bounds that make sense, and learning a small floor."""

from dataclasses import replace

import numpy as np
import pytest

from features import compute, for_leads
from training.amounts import deviance, said_over_seen
from training.calibration import AS_IT_IS, probability
from training.dataset import Examples, echoes, examples
from training.evaluate import auc, log_loss
from training.fit import Choice, Fitted, OutOfFold, earned, fewest_enough, fit, fit_as
from training.head import Head
from training.heads import heads
from training.lesson import Lesson
from training.splits import time_folds

from .floors import Floor, a_floor

EVERY_HEAD = pytest.mark.parametrize("head", heads(), ids=lambda head: head.name)
CHANCES = pytest.mark.parametrize(
    "head", [head for head in heads() if head.objective == "binary"], ids=lambda head: head.name
)
AMOUNTS = pytest.mark.parametrize(
    "head", [head for head in heads() if head.objective == "amount"], ids=lambda head: head.name
)


@pytest.fixture(scope="module")
def floor() -> Floor:
    return a_floor(1_800)


def taught(floor: Floor, head: Head) -> tuple[Examples, Lesson, Fitted]:
    found = examples(floor.past, head, floor.until)
    matrix = compute(floor.past, found.moments, for_leads(floor.past.leads))
    lesson = Lesson.for_head(head, matrix, found)
    return found, lesson, fit(lesson, head, time_folds(found.at, 3, 0.5, 0), threads=1)


def test_serving_finds_the_heads_it_ranks_by():
    assert {head.name for head in heads() if head.needed} == {"answer", "conversion"}
    assert {head.name for head in heads() if not head.needed} == {"decay", "handle_time", "value"}


@EVERY_HEAD
def test_a_head_says_what_it_means_and_how_much_it_needs(head):
    assert head.label
    assert head.least_calls >= max(2 * head.least_marked, 1)
    assert (head.least_marked > 0) == (head.objective == "binary")
    assert head.leaves <= 63  # the fast scorer reads a tree as one 64-bit word
    assert head.half_lives[0] is None


@CHANCES
def test_a_head_comes_close_to_the_truth_of_a_small_floor(head, floor):
    found, lesson, fitted = taught(floor, head)
    truth = floor.truth[head.name][found.moments.lead]

    said = fitted.model.tell(lesson.values, 1)
    rows = fitted.unseen.rows
    unseen = fitted.chance

    assert np.corrcoef(said, truth)[0, 1] > 0.8
    assert auc(found.label[rows], unseen) > auc(found.label[rows], truth[rows]) - 0.08
    assert log_loss(found.label[rows], unseen) < log_loss(
        found.label[rows], np.full(rows.size, found.label.mean())
    )


@AMOUNTS
def test_amounts_come_close_to_the_truth_of_a_small_floor(head, floor):
    found, lesson, fitted = taught(floor, head)
    rows, truth = fitted.unseen.rows, floor.truth[head.name][found.moments.lead]
    mean = np.full(rows.size, np.exp(found.label).mean())

    assert np.corrcoef(np.log(fitted.model.tell(lesson.values, 1)), np.log(truth))[0, 1] > 0.85
    assert deviance(found.label[rows], fitted.chance) < deviance(found.label[rows], mean) * 0.7
    assert deviance(found.label[rows], fitted.chance) < deviance(found.label[rows], truth[rows]) * 1.3
    assert said_over_seen(found.label[rows], fitted.chance) == pytest.approx(1, abs=0.06)


@EVERY_HEAD
def test_a_head_asks_what_it_wants_and_nothing_that_it_ignores(head, floor):
    names = [feature.name for feature in for_leads(floor.past.leads)]
    heard = [name for name in names if head.hears(name)]

    assert heard
    assert not [name for name in heard if head.ignores and name.startswith(head.ignores)]
    assert all(any(name.startswith(prefix) for name in names) for prefix in head.ignores)
    assert not head.anchor or head.hears(head.anchor)


@EVERY_HEAD
def test_what_a_head_ignores_never_moves_it(head, floor):
    found, lesson, _ = taught(floor, head)
    matrix = compute(floor.past, found.moments, for_leads(floor.past.leads))
    blind = Lesson.of(matrix, found, ignores=("lead_", "attribute_"))
    fitted = fit(blind, head, time_folds(found.at, 3, 0.5, 0), threads=1)
    unheard = [name.startswith(("lead_", "attribute_")) for name in matrix.names]

    plain = fitted.model.score(lesson.values, 1)
    moved = fitted.model.score(np.where(unheard, lesson.values + 1, lesson.values), 1)

    assert any(unheard)
    assert plain.tolist() == moved.tolist()


@CHANCES
def test_no_tree_reads_what_the_margin_follows(head, floor):
    found, lesson, _ = taught(floor, head)
    matrix = compute(floor.past, found.moments, for_leads(floor.past.leads))
    following = Lesson.of(matrix, found, follows=("floor_",))
    fitted = fit_as(following, head, Choice(0.01, None, 20), time_folds(found.at, 3, 0.5, 0), threads=1)
    followed = [name.startswith("floor_") for name in matrix.names]

    moved = np.where(followed, np.float32(0.9), lesson.values)
    trees = fitted.model.scorer

    assert following.follows == tuple(np.flatnonzero(followed))
    assert trees is not None
    assert np.array_equal(trees.score(lesson.values, 1), trees.score(moved, 1))
    assert fitted.model.margin.apply(lesson.values).tolist() != fitted.model.margin.apply(moved).tolist()


@EVERY_HEAD
@pytest.mark.parametrize("sign", [1, -1], ids=["rises", "falls"])
def test_what_the_trade_knows_to_rise_never_falls(head, sign, floor):
    """Of labels that say the opposite, margin and trees say nothing rather than that."""
    found, lesson, _ = taught(floor, head)
    matrix = compute(floor.past, found.moments, for_leads(floor.past.leads))
    place = matrix.names.index("attribute_need")
    against = (sign * lesson.values[:, place] < -0.3).astype(float)
    bound = replace(head, **{"rises" if sign > 0 else "falls": ("attribute_need",)})
    examples_ = replace(found, label=against)

    fitted = fit_as(
        Lesson.for_head(bound, matrix, examples_),
        bound,
        Choice(0.1, None, 10),
        time_folds(found.at, 3, 0.5, 0),
        1,
    )

    asked = np.repeat(lesson.values[:20], 50, axis=0)
    asked[:, place] = np.tile(np.linspace(-4, 4, 50), 20)
    steps = sign * np.diff(fitted.model.score(asked, 1).reshape(20, 50), axis=1)
    assert steps.min() >= -1e-9
    free = fit_as(
        Lesson.for_head(head, matrix, examples_),
        head,
        Choice(0.1, None, 10),
        time_folds(found.at, 3, 0.5, 0),
        1,
    )
    assert (sign * np.diff(free.model.score(asked, 1).reshape(20, 50), axis=1)).min() < -0.1


@EVERY_HEAD
def test_settings_chosen_beforehand_give_what_the_search_would_have_with_them(head, floor):
    found, lesson, fitted = taught(floor, head)

    again = fit_as(lesson, head, fitted.choice, time_folds(found.at, 3, 0.5, 0), threads=1)

    assert again.model.trees == fitted.model.trees
    assert again.chance == pytest.approx(fitted.chance, abs=1e-9)
    assert again.unseen.rows.tolist() == fitted.unseen.rows.tolist()


def test_rates_by_a_field_of_one_value_are_echoes_of_the_floors(floor):
    fields = {name: column.levels for name, column in floor.past.leads.coded.items()}
    found = echoes(for_leads(floor.past.leads), floor.past.leads)

    assert {name.split("_")[0] for name in found} >= {"channel", "source"} - {
        name for name, levels in fields.items() if len(levels) > 1
    }
    assert not [name for name in found if name.startswith("floor")]
    assert not [name for name in found if len(fields[name.split("_")[0]]) > 1]


@EVERY_HEAD
def test_the_same_lesson_gives_the_same_model(head):
    small = a_floor(500)

    one, other = taught(small, head)[2], taught(small, head)[2]

    assert one.model.trees == other.model.trees
    assert one.choice == other.choice
    assert one.model.margin.base == other.model.margin.base


def test_labels_without_reason_are_given_no_reason():
    small = a_floor(800)
    head = heads()[0]
    found = examples(small.past, head, small.until)
    chance = np.random.default_rng(8).random(len(found)) < 0.3
    lesson = Lesson.of(compute(small.past, found.moments, for_leads(small.past.leads)), found)
    noise = Lesson(lesson.values, lesson.categorical, lesson.at, chance.astype(float), lesson.weight)

    fitted = fit(noise, head, time_folds(found.at, 3, 0.5, 0), threads=1)

    said = fitted.model.calibration.apply(fitted.model.score(noise.values, 1))
    assert said.std() < 0.06


@pytest.mark.parametrize(("boast", "believed"), [(1.0, True), (2.5, False)])
def test_a_calibration_must_earn_its_keep_on_other_folds(boast, believed):
    rng = np.random.default_rng(6)
    truth = rng.normal(-1, 1, 2_000)
    label = (rng.random(2_000) < probability(truth)).astype(float)
    unseen = OutOfFold(np.arange(2_000), boast * truth, np.arange(2_000) // 500)

    calibration, told = earned(unseen, label, np.ones(2_000))

    assert (calibration is AS_IT_IS) == believed
    assert log_loss(label, told) <= log_loss(label, probability(boast * truth))


def test_a_tree_more_must_earn_its_keep():
    assert fewest_enough(np.array([0.5, 0.4, 0.39999, 0.39998])) == 1
    assert fewest_enough(np.array([0.5, 0.6])) == 0


def test_recent_calls_weigh_more_once_a_half_life_is_chosen(floor):
    _, lesson, _ = taught(a_floor(500), heads()[0])

    weight = lesson.fading(int(lesson.at[-1] - lesson.at[0]))

    assert weight[[0, -1]].tolist() == [0.5, 1.0]
    assert lesson.fading(None) is lesson.weight
