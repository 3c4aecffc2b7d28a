"""Count, Sum, Share: what a trailing window holds, against slow twins and at its edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import compute
from features.instants import DAY, HOUR, NEVER
from features.statistics.window import Count, Share, Sum
from tests.builders import MONDAY, a_call, a_past, moments
from tests.features import reference
from tests.strategies import Story, asked, stories

ACTORS = (
    *("lead", "agent", "campaign", "channel", "source", "list", "region", "everyone"),
    *("agent×channel", "source×hour", "agent×hour"),
)
MARKS = (
    "calls", "answered", "converted", "machine", "busy", "no_answer", "abandoned", "callback", "disconnected",
    "contact_refused", "contact_no_decision", "do_not_call", "wrong_number",
)  # fmt: skip
CALLS = Count("calls", by="lead", within=DAY)

windows = st.sampled_from([1, HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY, NEVER])
features = st.one_of(
    st.builds(Count, st.just("count"), st.sampled_from(ACTORS), windows, st.sampled_from(MARKS)),
    st.builds(Sum, st.just("sum"), st.sampled_from(ACTORS), windows, st.sampled_from(["talk_s", "value"])),
    st.builds(
        Share,
        st.just("share"),
        st.sampled_from(ACTORS),
        windows,
        st.sampled_from([*MARKS, "talk_s", "wrap_s"]),
        st.sampled_from([(0.3, 50), (0.06, 1.5), (0.0, 1.0), (0.5, 0)]),
        st.sampled_from(["calls", "answered", "told"]),
    ),
)


@settings(deadline=None, max_examples=250)
@given(story=stories(), questions=asked, feature=features)
def test_a_window_is_its_slow_twin(
    story: Story, questions: list[tuple[int, int, int]], feature: Count | Sum | Share
):
    past = story.past()

    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_allclose(matrix.values[:, 0], reference.column(past, feature, questions), rtol=1e-6)


def test_a_call_counts_from_right_after_its_end_until_the_window_has_passed():
    past = a_past((0, 0, MONDAY, False, False))
    at = [MONDAY, MONDAY + 1, MONDAY + DAY, MONDAY + DAY + 1]

    matrix = compute(past, moments(*[(0, 0, instant) for instant in at]), [CALLS])

    assert matrix.values[:, 0].tolist() == [0, 1, 1, 0]


def test_calls_that_end_together_count_each():
    past = a_past((0, 0, MONDAY, False, False), (0, 1, MONDAY, True, False), (1, 1, MONDAY, True, False))

    matrix = compute(past, moments((0, 0, MONDAY + 1)), [CALLS])

    assert matrix.values.tolist() == [[2]]


def test_a_call_told_late_counts_by_its_own_time_once_it_is_told():
    """The window goes by when it ended: told after the window has passed, it never counts."""
    past = a_past(a_call(ended_at=MONDAY, known_at=MONDAY + HOUR), a_call(ended_at=MONDAY + 1), leads=1)
    at = [MONDAY + HOUR, MONDAY + HOUR + 1, MONDAY + DAY + 1, MONDAY + DAY + 2]

    matrix = compute(past, moments(*[(0, 0, instant) for instant in at]), [CALLS])

    assert matrix.values[:, 0].tolist() == [1, 2, 1, 0]


@pytest.mark.parametrize(("agent", "counted"), [(-1, np.nan), (5, 0)])
def test_an_agent_not_chosen_is_missing_and_one_never_heard_of_counts_nothing(agent: int, counted: float):
    past = a_past((0, 0, MONDAY, True, True))

    matrix = compute(
        past, moments((0, agent, MONDAY + 1)), [Count("sales", by="agent", within=DAY, of="converted")]
    )

    np.testing.assert_array_equal(matrix.values, [[counted]])


def test_a_call_to_nobody_known_counts_for_no_lead_and_no_list():
    past = a_past(a_call(lead=-1), leads=2)
    features = [CALLS, Count("list", by="channel", within=DAY), Count("all", by="everyone", within=DAY)]

    matrix = compute(past, moments((0, 0, MONDAY + 1), (1, 0, MONDAY + 1)), features)

    assert matrix.values.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_a_sale_counts_when_it_is_disposed_rather_than_when_the_call_ended():
    past = a_past(a_call(ended_at=MONDAY, converted=True, disposed_at=MONDAY + HOUR))
    sales = Count("sales", by="lead", within=DAY, of="converted")
    answers = Count("answers", by="lead", within=DAY, of="answered")

    matrix = compute(past, moments((0, 0, MONDAY + 1), (0, 0, MONDAY + HOUR + 1)), [sales, answers])

    np.testing.assert_array_equal(matrix.values, [[0, 1], [1, 1]])
