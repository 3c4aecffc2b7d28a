"""The race: nobody sees what comes after, everybody scores the same calls, the leak is refused by name."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import LeakingColumn
from features.instants import NEVER
from training.baselines import rivals
from training.evaluate import auc
from training.fit import Choice
from training.race import (
    CHOOSING_EVERY,
    NEVER_AGAIN,
    Course,
    blocks,
    course,
    demand,
    fits_of,
    markdown,
    ours,
    race,
    record_of,
    refuse,
)

from .floors import a_floor

BANK = os.environ.get("LEADRANK_BANK_DATA", "")


@pytest.fixture(scope="module")
def small() -> Course:
    return course(a_floor(1_500).past, NEVER)


def test_windows_end_where_their_block_begins():
    found = blocks(25_000, 25_250, 100)

    assert [(window[0], window[-1] + 1, rows[0], rows[-1] + 1) for window, rows in found] == [
        (5_000, 25_000, 25_000, 25_100),
        (5_100, 25_100, 25_100, 25_200),
        (5_200, 25_200, 25_200, 25_250),
    ]


def test_duration_is_refused_by_name_and_reason():
    with pytest.raises(LeakingColumn, match=r"column=duration, reason=known only after the call"):
        demand("duration")

    assert refuse(["duration", "age", "job"]) == {"duration": "known only after the call"}


def test_rivals_see_the_leads_own_columns_and_nothing_derived(small):
    assert small.rivals.names == ["attribute_need"]
    assert len(small.ours.names) > len(small.rivals.names)


def test_everyone_runs_at_every_pace_over_the_same_calls(small):
    ticks: list[int] = []

    report = race(small, [100, 300], refuse(["duration"]), 1, lambda: ticks.append(1))

    many = 1 + len(rivals())
    assert [run.every for run in report.runs] == [100] * many + [300] * many + [NEVER_AGAIN] * many
    assert {run.chance.size for run in report.runs[: 2 * many]} == {report.scored}
    assert {run.chance.size for run in report.runs[2 * many :]} == {small.label.size - small.frozen}
    assert len(ticks) == fits_of(small, [100, 300])
    assert [one is None for one in report.duels] == [run.learner == "leadrank" for run in report.runs]
    assert markdown(report).count("\n") == 2 + 3 * many
    assert report.as_json()["refused"] == {"duration": "known only after the call"}


def test_who_only_orders_has_no_figures_that_need_probabilities(small):
    report = race(small, [300], {}, 1)

    runs = report.as_json()["runs"]
    assert isinstance(runs, list)
    told = {run["learner"]: run for run in runs}
    row = next(line for line in markdown(report).splitlines() if "| points |" in line)
    assert {"auc", "top_half_gain", "ahead_by"} <= set(told["points"])
    assert not {"log_loss", "brier", "ece"} & set(told["points"])
    assert {"log_loss", "brier", "ece"} <= set(told["naive Bayes"])
    assert row.split("|").count("  ") == 3
    assert "nan" not in markdown(report)
    assert not any("Log loss/points" in name for name in record_of(report, 0).metrics)
    assert "AUC/points every 300" in record_of(report, 0).metrics


def test_an_order_sees_the_columns_that_it_names(small):
    newest = next(rival for rival in rivals() if rival.name == "newest first")
    learner = next(rival for rival in rivals() if rival.chances)

    assert "lead_age_hours" in small.shown(newest).names
    assert small.shown(learner) is small.rivals


def test_who_is_frozen_learns_from_all_calls_before_the_last_fifth(small):
    ((window, rows),) = small.parts(NEVER_AGAIN)

    assert (window[0], window[-1] + 1, rows[-1] + 1) == (0, rows[0], small.label.size)
    assert rows.size == round(small.label.size * 0.2)


def test_a_race_teaches_what_a_training_does(small):
    mute = dict(zip(small.ours.names, np.isnan(small.lesson.values).all(axis=0), strict=True))

    assert mute["lead_attempts"]
    assert not mute["floor_sale_rate_1d"]
    assert small.lesson.follows == tuple(
        place for place, name in enumerate(small.ours.names) if name.startswith("floor_sale_rate")
    )


def test_what_comes_after_a_retraining_changes_nothing_before_it(small):
    label = np.where(np.arange(small.label.size) < small.start + 100, small.label, 1 - small.label)
    turned = replace(small, found=replace(small.found, label=label))
    choice = Choice(0.01, None, 10)

    one, other = (ours(on, choice, on.parts(100), 100, 1, lambda: None).chance for on in (small, turned))

    assert one[:100].tolist() == other[:100].tolist()
    assert one[200:].tolist() != other[200:].tolist()


@pytest.mark.skipif(not BANK, reason="LEADRANK_BANK_DATA names no bank-additional.zip")
def test_on_the_banks_calls_our_head_is_ahead_of_chance_after_one_retraining():
    from features.sources.bank_marketing import bank_past

    on = course(bank_past(Path(BANK)), NEVER)
    last = on.start + CHOOSING_EVERY
    once = blocks(on.start, last, CHOOSING_EVERY)

    run = ours(on, Choice(0.003, None, 60), once, CHOOSING_EVERY, 2, lambda: None)

    assert on.label.size == 41_188
    assert int(np.sum(on.label)) == 4_640
    assert auc(on.label[on.start : last], run.chance) > 0.65
