"""CallLog, Moments and Timeline: columns stay together, in order, and regroup without loss."""

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CallLog, Moments
from features.calls import COLUMNS
from features.instants import NEVER
from tests.builders import MONDAY, a_call, a_log, moments

facts = st.lists(
    st.tuples(st.integers(-1, 3), st.sampled_from([0, 1, 1, 2, 5, NEVER]), st.integers(0, 9)), max_size=20
)
"""(group, time, known_at) with ties, nobody's facts and facts that never happened."""


def columns(log: CallLog) -> dict[str, list[object]]:
    return {field.name: getattr(log, field.name).tolist() for field in fields(log)}


def test_an_empty_log_has_every_column_in_its_kind():
    log = CallLog.empty()

    assert len(log) == 0
    assert {name: getattr(log, name).dtype for name in COLUMNS} == {
        name: np.dtype(kind) for name, kind in COLUMNS.items()
    }


def test_the_columns_of_the_log_are_the_ones_it_lists():
    assert [field.name for field in fields(CallLog)] == list(COLUMNS)


def test_taking_rows_takes_them_from_every_column():
    log = a_log((0, 1, MONDAY, True, False), (1, 2, MONDAY + 1, True, True), (2, 3, MONDAY + 2, False, False))

    taken = log.take(np.array([2, 0]))

    assert columns(taken) == {name: [column[2], column[0]] for name, column in columns(log).items()}


def test_a_later_log_is_appended():
    early, late = a_log((0, 0, 1, False, False)), a_log((1, 0, 1, False, False), (2, 0, 2, False, False))

    both = early.joined(late)

    assert both.lead.tolist() == [0, 1, 2]


def test_a_log_that_comes_late_is_sorted_in_behind_equal_times():
    known = a_log((0, 0, 10, False, False), (1, 0, 20, False, False))
    late = a_log((2, 0, 5, False, False), (3, 0, 10, False, False), (4, 0, 30, False, False))

    both = known.joined(late)

    assert both.ended_at.tolist() == [5, 10, 10, 20, 30]
    assert both.lead.tolist() == [2, 0, 3, 1, 4]


def test_joining_with_nothing_changes_nothing():
    log = a_log((0, 0, 10, True, True))

    assert columns(log.joined(CallLog.empty())) == columns(log)
    assert columns(CallLog.empty().joined(log)) == columns(log)


@settings(deadline=None)
@given(ends=st.lists(st.integers(0, 9), max_size=20), choice=st.data())
def test_joining_keeps_every_call_once_and_in_order(ends: list[int], choice: st.DataObject):
    log = a_log(*[a_call(lead, 0, end) for lead, end in enumerate(ends)])
    late = np.array(choice.draw(st.lists(st.booleans(), min_size=len(ends), max_size=len(ends))), bool)

    both = log.take(~late).joined(log.take(late))

    assert sorted(both.lead.tolist()) == list(range(len(ends)))
    assert both.ended_at.tolist() == sorted(ends)
    assert [ends[lead] for lead in both.lead] == both.ended_at.tolist()


def test_moments_are_taken_by_row():
    asked = moments((0, 1, 2), (3, 4, 5), (6, -1, 8))

    taken = asked.take(np.array([2, 1]))

    assert (taken.lead.tolist(), taken.agent.tolist(), taken.at.tolist()) == ([6, 3], [-1, 4], [8, 5])
    assert len(taken) == 2


def test_moments_at_once_leave_the_agent_open():
    asked = Moments.at_once(np.array([5, 3], np.int32), MONDAY)

    assert (asked.lead.tolist(), asked.agent.tolist(), asked.at.tolist()) == ([5, 3], [-1, -1], [MONDAY] * 2)
    assert {asked.lead.dtype, asked.agent.dtype, asked.at.dtype} == {np.dtype(np.int64)}
