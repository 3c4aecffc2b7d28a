"""Arms: each gets its share of agent seconds, not of leads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ranking.arms import place_of, places, turns


def test_a_leads_place_depends_on_salt_and_experiment_alone():
    first = place_of(b"salt", "holdout", "lead-1")

    assert first == place_of(b"salt", "holdout", "lead-1")
    assert first != place_of(b"other", "holdout", "lead-1")
    assert first != place_of(b"salt", "script", "lead-1")


def test_places_spread_evenly():
    found = places(b"salt", "holdout", [f"lead-{n}" for n in range(20_000)])

    assert (found < 0.1).mean() == pytest.approx(0.1, abs=0.01)
    assert found.min() >= 0
    assert found.max() < 1


def test_the_arm_behind_its_share_comes_first():
    cheap, dear = np.full(10, 30.0), np.full(10, 30.0)

    filled = turns((cheap, dear), (0.9, 0.1), spent=(900.0, 0.0), slots=4)

    assert filled[:3, 0].tolist() == [1, 1, 1]


def test_an_arm_that_ran_out_passes_its_turn():
    filled = turns((np.full(5, 30.0), np.empty(0)), (0.5, 0.5), (0.0, 0.0), slots=4)

    assert filled.tolist() == [[0, 0], [0, 1], [0, 2], [0, 3]]


def test_an_arm_without_a_share_gets_nothing():
    filled = turns((np.full(3, 30.0), np.full(3, 30.0)), (1.0, 0.0), (0.0, 0.0), slots=6)

    assert filled[:, 0].tolist() == [0, 0, 0]


@given(
    share=st.floats(0.05, 0.95),
    seconds=st.tuples(st.floats(10, 300), st.floats(10, 300)),
)
def test_shares_of_seconds_are_kept_within_one_call(share, seconds):
    arms = tuple(np.full(400, each) for each in seconds)

    filled = turns(arms, (1 - share, share), (0.0, 0.0), slots=400)

    spent = np.bincount(filled[:, 0], np.array(seconds)[filled[:, 0]], minlength=2)
    assert abs(spent[1] - share * spent.sum()) <= max(seconds)


amounts = st.lists(st.sampled_from([0.0, 10.0, 60.0, 61.5]), max_size=12)


@given(
    seconds=st.tuples(amounts, amounts), holdout=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    spent=st.tuples(st.sampled_from([0.0, 100.0]), st.sampled_from([0.0, 50.0])), slots=st.integers(0, 20),
)  # fmt: skip
def test_the_loop_gives_turns_as_a_reader_of_both_orders_would(seconds, holdout, spent, slots):
    shares = (1 - holdout, holdout)

    filled = turns([np.array(one, np.float64) for one in seconds], shares, spent, slots)

    assert filled.tolist() == slowly(seconds, shares, spent, slots)


def slowly(seconds, share, spent, slots) -> list[list[int]]:
    """Of the arms that have a share and somebody left, the one furthest behind; of equals the larger."""
    used, taken, filled = list(spent), [0, 0], list[list[int]]()
    while len(filled) < slots:
        able = [arm for arm in (0, 1) if share[arm] > 0 and taken[arm] < len(seconds[arm])]
        if not able:
            break
        arm = max(able, key=lambda a: (share[a] * sum(used) - used[a], share[a]))
        used[arm] += seconds[arm][taken[arm]]
        filled.append([arm, taken[arm]])
        taken[arm] += 1
    return filled
