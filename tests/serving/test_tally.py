"""What the calls count for the rules: the loop against a twin in plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calls import Outcome
from features.columns import Columns
from features.instants import HOUR
from serving.standing import CONVERTED, DNC, NEVER_CALLED, OPEN, UNWORKABLE
from serving.tally import RECENT, Tally
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


def counted(told: list[tuple[int, int, int, int]]) -> Tally:
    return followed(Tally(), Calls(told))


def followed(tally: Tally, calls: Calls) -> Tally:
    """All leads looked at again; no call that names no number meant the lead's own."""
    tally.follow(calls, np.full(LEADS, -1), PHONES, range(LEADS))
    return tally


def counts(tally: Tally) -> list[list[object]]:
    """All that it says."""
    of_leads = [tally.by_lead[name].tolist() for name in ("attempts", "last", "closed", "not_before")]
    return [*of_leads, tally.by_phone.tolist()]


@settings(deadline=None)
@given(told=st.lists(calls, min_size=1, max_size=4), data=st.data())
def test_calls_that_come_and_change_count_as_if_they_had_always_said_so(told, data):
    book, tally = Calls([]), Tally()
    for some in told:
        for call in some:
            book.add(*call)
        if len(book):
            changed = data.draw(st.integers(0, len(book) - 1))
            for name in ("lead", "phone", "disposition"):
                book.columns[name][changed] = data.draw(st.integers(0, 2))
            book.columns["started_at"][changed] = data.draw(starts)
        followed(tally, book)

    names = ("lead", "phone", "started_at", "disposition")
    again = counted(list(zip(*(book.columns[name].tolist() for name in names), strict=True)))

    assert counts(tally) == counts(again)


@settings(deadline=None)
@given(told=calls)
def test_the_loops_count_what_a_reader_of_the_list_would(told):
    found = counted(told)

    for lead in range(LEADS):
        own = [call for call in told if call[0] == lead]
        assert found.by_lead["attempts"][lead] == len(own)
        assert found.by_lead["last"][lead] == max([call[2] for call in own], default=NEVER_CALLED)
        assert found.by_lead["closed"][lead] == closing([call[3] for call in own])
    for phone in range(PHONES):
        newest = sorted((call[2] for call in told if call[1] == phone), reverse=True)[:RECENT]
        assert found.by_phone[phone].tolist() == newest + [NEVER_CALLED] * (RECENT - len(newest))


def closing(dispositions: list[int]) -> int:
    """The first disposition that closes a lead closes it."""
    for code in dispositions:
        if code >= 0 and (name := Outcome(code).name.lower()) in CLOSES:
            return CLOSES[name]
    return OPEN
