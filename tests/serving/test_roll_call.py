"""How leads stand, read off columns: the loops against twins in plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from features.instants import DAY, HOUR, MINUTE, NEVER
from features.kernel import Int64Array
from serving.roll_call import ANSWERS, Law, OfLeads, OfNumbers, call_roll, find_turns
from serving.rule import EARLY
from serving.standing import CONVERTED, DNC, NEVER_CALLED, OBJECTED, OPEN
from serving.tally import RECENT
from tests.builders import MONDAY

LEADS, PHONES = 4, 3
instants = st.sampled_from([MONDAY + hours * HOUR for hours in range(60)])
ends = st.just(0) | instants
called = st.just(NEVER_CALLED) | instants
codes = st.sampled_from([OPEN, DNC, OBJECTED])
callbacks = st.just(NEVER) | instants | instants.map(lambda at: at + EARLY)


@st.composite
def columns(draw: DrawFn, size: int, *kinds: st.SearchStrategy[int]) -> list[Int64Array]:
    """One column of each kind."""
    return [np.array(draw(st.lists(kind, min_size=size, max_size=size)), np.int64) for kind in kinds]


@st.composite
def leads(draw: DrawFn) -> OfLeads:
    """Leads of whom anything may be kept."""
    few, closed = st.integers(-1, 2), st.sampled_from([OPEN, CONVERTED, DNC])
    kinds = (
        few,
        few,
        st.integers(0, 1),
        instants,
        callbacks,
        ends,
        few,
        called,
        closed,
        ends,
        codes,
        ends,
        ends,
        ends,
    )
    return OfLeads(*draw(columns(LEADS, *kinds)))


@st.composite
def numbers(draw: DrawFn) -> OfNumbers:
    """Numbers of which anything may be kept."""
    starts = [sorted(draw(st.lists(instants, max_size=RECENT)), reverse=True) for _ in range(PHONES)]
    whole = np.array([some + [NEVER_CALLED] * (RECENT - len(some)) for some in starts])
    return OfNumbers(whole, *draw(columns(PHONES, codes, ends, ends, ends)))


rows = st.lists(st.integers(0, LEADS - 1), max_size=6).map(lambda some: np.array(some, np.int64))
caps = st.lists(st.integers(-1, 12), min_size=2, max_size=2)
nows = instants | instants.map(lambda at: at + MINUTE)


def days_calls(of_numbers: OfNumbers, phone: int, at: int) -> list[int]:
    return [start for start in of_numbers.starts[phone].tolist() if start > at - DAY] if phone >= 0 else []


def stands(lead: OfLeads, row: int, number: OfNumbers, law: Law, at: int) -> dict[str, int]:
    """How one lead stands."""
    phone, own = lead.phone[row], lead.called_at[row]
    starts = number.starts[phone].tolist() if phone >= 0 else [NEVER_CALLED] * RECENT
    last = max(own, starts[0])
    stop, held = (lead.stop_ends[row], lead.stopped[row]), [(lead.held_since[row], lead.held_until[row])]
    if phone >= 0:
        held.append((number.held_since[phone], number.held_until[phone]))
        stop = max(stop, (number.stop_ends[phone], number.stopped[phone]), key=lambda one: one[0])
    kept = own >= lead.promised[row] - EARLY and own > lead.promised_at[row]
    callback = NEVER if kept else lead.promised[row]
    jurisdiction = law.jurisdiction[lead.place[row]]
    start = starts[min(max(law.daily_cap[jurisdiction], 1), RECENT) - 1]
    return {
        "zone": lead.zone[row],
        "attempts": lead.attempts[row],
        "calls_24h": len(days_calls(number, phone, at)),
        "last_call_at": last,
        "oldest_in_24h": 0 if start == NEVER_CALLED else start + DAY,
        "callback_at": callback,
        "not_before": max(lead.waits_until[row], callback - EARLY if callback < NEVER else 0),
        "leased_until": max(until if last < since else 0 for since, until in held),
        "created_at": lead.created_at[row],
        "closed": stop[1] if stop[1] != OPEN and stop[0] > at else lead.closed[row],
        "jurisdiction": jurisdiction,
        "has_phone": phone >= 0,
    }


@settings(deadline=None)
@given(rows=rows, of_leads=leads(), of_numbers=numbers(), caps=caps, at=nows)
def test_the_loop_says_how_each_lead_stands(rows, of_leads, of_numbers, caps, at):
    law, out = Law(np.array([1, 0]), np.array(caps)), np.empty((len(ANSWERS), rows.size), np.int64)

    call_roll(rows, at, law, of_leads, of_numbers, out)

    for i, row in enumerate(rows.tolist()):
        wanted = stands(of_leads, row, of_numbers, law, at)
        assert dict(zip(ANSWERS, out[:, i].tolist(), strict=True)) == wanted


@settings(deadline=None)
@given(rows=rows, of_leads=leads(), of_numbers=numbers(), at=nows, data=st.data())
def test_the_loop_finds_what_comes_next(rows, of_leads, of_numbers, at, data):
    told, out = tuple(data.draw(columns(rows.size, ends, callbacks))), np.empty(rows.size, np.int64)

    find_turns(rows, at, told, of_leads, of_numbers, out)

    for i, row in enumerate(rows.tolist()):
        phone = of_leads.phone[row]
        coming = [of_leads.stop_ends[row], *(column[i] for column in told)]
        coming += [start + DAY for start in days_calls(of_numbers, phone, at)]
        coming += [of_numbers.stop_ends[phone]] if phone >= 0 else []
        assert out[i] == min((one for one in coming if one > at), default=NEVER)
