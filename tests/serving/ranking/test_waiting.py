"""Waiting: the index that knows better hours to come, and the draw by it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ranking.exploration import relative
from serving.ranking.waiting import dearer, index_of

chances, waits = st.floats(0.01, 0.99), st.integers(0, 4)


def one(dial: list[float], windows: list[tuple[float, float, bool]], idle_s: float, price: float) -> float:
    """The index of one lead; windows as (chance of an answer, what is left of its value, dialed again)."""
    answer, faded, again = (np.array([column]) for column in zip(*windows, strict=True))
    out = np.empty(1)
    index_of(np.array([dial]), idle_s, answer, faded, again.astype(np.bool_), price, out)
    return float(out[0])


def obvious(
    dial: list[float], windows: list[tuple[float, float, bool]], idle_s: float, price: float
) -> float:
    """The same as one would write it down."""
    q, value, talk_s = dial
    seconds = q * talk_s + (1 - q) * idle_s

    def best(some: list[tuple[float, float, bool]]) -> float:
        worth = [
            left * max(0.0, then * value - price * (then * talk_s + (1 - then) * idle_s))
            for then, left, _ in some
            if then >= 0
        ]
        return max(worth, default=0.0)

    before, after = best(windows), best([window for window in windows if window[2]])
    return (q * value - price * seconds - (q * before + (1 - q) * max(0.0, before - after))) / seconds


def test_the_worked_check():
    """The better window is lost by a dial now; the other one, worth 3.5, is not."""
    windows = [(0.3, 1.0, False), (4.02 / 14.52, 1.0, True)]

    assert one([0.2, 20.0, 300.0], windows, 26.0, 0.02) == pytest.approx(1.348 / 80.8, rel=1e-9)
    assert one([0.2, 20.0, 300.0], [(-1.0, 1.0, True)], 26.0, 0.0) == pytest.approx(4 / 80.8, rel=1e-9)


@given(
    dial=st.tuples(chances, st.floats(0, 500), st.floats(30, 900)),
    windows=st.lists(
        st.tuples(st.sampled_from([-1.0]) | chances, st.floats(0, 1), st.booleans()), min_size=1, max_size=7
    ),
    idle_s=st.floats(5, 60),
    price=st.floats(0, 1),
)
def test_the_loop_is_what_one_would_write_down(dial, windows, idle_s, price):
    assert one([*dial], windows, idle_s, price) == pytest.approx(
        obvious([*dial], windows, idle_s, price), rel=1e-9, abs=1e-9
    )


def test_a_lead_whose_hour_is_now_goes_before_one_whose_hour_is_to_come():
    now = one([0.3, 20.0, 300.0], [(0.1, 1.0, True)], 26.0, 0.02)
    later = one([0.3, 20.0, 300.0], [(0.6, 1.0, True)], 26.0, 0.02)

    assert now > later


def test_the_price_begins_at_the_first_index_and_follows_slowly_never_below_nothing():
    assert dearer(0.0, 0.04) == 0.04
    assert dearer(0.04, 0.06) == pytest.approx(0.041)
    assert dearer(0.0, -0.04) == 0.0


@given(index=st.lists(st.floats(-9, 9), min_size=1, max_size=9), n=st.integers(1, 9), shift=st.floats(-5, 5))
def test_the_draw_by_an_index_knows_differences_alone(index, n, shift):
    pool = np.sort(np.round(np.array(index), 3))[::-1]

    found = relative(pool, n, 0.2)

    assert found == pytest.approx(relative(pool + shift, n, 0.2), abs=1e-6)
    assert np.all(np.diff(found) <= 0)
    assert found[0] - found[-1] == pytest.approx(5.0 if pool[0] > pool[-1] else 0.0)


def test_the_draw_by_an_index_is_the_published_formula():
    found = relative(np.array([4.0, 1.0, 0.0, -1.0]), 2, 0.5)

    assert found.tolist() == [(4 - 1) / 2.5, 0.0, -1 / 2.5, -2 / 2.5]
