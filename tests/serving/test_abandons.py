"""The abandon cap: how polls slow down near it, and live answers counted over windows that move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calls import Outcome
from features.instants import DAY
from serving.abandons import REST, Abandons, pace, shrunk
from serving.jurisdictions import Abandonment
from tests.builders import MONDAY
from tests.serving.books import Calls

RULES = (Abandonment("LONG", 9 * DAY, 0.5), Abandonment("SHORT", DAY, 1.0))
PLACE, RULE = np.array([0, 1, 2]), np.array([0, 1, -1])
"""Three leads, of whom the last stands where no rule holds."""
KINDS = {
    "campaign": np.int64, "lead": np.int64, "started_at": np.int64, "answered": np.int8,
    "abandoned": np.bool_, "disposition": np.int8,
}  # fmt: skip

calls = st.tuples(
    st.integers(0, 1), st.integers(0, 2), st.integers(0, 20).map(lambda day: MONDAY + day * DAY),
    st.booleans(), st.booleans(), st.sampled_from([Outcome.ABANDONED, Outcome.MACHINE]),
)  # fmt: skip
steps = st.lists(
    st.tuples(
        st.lists(calls, max_size=6), st.integers(0, 9), calls, st.permutations([0, 1, 2]), st.integers(0, 30),
        st.integers(0, 1),
    ),
    max_size=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("live", "lost", "given"),
    [
        (1000, 0, 1.0), (1000, 24, 1.0), (1000, 27, (1 + REST) / 2), (1000, 30, REST), (1000, 900, REST),
        (33, 33, 1.0), (34, 2, REST),
    ],
)  # fmt: skip
def test_polls_give_all_up_to_four_fifths_of_the_cap_and_a_third_at_it(live: int, lost: int, given: float):
    assert pace(live, lost, 0.03) == pytest.approx(given)


@given(live=st.integers(0, 5000), lost=st.integers(0, 5000), cap=st.floats(0.001, 1.0))
def test_more_abandoned_calls_never_make_polls_faster_and_nothing_stops_them(live, lost, cap):
    lost = min(lost, live)

    assert REST <= pace(live, lost, cap) <= pace(live, max(lost - 1, 0), cap) <= 1


@given(n=st.integers(1, 500), due=st.integers(0, 600), slowest=st.floats(REST, 1.0))
def test_due_callbacks_are_never_held_back_and_somebody_is_always_given(n, due, slowest):
    found = shrunk(n, due, slowest)

    assert max(1, min(n, due)) <= found <= n
    assert shrunk(n, due, 1.0) == n


@settings(deadline=None)
@given(steps=steps)
def test_windows_that_move_hold_what_a_count_over_all_calls_does(steps):
    """Calls come, say something else of themselves, leads move, and the clock sometimes goes back."""
    book, abandons = Calls(KINDS), Abandons(RULES)
    for new, changed, to, place, day, campaign in steps:
        for call in new:
            book.columns.append(**{name: [said] for name, said in zip(KINDS, call, strict=True)})
        if len(book):
            for name, said in zip(KINDS, to, strict=True):
                book.columns[name][changed % len(book)] = said
        abandons.follow(book, np.arange(3), np.array(place), RULE)
        at = MONDAY + day * DAY

        found = abandons.of(campaign, 0.6, at)

        told = {name: book.columns[name] for name in KINDS}
        lost = told["abandoned"] & (told["disposition"] != Outcome.MACHINE)
        live = (told["answered"] > 0) | lost
        expected = []
        for number, rule in enumerate(RULES):
            mine = (told["campaign"] == campaign) & (told["started_at"] > at - rule.within)
            mine &= RULE[np.array(place)[told["lead"]]] == number
            if (live & mine).any():
                counts = int((live & mine).sum()), int((lost & mine).sum())
                expected.append((rule.id, *counts, 100 * min(0.6, rule.most)))
        assert [(one.rule, one.live_answers, one.abandoned, one.cap) for one in found] == expected


def test_a_call_of_another_campaign_now_stays_there_when_the_first_ones_window_has_passed_it():
    book, abandons = Calls(KINDS), Abandons(RULES)
    abandons.of(0, 1.0, MONDAY), abandons.of(1, 1.0, MONDAY)
    said = (0, 0, MONDAY, True, False, Outcome.ABANDONED)
    book.columns.append(**{name: [one] for name, one in zip(KINDS, said, strict=True)})
    abandons.follow(book, np.arange(1), PLACE, RULE)
    book.columns["campaign"][0] = 1
    abandons.follow(book, np.arange(1), PLACE, RULE)

    passed, (held,) = abandons.of(0, 1.0, MONDAY + 10 * DAY), abandons.of(1, 1.0, MONDAY + DAY)

    assert (passed, held.live_answers) == ((), 1)
