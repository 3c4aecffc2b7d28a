"""Where judged leads belong and when they turn: the loops against twins in plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from features.instants import NEVER
from features.kernel import Int64Array
from serving.settling import DUE, STALE, STRETCH, Book, Judged, Kept, note, settle, turned
from serving.verdicts import FREE

LEADS = 3 * STRETCH - 5
slots = st.lists(st.integers(0, LEADS - 1), max_size=8, unique=True).map(
    lambda some: np.array(some, np.int64)
)
few = st.integers(0, 5)


def column(draw: DrawFn, size: int, kind: st.SearchStrategy[int]) -> Int64Array:
    return np.array(draw(st.lists(kind, min_size=size, max_size=size)), np.int64)


@st.composite
def judgements(draw: DrawFn, leads: int) -> Judged:
    """Anything that may have been found."""
    found = [column(draw, leads, few) for _ in Judged._fields]
    heading = column(draw, leads, st.sampled_from([0, 5, FREE])).astype(np.int8)
    due, unscored = (column(draw, leads, st.integers(0, 1)).astype(np.bool_) for _ in range(2))
    return Judged(*found)._replace(heading=heading, due=due, unscored=unscored)  # type: ignore[arg-type]


def kind_of(lead: dict[str, int], arm: int) -> int:
    """Of a lead of the campaign."""
    if lead["heading"] != FREE:
        return lead["heading"]
    if lead["unscored"]:
        return STALE
    return DUE if lead["due"] else FREE + arm


@settings(deadline=None)
@given(slots=slots, data=st.data())
def test_what_was_found_is_kept_and_each_lead_gets_its_kind(slots, data):
    judged, rng = data.draw(judgements(slots.size)), np.random.default_rng(0)
    row, arm = rng.permutation(LEADS), rng.integers(0, 3, LEADS).astype(np.int8)
    book = Book(rng.integers(0, 2, LEADS), rng.random(LEADS) < 0.2, rng.integers(0, 9, LEADS))
    kept = Kept(row, arm, *(np.full(LEADS, -7) for _ in Kept._fields[2:]))
    out = np.empty(slots.size, np.int64)

    settle(slots, judged, book, 1, kept, out)

    for i, slot in enumerate(slots.tolist()):
        lead, its = {name: getattr(judged, name)[i].item() for name in Judged._fields}, row[slot]
        there = book.campaign[its] == 1 and not book.erased[its]
        serves = lead["heading"] == FREE and not lead["unscored"]
        assert out[i] == (kind_of(lead, arm[slot]) if there else -1)
        assert {name: getattr(kept, name)[slot] for name in Kept._fields[2:]} == {
            **{name: lead[name] for name in ("site", "until", "created_at", "attempts", "last_call_at")},
            "callback_at": lead["callback_at"] if lead["due"] else NEVER,
            "origin": book.source[its],
            "turns_at": min(lead["turns_at"], lead["ends_at"]) if serves else lead["turns_at"],
        }
    others = np.setdiff1d(np.arange(LEADS), slots)
    assert all((named[others] == -7).all() for named in kept[2:])


@settings(deadline=None)
@given(told=st.lists(st.tuples(slots, st.integers(0, 30)), max_size=5), at=st.integers(0, 30))
def test_who_turns_by_an_instant_is_found(told, at):
    turns_at, earliest = np.full(LEADS, NEVER), np.full(3, NEVER)
    for some, instant in told:
        turns_at[some] = instant
        note(some, turns_at, earliest)
    out = np.empty(LEADS, np.int64)

    found = turned(turns_at, at, earliest, out)

    assert out[:found].tolist() == np.flatnonzero(turns_at <= at).tolist()
    left = np.where(turns_at > at, turns_at, NEVER)
    assert all(earliest[one] <= left[one * STRETCH :][:STRETCH].min() for one in range(3))
