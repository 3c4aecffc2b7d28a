"""Erlang-A against its table and its closed forms."""

import math

import pytest

from features.synthetic.erlang import calls_at_abandonment, erlang_a

TABLE = [
    (5, 28.36, 0.3668),
    (10, 83.60, 0.5406),
    (20, 211.57, 0.6841),
    (50, 633.36, 0.8191),
    (100, 1370.21, 0.8861),
]


@pytest.mark.parametrize(("agents", "live_per_hour", "occupancy"), TABLE)
def test_live_calls_at_three_percent_abandonment_equal_the_table(agents, live_per_hour, occupancy):
    calls = calls_at_abandonment(agents, handle_s=240, patience_s=2)

    assert calls == pytest.approx(live_per_hour, rel=0.01)
    assert erlang_a(calls, agents, 240, 2).occupancy == pytest.approx(occupancy, rel=0.01)


def test_equal_rates_and_one_agent_give_the_closed_form():
    floor = erlang_a(per_hour=3600, agents=1, handle_s=1, patience_s=1)

    assert floor.waits == pytest.approx(1 - math.exp(-1), abs=1e-12)
    assert floor.abandons == pytest.approx(math.exp(-1), abs=1e-12)


def test_who_does_not_abandon_is_served():
    floor = erlang_a(per_hour=100, agents=8, handle_s=240, patience_s=30)

    assert floor.occupancy * 8 == pytest.approx(100 / 3600 * 240 * (1 - floor.abandons), abs=1e-9)
