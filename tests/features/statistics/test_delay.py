"""Delay: how long a lead waited for its first call, against its slow twin and by hand."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Past, compute
from features.instants import DAY, HOUR
from features.statistics.delay import Delay
from tests.builders import MONDAY, a_call, a_past, moments
from tests.features import reference
from tests.strategies import Story, asked, stories, told_pasts

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
