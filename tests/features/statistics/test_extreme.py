"""Max: the largest amount of a window, against its slow twin and where amounts are taken back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Past, compute
from features.facts import BIT
from features.instants import DAY, HOUR
from features.statistics.extreme import Max
from tests.builders import MONDAY, a_call, a_lead, a_lead_table, a_past, moments
from tests.features import reference
from tests.features.statistics.test_window import windows
from tests.strategies import Story, asked, facts_of, stories, told_pasts

LONGEST = Max("longest", by="lead", within=DAY, of="talk_s")

features = st.builds(
    Max,
    st.just("max"),
    st.sampled_from(["lead", "agent", "list"]),
    windows,
    st.sampled_from(["talk_s", "value", "answered"]),
)


@settings(deadline=None, max_examples=100)
@given(past=stories().map(Story.past) | told_pasts(), questions=asked, feature=features)
def test_a_maximum_is_its_slow_twin(past: Past, questions: list[tuple[int, int, int]], feature: Max):
    matrix = compute(past, moments(*questions), [feature])

    np.testing.assert_allclose(matrix.values[:, 0], reference.column(past, feature, questions), rtol=1e-6)


def test_the_longest_talk_is_forgotten_once_the_window_has_passed():
    past = a_past(
        a_call(ended_at=MONDAY, answered=True, talk_s=90.0),
        a_call(ended_at=MONDAY + HOUR, answered=True, talk_s=30.0),
    )
    at = [MONDAY, MONDAY + HOUR + 1, MONDAY + DAY + 1, MONDAY + 2 * DAY]

    matrix = compute(past, moments(*[(0, -1, instant) for instant in at]), [LONGEST])

    np.testing.assert_array_equal(matrix.values[:, 0], [np.nan, 90, 30, np.nan])


def test_an_amount_corrected_downwards_no_longer_counts():
    told: dict[str, float] = {"lead": 0, "agent": 0, "time": MONDAY, "seen": MONDAY, "sign": 1}
    told |= {
        "bits": BIT["calls"],
        "talk_s": 90.0,
        "sentiment": np.nan,
        "line": -1,
        "script": -1,
        "promise": -1,
    }
    later = told | {"seen": MONDAY + HOUR}
    facts = facts_of([told, later | {"sign": -1}, later | {"talk_s": 60.0}])
    past = Past(CallLog.empty(), a_lead_table(a_lead()), facts)

    matrix = compute(past, moments((0, -1, MONDAY + HOUR), (0, -1, MONDAY + HOUR + 1)), [LONGEST])

    assert matrix.values[:, 0].tolist() == [90, 60]
