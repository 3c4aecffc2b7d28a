"""Rhythm: a lead's own answers about this hour, against its slow twin and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import Past, compute
from features.instants import DAY, HOUR
from features.statistics.rhythm import Rhythm
from tests.builders import MONDAY, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.strategies import Story, asked, stories, told_pasts

HOURLY = Rhythm("hourly", prior=(0.3, 2))

features = st.builds(
    Rhythm,
    st.just("rhythm"),
    st.sampled_from([(0.3, 2), (0.1, 0.5)]),
    st.sampled_from(["answered", "converted"]),
    st.just("calls"),
    st.sampled_from([0.5, 2.0, 6.0]),
)


@settings(deadline=None, max_examples=100)
@given(past=stories().map(Story.past) | told_pasts(), questions=asked, feature=features)
def test_a_rhythm_is_its_slow_twin(past: Past, questions: list[tuple[int, int, int]], feature: Rhythm):
    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_allclose(matrix.values[:, 0], reference.column(past, feature, questions), rtol=1e-6)


def test_who_answered_in_the_evening_and_not_in_the_morning_is_an_evening_person():
    past = a_past((0, 0, MONDAY + 9 * HOUR, False, False), (0, 0, MONDAY + 19 * HOUR, True, False))
    tomorrow = MONDAY + DAY

    matrix = compute(past, moments(*[(0, -1, tomorrow + h * HOUR) for h in (9, 14, 19)]), [HOURLY])

    morning, noon, evening = matrix.values[:, 0].tolist()
    assert morning < noon < evening
    assert noon == pytest.approx((1 + 0.3 * 2) / (2 + 2), abs=0.01)


def test_the_day_is_round_and_the_weekend_another_kind_of_day():
    past = a_past((0, 0, MONDAY + 23 * HOUR, True, False))
    at = [MONDAY + DAY, MONDAY + 4 * DAY + 23 * HOUR, MONDAY + 5 * DAY + 23 * HOUR, MONDAY + 6 * DAY]

    matrix = compute(past, moments(*[(0, -1, instant) for instant in at]), [HOURLY])

    midnight, friday, saturday, sunday = matrix.values[:, 0].tolist()
    assert friday > midnight > saturday > sunday > (1 + 0.3 * 2) / (1 + 2)


def test_hours_are_those_of_the_leads_own_clock():
    leads = a_lead_table(a_lead(zone="Etc/GMT+8"), a_lead())
    past = a_past(*[(lead, 0, MONDAY + 20 * HOUR, True, False) for lead in (0, 1)], leads=leads)

    matrix = compute(past, moments(*[(lead, -1, MONDAY + 44 * HOUR) for lead in (0, 1)]), [HOURLY])

    assert matrix.values[0] == matrix.values[1]


def test_a_lead_without_calls_has_the_prior():
    matrix = compute(a_past(leads=1), moments((0, -1, MONDAY)), [HOURLY])

    assert matrix.values.tolist() == [[pytest.approx(0.3)]]
