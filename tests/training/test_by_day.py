"""Drift by day: each figure by hand, and a planted change is named in words on the picture."""

from typing import Any, cast

import numpy as np
import pytest
from matplotlib.figure import Figure

from features import FeatureMatrix, Moments
from features.instants import DAY
from tests.builders import MONDAY
from training.by_day import WEEK, ByDay, first_of_leads, of_training
from training.dataset import Examples
from training.drift import psi
from training.drift_figure import drift_figure, headline
from training.fit import Choice, Fitted, OutOfFold
from training.heads import answer
from training.reference import Reference, counted, said_of
from training.report import Trained

from .test_watch import DAYS, FEATURES, a_champion, columns, days, seen, vectors

AGE = "lead_age_hours"


def a_training(seed: int, change: str, since: int) -> Trained:
    """The answer head as if its folds had judged the later half of the floor's calls."""
    floor = days(0, DAYS, seed, change, since)
    size = floor["at"].size
    moments = Moments(np.arange(size), np.full(size, -1), floor["at"])
    found = Examples(moments, floor["answered"], np.ones(size), np.zeros(size, np.float32))
    judged = np.arange(size // 2, size)
    unseen = OutOfFold(judged, floor["p_answer"][judged], np.zeros(judged.size, np.int64))
    nothing = cast("Any", None)
    fitted = Fitted(nothing, Choice(0.01, None, 0), unseen, floor["p_answer"][judged], np.zeros(1))
    return Trained(answer.HEAD, found, FeatureMatrix(FEATURES, columns(floor)), (), fitted)


def drifted(seed: int, change: str = "", since: int = 99) -> ByDay:
    one = a_training(seed, change, since)
    said = said_of(one.label, one.chance, one.examples.at[one.fitted.unseen.rows])
    return of_training({"answer": one}, Reference(one.chance.size, (), {"answer": said}))


def texts(figure: Figure) -> str:
    """All that is written in titles and legends."""
    legends = [legend for axes in figure.axes if (legend := axes.get_legend())]
    told = [text.get_text() for legend in legends for text in legend.get_texts()]
    return "\n".join([*(axes.get_title() for axes in figure.axes), *told])


def test_a_feature_is_compared_over_the_week_that_ends_with_a_day():
    """Slowly: the vectors of seven days, each lead's own, counted by the edges of the training."""
    reference = a_champion(1).reference
    assert reference is not None
    last, shares = MONDAY // DAY + DAYS - 1, reference.columns[1]
    (matrix,) = vectors(days(0, DAYS, 1))
    week = [row for row, at in enumerate(matrix.at.tolist()) if last - WEEK < at // DAY <= last]
    by_hand = psi(np.array(shares.share) * reference.rows, counted(matrix.values[week, 1], shares.edges))

    age = next(one for one in seen(1).drawn.columns if one.feature.name == AGE)

    assert age.day[-1] == last
    assert age.psi[-1] == pytest.approx(by_hand)


def test_of_a_leads_vectors_of_a_week_the_first_counts():
    lead, at = np.array([3, 1, 3, 3, 2]), np.array([50, 20, 30, 5, 90])

    assert first_of_leads(lead, at, 10, 90).tolist() == [1, 2]


def test_a_days_chances_fall_into_the_tenths_of_the_training():
    head = drifted(1).heads["answer"]

    assert head.bins.sum(axis=1) == pytest.approx(1.0)
    assert head.bins[:, :-1].mean(axis=0) == pytest.approx(np.full(10, 0.1), abs=0.01)
    assert head.psi.max() < 0.1
    assert head.scored.tolist() == head.days.day.tolist()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_picture_of_a_training_names_the_feature_that_changed(seed: int):
    found = drifted(seed, "older_leads", 30)

    written = texts(drift_figure(found))

    assert found.nearest[0].feature.name == AGE
    assert (
        "Beyond its noise, against the calls before them: How fresh the lead is (lead_age_hours)" in written
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_floor_that_stays_as_it_was_names_none_beyond_its_noise(seed: int):
    assert headline(drifted(seed)).startswith("No feature falls otherwise")


def test_the_watch_draws_what_it_charts():
    watched = seen(2, "older_leads", 28, 34)

    written = texts(drift_figure(watched.drawn))
    age = next(one for one in watched.drawn.columns if one.feature.name == AGE)

    assert "against the training of v1: How fresh the lead is" in written
    assert "conversion: came true less promised" in written
    assert watched.by_day[f"PSI/{AGE}"] == dict(zip(age.day.tolist(), age.psi.tolist(), strict=True))


def test_labels_and_promises_are_counted_by_day():
    head = drifted(1, "answers", 28).heads["answer"]

    early = head.days.missed[head.days.day < MONDAY // DAY + 28]
    late = head.days.missed[head.days.day >= MONDAY // DAY + 28]

    assert early.mean() == pytest.approx(0.0, abs=0.1)
    assert late.mean() == pytest.approx(-0.4, abs=0.1)


def test_a_training_whose_folds_judged_nothing_draws_an_empty_picture():
    found = of_training({}, None)

    assert found.empty
    assert "Too few leads to compare features" in texts(drift_figure(found))
