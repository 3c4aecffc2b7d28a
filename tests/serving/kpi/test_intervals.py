"""Intervals against reference values, and sums that may be drawn up in parts."""

from math import isnan
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.kpi.intervals import (
    Figure,
    Interval,
    Sums,
    around,
    compare,
    compare_relatively,
    share_figure,
    wilson,
)


def exactly(value: float) -> float:
    """As far as the reference values are printed: ten decimals."""
    return cast("float", pytest.approx(value, rel=1e-9, abs=6e-11))


def of_agent_days(conversions: list[float], hours: list[float]) -> Figure:
    group = np.zeros(len(hours), np.int64)
    return Sums.of(group, 1, np.array(conversions), np.array(hours)).figures(0)


def test_two_shares_differ_as_the_reference_says():
    control, treatment = share_figure(48, 1200), share_figure(540, 10800)

    plain, relative = compare(control, treatment), compare_relatively(control, treatment)

    assert plain.difference == exactly(0.01)
    assert plain.error == exactly(0.0060330877789)
    assert plain.interval.low == exactly(-0.0018338874940)
    assert plain.interval.high == exactly(0.0218338874940)
    assert plain.p == exactly(0.0976157955)
    assert relative.difference == exactly(0.25)
    assert relative.error == exactly(0.1843877507)
    assert (relative.interval.low, relative.interval.high) == (exactly(-0.1116761394), exactly(0.6116761394))
    assert relative.p == exactly(0.1753483324)


def test_two_ratios_over_agent_days_differ_as_the_reference_says():
    a = of_agent_days([3, 5, 2, 4, 6, 3], [6, 8, 5, 7, 8, 6])
    b = of_agent_days([5, 6, 4, 7, 6, 4], [7, 8, 6, 8, 7, 5])

    plain, relative = compare(a, b), compare_relatively(a, b)

    assert (a.value, b.value) == (exactly(0.575), exactly(0.7804878049))
    assert (a.variance * 6, b.variance * 6) == (exactly(0.014810625), exactly(0.0068948506))
    assert (plain.difference, plain.error) == (exactly(0.2054878049), exactly(0.0601463155))
    assert (plain.interval.low, plain.interval.high) == (exactly(0.0690177213), exactly(0.3419578885))
    assert plain.p == exactly(0.0078935971)
    assert (relative.difference, relative.error) == (exactly(0.3573700954), exactly(0.1312683310))
    assert (relative.interval.low, relative.interval.high) == (exactly(0.0595264129), exactly(0.6552137780))
    assert relative.p == exactly(0.0239232975)


@given(n=st.integers(1, 10_000), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None, max_examples=80)
def test_the_ends_of_wilsons_interval_are_a_score_test_away_from_the_share(n, share, level):
    """By its definition: |p - end| = z sqrt(end (1 - end) / n) at both ends."""
    hits = round(share * n)
    z = {0.8: 1.2815515655446004, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}[level]

    found = wilson(hits, n, level)

    for end in (found.low, found.high):
        assert abs(hits / n - end) == pytest.approx(z * np.sqrt(end * (1 - end) / n), abs=1e-9)
    assert found.low <= hits / n <= found.high


@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 9)), max_size=30))
@settings(deadline=None, max_examples=60)
def test_sums_of_two_parts_are_the_sums_of_the_whole(rows):
    group, y, x = (
        (np.array(column, np.float64) for column in zip(*rows, strict=True)) if rows else [np.empty(0)] * 3
    )
    cut = len(rows) // 2

    def part(rows: slice) -> Sums:
        return Sums.of(group[rows].astype(np.int64), 3, y[rows], x[rows])

    whole, both = part(slice(None)), part(slice(cut)) + part(slice(cut, None))

    assert {name: column.tolist() for name, column in vars(whole).items()} == {
        name: column.tolist() for name, column in vars(both).items()
    }


def test_nothing_to_divide_by_has_neither_value_nor_interval():
    empty = Sums.of(np.empty(0, np.int64), 1, np.empty(0), np.empty(0)).figures(0)

    assert isnan(empty.value)
    assert isnan(around(empty).low)
    assert isnan(wilson(0, 0).low)


def test_one_unit_tells_a_value_but_no_interval():
    figure = of_agent_days([3], [6])

    assert figure.value == 0.5
    assert isnan(around(figure).low)
    assert around(of_agent_days([3, 3], [6, 6])) == Interval(0.5, 0.5, 0.95)
