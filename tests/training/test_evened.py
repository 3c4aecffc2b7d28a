"""Evened lessons: what was seldom drawn weighs more, within bounds, where the folds are better for it."""

from dataclasses import replace

import numpy as np
import pytest

from features.handed import Handed
from training.calibration import probability
from training.dataset import examples
from training.fit import fit, fit_as
from training.heads import answer
from training.lesson import MOST_RARE, Lesson
from training.splits import time_folds

from .floors import a_floor

HEAD = replace(answer.HEAD, seeds=1, most_trees=5, strengths=(0.01, 0.1), half_lives=(None,))


def a_lesson(drawn: np.ndarray | None, calls: int = 1_200) -> Lesson:
    """One number that tells, and the chance that each example was drawn with."""
    rng = np.random.default_rng(2)
    number = rng.normal(size=calls)
    label = (rng.random(calls) < probability(np.abs(number) - 1)).astype(float)
    values = number[:, None].astype(np.float32)
    return Lesson(values, (False,), np.arange(calls) * 10, label, np.ones(calls), drawn=drawn)


def test_what_was_seldom_drawn_weighs_more_but_not_without_end():
    drawn = np.array([1.0, 0.5, 1e-6, np.nan] * 300)

    weight = a_lesson(drawn).even().weight.reshape(300, 4)[0]

    assert weight[:3] == pytest.approx(np.array([1, 2, MOST_RARE]) / ((1 + 2 + MOST_RARE) / 3))
    assert weight[3] == 1


def test_an_evened_lesson_is_not_evened_again():
    once = a_lesson(np.array([1.0, 0.1, np.nan] * 400)).even()

    assert once.even() is once
    assert not once.selected


@pytest.mark.parametrize(
    "drawn", [None, np.full(1_200, np.nan), np.ones(1_200)], ids=["none", "unknown", "sure"]
)
def test_without_a_draw_there_is_nothing_to_even(drawn):
    lesson = a_lesson(drawn)

    fitted = fit(lesson, HEAD, time_folds(lesson.at, 3, 0.5, 0), threads=1)

    assert lesson.even() is lesson
    assert not fitted.choice.evened
    assert not [trial for trial in fitted.trials if trial.settings["evened"]]


def test_the_folds_decide_whether_to_even():
    number = a_lesson(None).values[:, 0].astype(np.float64)
    lesson = a_lesson(probability(3 * number))

    fitted = fit(lesson, HEAD, time_folds(lesson.at, 3, 0.5, 0), threads=1)

    strength = fitted.choice.strength
    losses = {
        trial.settings["evened"]: trial.loss
        for trial in fitted.trials
        if trial.settings["strength"] == strength
    }
    assert set(losses) == {False, True}
    assert fitted.choice.evened == (losses[True] < losses[False])


def test_evening_changes_the_fit_and_settings_chosen_beforehand_keep_it():
    number = a_lesson(None).values[:, 0].astype(np.float64)
    lesson = a_lesson(probability(3 * number))
    folds = time_folds(lesson.at, 3, 0.5, 0)
    choice = fit(lesson, HEAD, folds, threads=1).choice

    plain, evened = (fit_as(lesson, HEAD, replace(choice, evened=e), folds, 1) for e in (False, True))
    again = fit_as(lesson.even(), HEAD, replace(choice, evened=False), folds, 1)

    assert plain.model.margin.base != evened.model.margin.base
    assert evened.model.margin.base == again.model.margin.base


def test_examples_know_the_chance_that_their_lead_was_drawn_with():
    floor = a_floor(300)
    log = floor.past.log
    handed = Handed({(f"lead-{log.lead[3]}", int(log.started_at[3])): 0.25})

    found = examples(floor.past, answer.HEAD, floor.until, handed)

    assert found.drawn is not None
    assert np.flatnonzero(~np.isnan(found.drawn)).tolist() == [3]
    assert found.drawn[3] == 0.25
    some = found.take(np.arange(3, 9)).drawn
    assert some is not None
    assert np.array_equal(some, found.drawn[3:9], equal_nan=True)
    assert examples(floor.past, answer.HEAD, floor.until).drawn is None
