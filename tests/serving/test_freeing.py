"""Freeing: the next lead that frees up, as a reader of all leads would find it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import NEVER
from serving.cells import BLOCK
from serving.freeing import Freeing

SITES, LEADS = 3, BLOCK + 500
slots = st.sampled_from([0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, LEADS - 1])
held = st.tuples(slots, st.integers(0, SITES - 1), st.sampled_from([0, NEVER]) | st.integers(1, 60))
steps = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.lists(held, max_size=4, unique_by=lambda one: one[0]),
        st.sets(slots, max_size=2),
        st.lists(st.sampled_from([0, 5, 20, NEVER]), min_size=SITES, max_size=SITES),
        st.sampled_from([30, NEVER]),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(told=steps)
def test_the_next_to_free_up_is_the_one_a_reader_of_all_would_find(told):
    """Time passes, leads are held back and let go, some put aside for one question, sites open and close."""
    freeing, at = Freeing(), 0
    until, site, cell = np.zeros(LEADS, np.int64), np.zeros(LEADS, np.int64), np.zeros(LEADS, np.int32)
    freeing.make_room(SITES, 2)
    for seconds, news, aside, opens_in, within in told:
        at += seconds
        for slot, place, end in news:
            until[slot], site[slot] = end if end in (0, NEVER) else at + end, place
        some = np.array([slot for slot, _, _ in news], np.int64)
        freeing.hold(some, site[some], until[some])
        opens = np.array([0 if wait == 0 else min(at + wait, NEVER) for wait in opens_in])
        asked, before = cell.copy(), min(at + within, NEVER)
        asked[list(aside)] = -1

        found = freeing.first(until, site, asked, opens, at, before)

        later = np.maximum(until, opens[site])[(asked >= 0) & (until > at)]
        assert found == min(before, int(later.min(initial=NEVER)))


def test_leads_at_new_sites_and_in_new_blocks_are_found_beside_the_others():
    freeing, until = Freeing(), np.array([50] + [0] * BLOCK + [40])
    site = np.array([0] * (BLOCK + 1) + [1])
    freeing.make_room(1, 1)
    freeing.hold(np.array([0]), site[:1], until[:1])

    freeing.make_room(2, 2)
    freeing.hold(np.array([BLOCK + 1]), site[-1:], until[-1:])

    there, opens = np.zeros(until.size, np.int32), np.zeros(2, np.int64)
    assert freeing.first(until, site, there, opens, at=10, before=NEVER) == 40
    assert freeing.first(until, site, there, opens, at=40, before=NEVER) == 50
    assert freeing.first(until, site, there, opens, at=50, before=NEVER) == NEVER
