"""Recency: hours since the last marked call, against its slow twin and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import compute
from features.instants import HOUR
from features.statistics.recency import Recency
from tests.builders import MONDAY, a_call, a_past, moments
from tests.features import reference
from tests.features.statistics.test_window import ACTORS, MARKS
from tests.strategies import Story, asked, stories

features = st.builds(Recency, st.just("recency"), by=st.sampled_from(ACTORS), of=st.sampled_from(MARKS))
CALL, ANSWER = Recency("call", by="lead"), Recency("answer", by="lead", of="answered")


@settings(deadline=None, max_examples=100)
@given(story=stories(), questions=asked, feature=features)
def test_a_recency_is_its_slow_twin(story: Story, questions: list[tuple[int, int, int]], feature: Recency):
    past = story.past()

    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_array_equal(matrix.values[:, 0], reference.column(past, feature, questions))


def test_only_marked_calls_are_looked_back_to():
    past = a_past((0, 0, MONDAY, True, False), (0, 0, MONDAY + HOUR, False, False))

    matrix = compute(past, moments((0, 0, MONDAY + 3 * HOUR)), [CALL, ANSWER])

    assert matrix.values.tolist() == [[2, 3]]


def test_while_the_last_call_is_untold_the_one_before_is_the_last():
    past = a_past(
        a_call(ended_at=MONDAY), a_call(ended_at=MONDAY + HOUR, known_at=MONDAY + 2 * HOUR), leads=1
    )

    matrix = compute(past, moments((0, 0, MONDAY + 2 * HOUR), (0, 0, MONDAY + 2 * HOUR + 1)), [CALL])

    assert matrix.values[:, 0].tolist() == [2, pytest.approx(1)]


@pytest.mark.parametrize("agent", [-1, 5])
def test_without_an_actor_there_is_nothing_to_look_back_to(agent: int):
    past = a_past((0, 0, MONDAY, True, False))

    matrix = compute(past, moments((0, agent, MONDAY + 1)), [Recency("agent", by="agent")])

    assert np.isnan(matrix.values).all()
