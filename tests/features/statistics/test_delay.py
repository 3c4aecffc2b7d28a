"""Delay: how long a lead waited for its first call, against its slow twin and by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Past, compute
from features.facts import BIT
from features.instants import DAY, HOUR
from features.statistics.delay import Delay
from tests.builders import MONDAY, a_call, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.strategies import Story, asked, facts_of, stories, told_pasts

features = st.builds(Delay, st.just("delay"), st.sampled_from(["calls", "answered", "touches"]))


@settings(deadline=None, max_examples=100)
@given(past=stories().map(Story.past) | told_pasts(), questions=asked, feature=features)
def test_a_delay_is_its_slow_twin(past: Past, questions: list[tuple[int, int, int]], feature: Delay):
    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_allclose(matrix.values[:, 0], reference.column(past, feature, questions), rtol=1e-6)


def test_a_lead_waits_until_its_first_call_and_not_longer():
    """Builders receive every lead on Sunday at midnight."""
    past = a_past(a_call(ended_at=MONDAY + HOUR), a_call(ended_at=MONDAY + 2 * HOUR))
    at = [MONDAY - 2 * DAY, MONDAY, MONDAY + HOUR, MONDAY + DAY]

    matrix = compute(past, moments(*[(0, -1, instant) for instant in at]), [Delay("delay")])

    assert matrix.values[:, 0].tolist() == [0, 24, 25, 25]


def test_a_first_call_that_is_taken_back_leaves_the_next_one():
    """Each hour one is told; the first is taken back in the third hour, the second before it was told."""
    told = [a_fact(0, 0), a_fact(1, 3), a_fact(1, 2, sign=-1), a_fact(0, 2, sign=-1), a_fact(4, 4)]
    past = Past(CallLog.empty(), a_lead_table(a_lead(created_at=MONDAY - HOUR)), facts_of(told))
    at = [MONDAY + hour * HOUR + 1 for hour in range(6)]

    matrix = compute(past, moments(*[(0, -1, instant) for instant in at]), [Delay("delay")])

    assert np.round(matrix.values[:, 0], 3).tolist() == [1, 1, 3, 4, 5, 5]


def a_fact(hour: int, seen: int, sign: int = 1) -> dict[str, float]:
    """A call, told so many hours after Monday began."""
    return {
        "lead": 0, "agent": 0, "time": MONDAY + hour * HOUR, "seen": MONDAY + seen * HOUR, "sign": sign,
        "bits": BIT["calls"], "talk_s": 0.0, "sentiment": 0.0, "line": -1, "script": -1, "promise": -1,
    }  # fmt: skip
