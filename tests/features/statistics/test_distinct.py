"""Distinct: how many agents, hours and days a window's facts name, against its slow twin and by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Past, compute
from features.instants import DAY, HOUR
from features.statistics.distinct import Distinct
from tests.builders import MONDAY, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.features.statistics.test_window import windows
from tests.strategies import Story, asked, stories, told_pasts

features = st.builds(
    Distinct,
    st.just("distinct"),
    st.sampled_from(["lead", "list", "agent"]),
    windows,
    st.sampled_from(["agent", "week_hour", "day", "line", "script"]),
    st.sampled_from(["calls", "answered"]),
)


@settings(deadline=None, max_examples=100)
@given(past=stories().map(Story.past) | told_pasts(), questions=asked, feature=features)
def test_distinct_words_are_their_slow_twin(
    past: Past, questions: list[tuple[int, int, int]], feature: Distinct
):
    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_array_equal(matrix.values[:, 0], reference.column(past, feature, questions))


def test_an_agent_who_calls_twice_is_one_agent():
    past = a_past(*[(0, agent, MONDAY + n, False, False) for n, agent in enumerate((2, 0, 2, -1))])

    matrix = compute(
        past, moments((0, -1, MONDAY + 9)), [Distinct("agents", by="lead", within=DAY, of="agent")]
    )

    assert matrix.values.tolist() == [[2]]


def test_days_and_hours_are_those_of_the_leads_own_clock():
    leads = a_lead_table(a_lead(zone="Asia/Kolkata"), a_lead())
    calls = [(lead, 0, MONDAY + hours * HOUR, False, False) for hours in (0, 1, 18, 19) for lead in (0, 1)]
    lines = [Distinct(of, by="lead", within=7 * DAY, of=of) for of in ("day", "week_hour")]

    matrix = compute(
        a_past(*calls, leads=leads), moments((0, -1, MONDAY + DAY), (1, -1, MONDAY + DAY)), lines
    )

    assert matrix.values.tolist() == [[2, 4], [1, 4]]
