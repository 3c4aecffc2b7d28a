"""The closed loop over HTTP: what it says of a world, its files are kept, and a short one differs nowhere."""

import json
from argparse import Namespace

import pytest
from rich.console import Console

from tests.acceptance.days import first_difference

from .closed_loop import Course
from .closed_loop_http import WAYS, compare, file_of, main

LEG = {
    "value_per_hour": 650.0, "polls": 3, "hand_outs": 40, "violations": 0, "leased_twice": 0,
    "degraded_polls": 0, "trainings": ["a champion"],
}  # fmt: skip


@pytest.fixture
def asked(tmp_path) -> Namespace:
    return Namespace(out=tmp_path, family=["F1"], seed=[2], scored=10)


def keep(asked: Namespace, difference: str | None, *legs: dict[str, object]) -> None:
    told = {"family": "F1", "seed": 2, "course": {"scored": 10}, "difference": difference}
    told["legs"] = dict(zip(WAYS, legs, strict=True))
    file_of(asked.out, Course(scored=10), "F1", 2).write_text(json.dumps(told))


def test_the_first_difference_is_named_by_its_place():
    ours = [{"at": "08:00", "items": [{"lead": "a", "score": 1.0}]}, {"at": "08:05", "items": []}]
    theirs = [{"at": "08:00", "items": [{"lead": "a", "score": 1.5}]}, {"at": "08:10", "items": []}]

    assert first_difference(ours, theirs, "polls") == "polls[0].items[0].score: 1.0, not 1.5"
    assert first_difference(ours[1:], theirs[1:], "polls") == "polls[0].at: '08:05', not '08:10'"


def test_a_missing_end_is_a_difference_and_equal_values_have_none():
    assert first_difference([1, 2], [1], "polls") == "polls: 2 of them, not 1 of them"
    assert first_difference([1, {"a": None}], [1, {"a": None}], "polls") is None


def test_what_was_played_is_told_and_not_played_again(asked, capsys):
    keep(asked, None, LEG, LEG)

    assert main(asked, Console(soft_wrap=True))
    assert "| F1, seed 2 | 10 | 1 | 3 | 40 | none | 0 | 0 | 0 | 650.0 |" in capsys.readouterr().out


def test_a_difference_is_told_and_makes_it_fail(asked, capsys):
    keep(asked, "polls[2].items: 5 of them, not 4 of them", LEG, LEG | {"hand_outs": 39})

    assert not main(asked, Console(soft_wrap=True))
    assert "| 40 / 39 | polls[2].items: 5 of them, not 4 of them |" in capsys.readouterr().out


@pytest.mark.slow
def test_a_short_loop_differs_nowhere():
    days = list[int]()

    found = compare(Course(taught=4, scored=1, scale=0.15, agents=2), "F0", 7, days.append)

    served, here = found["legs"].values()
    assert found["difference"] is None
    assert served["hand_outs"] == here["hand_outs"] > 300
    assert served["value_per_hour"] == here["value_per_hour"] > 0
    assert len(days) == 2
