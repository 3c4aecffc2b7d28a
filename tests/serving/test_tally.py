"""What the calls count for the rules: the loop against a twin in plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calls import Outcome
from features.columns import Columns
from features.instants import DAY, HOUR
from serving.standing import CONVERTED, DNC, NEVER_CALLED, OPEN, UNWORKABLE
from serving.tally import RECENT, Counts, Tally
from tests.builders import MONDAY

LEADS, PHONES = 3, 3
CLOSES = {
    "converted": CONVERTED, "do_not_call": DNC, "disconnected": UNWORKABLE, "wrong_number": UNWORKABLE,
    "contact_refused": UNWORKABLE, "fax": UNWORKABLE,
}  # fmt: skip
"""What a disposition makes of its lead; all others leave it open."""

codes = st.sampled_from([-1, *map(int, Outcome)])
starts = st.integers(0, 60).map(lambda hours: MONDAY + hours * HOUR)
calls = st.lists(
    st.tuples(
        st.integers(0, LEADS - 1), st.integers(-1, PHONES - 1), starts, codes
    ),
    max_size=40,
)  # fmt: skip
owners = st.lists(st.integers(-1, PHONES - 1), min_size=LEADS, max_size=LEADS)


class Calls:
    """The calls of a store as the tally asks for them."""

    def __init__(self, told: list[tuple[int, int, int, int]]) -> None:
        kinds = {"lead": np.int64, "phone": np.int64, "started_at": np.int64, "disposition": np.int8}
        self.columns = Columns(kinds | {"not_before": np.int64})
        for lead, phone, started_at, disposition in told:
            self.add(lead, phone, started_at, disposition)

    def __len__(self) -> int:
        return len(self.columns)

    def add(self, lead: int, phone: int, started_at: int, disposition: int) -> None:
        self.columns.append(
            lead=[lead], phone=[phone], started_at=[started_at], disposition=[disposition], not_before=[0]
        )

    def calls_of(self, lead: int) -> list[int]:
        """All of them: any may have been the lead's once."""
        return list(range(len(self)))


def counted(told: list[tuple[int, int, int, int]], phone_of_lead: list[int]) -> Counts:
    tally = Tally()
    return followed(tally, Calls(told), phone_of_lead)


def followed(tally: Tally, calls: Calls, phone_of_lead: list[int]) -> Counts:
    """The counts of all leads, whose own number no call means where it names none."""
    own = np.array(phone_of_lead)
    tally.follow(calls, np.full(own.size, -1), PHONES, range(LEADS))
    return tally.of(np.arange(own.size), own)


@settings(deadline=None)
@given(told=st.lists(calls, min_size=1, max_size=4), phone_of_lead=owners, data=st.data())
def test_calls_that_come_and_change_count_as_if_they_had_always_said_so(told, phone_of_lead, data):
    book, tally = Calls([]), Tally()
    for some in told:
        for call in some:
            book.add(*call)
        if len(book):
            changed = data.draw(st.integers(0, len(book) - 1))
            for name in ("lead", "phone", "disposition"):
                book.columns[name][changed] = data.draw(st.integers(0, 2))
            book.columns["started_at"][changed] = data.draw(starts)
        found = followed(tally, book, phone_of_lead)

    names = ("lead", "phone", "started_at", "disposition")
    again = counted(list(zip(*(book.columns[name].tolist() for name in names), strict=True)), phone_of_lead)

    for name in ("attempts", "recent", "last_call_at", "closed"):
        assert np.array_equal(getattr(found, name), getattr(again, name)), name


@settings(deadline=None)
@given(told=calls, phone_of_lead=owners, hours=st.integers(0, 80), k=st.integers(1, RECENT))
def test_the_loop_counts_what_a_reader_of_the_list_would(told, phone_of_lead, hours, k):
    at = MONDAY + hours * HOUR

    found = counted(told, phone_of_lead)

    for lead, phone in enumerate(phone_of_lead):
        own = [call for call in told if call[0] == lead]
        of_number = sorted((call[2] for call in told if phone >= 0 and call[1] == phone), reverse=True)
        last = [*(call[2] for call in own), *of_number, NEVER_CALLED]
        assert found.attempts[lead] == len(own)
        assert found.last_call_at[lead] == max(last)
        assert found.closed[lead] == closing([call[3] for call in own])
        assert [start for start in found.recent[lead] if start != NEVER_CALLED] == of_number[:RECENT]
        assert found.calls_within_day(at)[lead] == min(RECENT, sum(at - DAY < start for start in of_number))
        kth = of_number[k - 1] + DAY if len(of_number) >= k else 0
        assert found.leaves_the_day(np.full(LEADS, k))[lead] == kth


def closing(dispositions: list[int]) -> int:
    """The first disposition that closes a lead closes it."""
    for code in dispositions:
        if code >= 0 and (name := Outcome(code).name.lower()) in CLOSES:
            return CLOSES[name]
    return OPEN


def test_a_number_shared_by_two_leads_is_one_number():
    found = counted([(0, 1, MONDAY, 0), (1, 1, MONDAY + HOUR, 0)], [1, 1, -1])

    assert found.attempts.tolist() == [1, 1, 0]
    assert found.last_call_at.tolist() == [MONDAY + HOUR, MONDAY + HOUR, NEVER_CALLED]
    assert found.calls_within_day(MONDAY + HOUR).tolist() == [2, 2, 0]
