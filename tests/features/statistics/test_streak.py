"""Streak and Run: calls since the last of a kind, and calls of a kind in a row, against slow twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Past, compute
from features.instants import HOUR
from features.statistics.streak import Run, Streak
from tests.builders import MONDAY, a_call, a_past, moments
from tests.features import reference
from tests.strategies import Story, asked, stories, told_pasts

ACTORS = st.sampled_from(["lead", "agent", "list", "everyone", "agent×channel", "line"])
MARKS = st.sampled_from(["answered", "no_answer", "machine", "converted", "busy"])
SINCE_ANSWER = Streak("since_answer", by="lead")
NO_ANSWERS = Run("no_answers", by="lead", of="no_answer")

features = st.one_of(
    st.builds(Streak, st.just("streak"), ACTORS, MARKS), st.builds(Run, st.just("run"), ACTORS, MARKS)
)


@settings(deadline=None, max_examples=100)
@given(past=stories().map(Story.past) | told_pasts(), questions=asked, feature=features)
def test_a_streak_is_its_slow_twin(past: Past, questions: list[tuple[int, int, int]], feature: Streak | Run):
    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_array_equal(matrix.values[:, 0], reference.column(past, feature, questions))


def test_calls_are_counted_from_the_last_answer_and_all_of_them_before_any():
    answers = (False, False, True, False)
    past = a_past(*[(0, 0, MONDAY + n * HOUR, answer, False) for n, answer in enumerate(answers)])
    at = [MONDAY + n * HOUR + 1 for n in range(-1, 4)]

    matrix = compute(past, moments(*[(0, -1, instant) for instant in at]), [SINCE_ANSWER])

    assert matrix.values[:, 0].tolist() == [0, 1, 2, 0, 1]


def test_an_answer_that_is_told_late_ends_the_streak_at_its_own_time():
    late = a_call(ended_at=MONDAY + HOUR, answered=True, known_at=MONDAY + 5 * HOUR)
    past = a_past((0, 0, MONDAY, False, False), late, (0, 0, MONDAY + 2 * HOUR, False, False))

    matrix = compute(past, moments((0, 0, MONDAY + 5 * HOUR), (0, 0, MONDAY + 5 * HOUR + 1)), [SINCE_ANSWER])

    assert matrix.values[:, 0].tolist() == [2, 1]


def test_a_row_is_broken_by_any_other_call():
    past = a_past(
        a_call(ended_at=MONDAY), a_call(ended_at=MONDAY + 1, outcome=2),
        a_call(ended_at=MONDAY + 2), a_call(ended_at=MONDAY + 3),
    )  # fmt: skip
    at = [MONDAY + n for n in range(1, 5)]

    matrix = compute(past, moments(*[(0, -1, instant) for instant in at]), [NO_ANSWERS])

    assert matrix.values[:, 0].tolist() == [1, 0, 1, 2]


def test_without_an_agent_there_is_no_streak():
    past = a_past((0, 0, MONDAY, False, False))

    matrix = compute(past, moments((0, -1, MONDAY + 1), (0, 5, MONDAY + 1)), [Streak("agents", by="agent")])

    np.testing.assert_array_equal(matrix.values[:, 0], [np.nan, 0])
