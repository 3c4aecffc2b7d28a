"""The search: never worse than what the head had, within its budget, resumed where it was interrupted."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from features import compute, for_leads
from training.bundle import Bundle
from training.dataset import HandleSeconds, examples
from training.head import SETTINGS, Head
from training.heads import answer, conversion
from training.lesson import Lesson
from training.pipeline import learned, tuned
from training.search import Budget, Search
from training.splits import time_folds

from .floors import a_floor

HEAD = answer.HEAD


def quiet(_: str) -> None:
    """Nobody listens."""


def a_search(folder: Path, budget: str, **how: object) -> Search:
    return replace(Search(Budget.of(budget), folder / "search.db", 1, quiet), **how)  # type: ignore[arg-type]


def worth(head: Head) -> float:
    """Least at small trees and slow learning."""
    return abs(head.leaves - 6) + abs(float(np.log(head.learning_rate / 0.03)))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("40", Budget(trials=40)),
        ("90s", Budget(seconds=90)),
        ("2m", Budget(seconds=120)),
        ("1h", Budget(seconds=3600)),
    ],
)
def test_a_budget_is_a_number_of_trials_or_a_time(text, budget):
    assert Budget.of(text) == budget


@pytest.mark.parametrize("text", ["", "0", "0m", "-3", "2d", "m", "2.5m"])
def test_a_budget_that_says_nothing_is_refused(text):
    with pytest.raises(ValueError, match="neither a number of trials"):
        Budget.of(text)


def test_the_heads_own_settings_are_tried_first_and_better_ones_are_found(tmp_path):
    search = a_search(tmp_path, "30")

    with search.study("leaves") as study:
        done = search.run(study, HEAD, worth)

    assert len(done) == 30
    assert done[0].settings == HEAD.settings
    assert min(trial.loss for trial in done) < worth(HEAD) / 3
    assert set(done[-1].settings) == set(SETTINGS)


def test_an_interrupted_search_goes_on_where_it_was(tmp_path):
    search, asked = a_search(tmp_path, "8"), count()

    def interrupted(head: Head) -> float:
        if next(asked) == 3:
            raise KeyboardInterrupt
        return worth(head)

    with pytest.raises(KeyboardInterrupt), search.study("leaves") as study:
        search.run(study, HEAD, interrupted)
    with search.study("leaves") as study:
        done = search.run(study, HEAD, worth)
        again = search.run(study, HEAD, worth)

    assert len(done) == 8
    assert again == done
    assert len({tuple(trial.settings.items()) for trial in done}) == 8


def test_a_search_that_never_began_its_first_trial_still_tries_the_heads_own(tmp_path):
    search = a_search(tmp_path, "3")

    def broken(head: Head) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), search.study("leaves") as study:
        search.run(study, HEAD, broken)
    with search.study("leaves") as study:
        done = search.run(study, HEAD, worth)

    assert HEAD.settings in [trial.settings for trial in done]


def test_time_is_up_after_the_seconds_of_all_trials_interrupted_ones_included(tmp_path):
    ticks = count(0, 10)
    search = a_search(tmp_path, "50s", clock=lambda: float(next(ticks)))

    with search.study("leaves") as study:
        done = search.run(study, HEAD, worth)

    assert [trial.seconds for trial in done] == [10.0] * 5


def test_a_head_is_tuned_on_all_folds_but_the_one_the_gate_looks_at(tmp_path):
    floor = a_floor(500)
    found = examples(floor.past, HEAD, floor.until)
    lesson = Lesson.for_head(HEAD, compute(floor.past, found.moments, for_leads(floor.past.leads)), found)
    folds = time_folds(found.at, 3, 0.5, 0)
    turned = replace(lesson, label=lesson.label.copy())
    turned.label[folds[-1].test] = 1 - turned.label[folds[-1].test]

    best, done = a_search(tmp_path, "2").tune(HEAD, lesson, folds)
    _, others = a_search(tmp_path, "2").tune(HEAD, turned, folds)

    assert [trial.loss for trial in done] == [trial.loss for trial in others]
    assert best.settings == min(done, key=lambda trial: trial.loss).settings
    assert best == HEAD.tuned(best.settings)


def test_nothing_is_searched_where_no_fold_can_judge(tmp_path):
    floor = a_floor(300)
    found = examples(floor.past, HEAD, floor.until)
    lesson = Lesson.for_head(HEAD, compute(floor.past, found.moments, for_leads(floor.past.leads)), found)

    assert a_search(tmp_path, "2").tune(HEAD, lesson, ()) == (HEAD, ())


def test_later_trainings_begin_with_what_the_champions_search_found():
    found = HEAD.tuned({**HEAD.settings, "leaves": 5, "shrinkage": 3.5})
    facts = learned({"answer": found, "conversion": conversion.HEAD})
    champion = Bundle("v1", 0, (), {}, HandleSeconds(1.0, 2.0, 3.0), facts=facts)

    assert list(facts) == ["answer settings"]
    assert tuned(HEAD, champion) == found
    assert tuned(conversion.HEAD, champion) == conversion.HEAD
    assert tuned(HEAD, None) == HEAD
