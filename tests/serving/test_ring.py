"""A ring keeps the last records of leads by their rows, however rows and records grow."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.kernel import Int64Array
from serving.ring import Kept, Ring

KIND = np.dtype([("said", np.int64), ("row", np.int32)])


def records(rows: list[int], said: list[int]) -> Kept:
    found = np.zeros(len(rows), KIND)
    found["row"], found["said"] = rows, said
    return found


def kept(ring: Ring, rows: Int64Array) -> dict[int, int]:
    """What is said of those of some leads that are there."""
    found, here = ring.of(rows)
    assert found["row"][here].tolist() == rows[here].tolist()
    return dict(zip(rows[here].tolist(), found["said"][here].tolist(), strict=True))


@given(
    told=st.lists(st.lists(st.integers(0, 60), max_size=12, unique=True), max_size=12),
    most=st.integers(1, 20),
)
def test_a_ring_knows_of_the_last_written_records_what_each_lead_was_told_last(told, most):
    ring, written = Ring(KIND, most), list[tuple[int, int]]()

    for said, rows in enumerate(told):
        ring.keep(records(rows, [said] * len(rows)))
        written += [(row, said) for row in rows]

        assert kept(ring, np.arange(70)) == dict(written[-most:])


def test_a_lead_of_whom_nothing_was_kept_has_no_record():
    ring = Ring(KIND, 3)
    assert kept(ring, np.array([0, 5])) == {}

    ring.keep(records([0], [7]))

    assert kept(ring, np.array([5, 0, 1_000])) == {0: 7}
