"""Sets of leads: the loops against what Python's sets say."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import NEVER
from features.kernel import Int64Array
from serving.numbering import Numbering
from serving.rows import sift, union

some = st.lists(st.integers(0, 20), max_size=12)


def whole(numbers: list[int]) -> Int64Array:
    return np.array(numbers, np.int64)


@settings(deadline=None)
@given(parts=st.lists(some, min_size=1, max_size=4))
def test_a_union_is_each_once_in_order(parts):
    assert union([whole(part) for part in parts]).tolist() == sorted(set().union(*parts))


@settings(deadline=None)
@given(
    rows=st.sets(st.integers(0, 20)),
    mine=st.sets(st.integers(0, 20)),
    campaigns=st.lists(st.integers(0, 2), min_size=21, max_size=21),
)
def test_news_is_of_slots_or_of_leads_that_lack_one(rows, mine, campaigns):
    out = np.empty((2, len(rows)), np.int64)

    known, new = sift(whole(sorted(rows)), whole(sorted(mine)), whole(campaigns), 1, out)

    assert out[0, :known].tolist() == [place for place, row in enumerate(sorted(mine)) if row in rows]
    assert out[1, :new].tolist() == [row for row in sorted(rows - mine) if campaigns[row] == 1]


@settings(deadline=None)
@given(told=st.lists(st.lists(st.integers(-3, 3) | st.integers(), max_size=6), max_size=6))
def test_codes_are_numbered_as_they_appear_the_least_first(told):
    numbering, twin = Numbering(), dict[int, int]()
    for codes in told:
        codes = [code % NEVER for code in codes]
        for code in sorted(set(codes)):
            twin.setdefault(code, len(twin))

        assert numbering.of(whole(codes)).tolist() == [twin[code] for code in codes]
        assert numbering.codes == list(twin)
