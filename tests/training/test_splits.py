"""Folds in time: the judged always lies after what was learned, with a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.splits import Fold, learnable, time_folds


@given(
    steps=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    count=st.integers(1, 5),
    judged=st.floats(0.1, 0.9),
    gap=st.integers(0, 8),
)
def test_a_fold_learns_only_from_what_began_before_the_gap(steps, count, judged, gap):
    at = np.cumsum(np.array(steps, np.int64))

    for fold in time_folds(at, count, judged, gap):
        assert at[fold.train].max() < at[fold.test].min() - gap
        assert fold.train.tolist() == np.flatnonzero(at < at[fold.test[0]] - gap).tolist()


@given(size=st.integers(1, 80), count=st.integers(1, 6), judged=st.floats(0.1, 1.0))
def test_the_last_rows_are_judged_once_each_in_order(size, count, judged):
    at = np.arange(size, dtype=np.int64) * 10

    rows = [row for fold in time_folds(at, count, judged, 0) for row in fold.test.tolist()]

    assert rows == list(range(size - len(rows), size))


def test_rows_out_of_order_are_a_bug_of_the_caller():
    with pytest.raises(ValueError, match="order of time"):
        time_folds(np.array([2, 1]), 1, 0.5, 0)


def test_a_fold_without_both_kinds_on_both_sides_teaches_nothing():
    label = np.array([0.0, 1.0, 0.0, 0.0, 1.0])
    both = Fold(np.array([0, 1]), np.array([3, 4]))

    assert learnable(
        [both, Fold(np.array([0, 1]), np.array([2, 3])), Fold(np.array([0]), np.array([3, 4]))], label
    ) == (both,)
