"""Cells and ladders: leads counted, found and ordered as sorting all of them would say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving import ladder as ladder_module
from serving.cells import NOWHERE, Cells
from serving.ladder import Ladder, merge, overtake, walk

KINDS = 4
moves = st.lists(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(-1, KINDS - 1), st.integers(0, 6)), max_size=40),
    min_size=1,
    max_size=5,
)
wanted = st.sets(st.integers(0, KINDS - 1), min_size=1)


@settings(deadline=None)
@given(told=moves, kinds=wanted, data=st.data())
def test_leads_are_found_by_cell_and_number_as_a_reader_of_all_would(told, kinds, data):
    """More than two blocks of leads, a few of them moved about."""
    cells, cell = Cells(np.full(9001, 3, np.int32), KINDS), np.full(9001, 3)
    for some in told:
        for slot, to, _ in some:
            cells.move(np.array([slot]), np.array([to]))
            cell[slot] = to
    expected = np.flatnonzero(np.isin(cell, list(kinds)))
    asked = np.array(sorted(kinds))

    found = cells.among(asked)
    numbers = data.draw(st.lists(st.integers(0, max(expected.size - 1, 0)), max_size=3))

    assert found.tolist() == expected.tolist()
    assert cells.totals.tolist() == [int(np.sum(cell == kind)) for kind in range(KINDS)]
    if expected.size:
        assert cells.numbered(asked, np.array(numbers, np.int64)).tolist() == expected[numbers].tolist()
    assert cells.only(cell == 1).among(asked).tolist() == [s for s in expected.tolist() if cell[s] == 1]


def test_leads_and_cells_may_become_more():
    cells = Cells(np.empty(0, np.int32), 0)

    cells.make_room(5000, 3)
    cells.move(np.arange(5000), np.arange(5000) % 3)
    cells.make_room(9000, 40)
    cells.move(np.array([8999, 0]), np.array([39, NOWHERE]))

    assert cells.totals[[0, 1, 2, 39]].tolist() == [1666, 1667, 1666, 1]
    assert cells.among(np.array([39])).tolist() == [8999]


def test_who_asks_for_nobody_gets_nobody_and_nothing_is_written_beyond():
    """As for a queue that callbacks fill, while others wait."""
    around, order = np.full(3, -7), np.arange(5)

    found = walk(order, np.ones(5, np.bool_), np.zeros(5, np.int32), np.ones(2, np.bool_), around[1:1])

    assert (found, around.tolist()) == (0, [-7, -7, -7])


@given(
    told=st.lists(st.tuples(st.integers(0, 3), st.integers(-1, KINDS - 1)), max_size=8),
    kinds=wanted, last=st.sampled_from([0.0, 1.5, 2.0, np.inf]),
)  # fmt: skip
def test_who_waits_overtakes_where_a_reader_of_the_keys_says_so(told, kinds, last):
    first = np.array([key for key, _ in told], np.float64)
    cell = np.array([kind for _, kind in told], np.int32)
    marks, out = np.isin([*range(KINDS), -1], list(kinds)), np.empty(len(told), np.int64)

    found = overtake(np.arange(len(told)), first, last, cell, marks, out)

    slow = [slot for slot, (key, kind) in enumerate(told) if kind in kinds and key <= last]
    assert out[:found].tolist() == slow


@settings(deadline=None)
@given(told=moves, kinds=wanted, most=st.integers(0, 30), sparse=st.sampled_from([1, 8]))
def test_the_first_of_a_ladder_are_those_of_a_sort(told, kinds, most, sparse):
    """Whether they are few among many or the other way round."""
    slots, rng = np.arange(400), np.random.default_rng(7)
    first, second = rng.integers(0, 9, 400).astype(float), rng.integers(0, 3, 400).astype(float)
    cells, ladder = Cells((slots % KINDS).astype(np.int32), KINDS), Ladder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ladder_module, "SPARSE", sparse)
        patch.setattr(ladder_module, "FEW", 8)
        ladder.place(slots, first, second)
        for some in told:
            moved = {slot % 400: (to, key) for slot, to, key in some}
            for slot, (to, key) in moved.items():
                cells.move(np.array([slot]), np.array([to]))
                first[slot] = key
            again = np.array(list(moved), np.int64)
            ladder.place(again, first[again], second[again])

            found = ladder.first(cells, np.array(sorted(kinds)), most)

            there = np.flatnonzero(np.isin(cells.cell, list(kinds)))
            order = np.lexsort((there, second[there], first[there]))
            assert found.tolist() == there[order][:most].tolist()


def test_merging_keeps_the_order_of_both():
    first, second = np.array([1.0, 3.0, 2.0, 2.0, 0.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    merged = np.empty(6, np.int64)

    merge(np.array([0, 3, 1]), np.array([4, 5, 2]), first, second, merged)

    assert merged.tolist() == [4, 0, 5, 2, 3, 1]
