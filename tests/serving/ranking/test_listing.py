"""The ranking of a whole campaign: its order against the slow way, its scales, and deltas that add up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from features.instants import NEVER
from serving.ranking.arms import turns
from serving.ranking.listing import LARGEST_RANK, SCALES, Listing, delta, order
from serving.ranking.policy import Arm, Experiment, Policy
from serving.ranking.queue import Candidates, Source

POLICY = Policy(holdout=0.2)


def candidates(seed: int, size: int, callbacks: int = 0, scored: bool = True) -> Candidates:
    rng = default_rng(seed)
    due = np.full(size, NEVER)
    due[:callbacks] = rng.permutation(callbacks)
    return Candidates(
        row=np.arange(size),
        arm=(rng.random(size) < POLICY.holdout).astype(np.int8),
        score=rng.random(size) if scored else np.full(size, np.nan),
        seconds=20 + 100 * rng.random(size),
        callback_at=due,
        created_at=rng.permutation(size).astype(np.int64),
        attempts=rng.integers(0, 3, size),
        last_call_at=rng.integers(0, 9, size),
        origin=np.zeros(size, np.int64),
    )


def a_listing(names: list[str], scores: list[float]) -> Listing:
    source = np.full(len(names), Source.RANKED, np.int8)
    return Listing(
        np.array(names, "S8"), np.array(scores, np.float64), source, np.zeros(len(names), np.int64)
    )


@given(
    seed=st.integers(0, 999),
    size=st.integers(0, 60),
    spent=st.tuples(*[st.integers(0, 5_000_000).map(lambda thousandths: thousandths / 1000)] * 2),
)
def test_arms_take_turns_as_in_a_queue(seed, size, spent):
    """The slow way asks before each slot which arm is furthest behind its share."""
    asked = candidates(seed, size)
    model, holdout = (np.flatnonzero(asked.arm == arm) for arm in (0, 1))
    orders = (model[np.argsort(-asked.score[model])], holdout[np.argsort(-asked.created_at[holdout])])
    seconds = tuple(asked.seconds[one] for one in orders)

    place, source = order(asked, POLICY, spent, default_rng(0))

    slow = turns(seconds, (1 - POLICY.holdout, POLICY.holdout), spent, size)
    assert place.tolist() == [orders[arm][j] for arm, j in slow.tolist()]
    assert source.tolist() == [(Source.RANKED, Source.HOLDOUT)[arm] for arm, _ in slow.tolist()]


def test_an_experiments_arms_take_turns_each_in_its_own_order():
    arms = (Arm("model", 0.5), Arm("old", 0.3, "oldest"), Arm("new", 0.2, "newest"))
    policy = replace(POLICY, experiment=Experiment("e", arms))
    rng = default_rng(6)
    dealt = rng.choice(4, 200, p=[arm.share for arm in policy.arms])
    asked = replace(candidates(6, 200), arm=dealt.astype(np.int8))
    spent = (900.0, 20.0, 0.0, 300.0)
    of_arm = [np.flatnonzero(asked.arm == number) for number in range(4)]
    keys = (-asked.score, -asked.created_at, asked.created_at, -asked.created_at)
    orders = [mine[np.argsort(key[mine])] for mine, key in zip(of_arm, keys, strict=True)]

    place, source = order(asked, policy, spent, default_rng(0))

    slow = turns([asked.seconds[one] for one in orders], [arm.share for arm in policy.arms], spent, 200)
    assert place.tolist() == [orders[arm][j] for arm, j in slow.tolist()]
    ranked = [Source.RANKED if arm == 0 else Source.HOLDOUT for arm, _ in slow.tolist()]
    assert source.tolist() == ranked


def test_due_callbacks_come_first_the_earliest_promise_first():
    asked = candidates(3, 20, callbacks=4)

    place, source = order(asked, POLICY, (0.0, 0.0), default_rng(0))

    assert asked.callback_at[place[:4]].tolist() == [0, 1, 2, 3]
    assert (source == Source.CALLBACK).tolist() == [True] * 4 + [False] * 16


def test_without_a_model_its_arm_goes_newest_first():
    asked = candidates(4, 30, scored=False)

    place, source = order(asked, POLICY, (0.0, 0.0), default_rng(0))

    created = asked.created_at[place[source == Source.RANKED]]
    assert (np.diff(created) < 0).all()


@pytest.mark.parametrize("size", [0, 1, 7, 32_768, 100_000])
def test_a_small_integer_never_rises_along_the_list_and_fits_vicidials_column(size):
    listing = a_listing([f"{i}" for i in range(size)], [0.0] * size)

    values = SCALES["0-32767"](listing)

    assert (np.diff(values) <= 0).all()
    assert ((values >= 0) & (values <= LARGEST_RANK)).all()
    assert np.unique(values).size == min(size, LARGEST_RANK + 1)


def test_scales_say_what_they_promise():
    listing = a_listing(["a", "b", "c", "d"], [9.0, 9.0, 5.0, np.nan])

    said = {name: scale(listing).tolist() for name, scale in SCALES.items()}

    assert said["percentile"] == [100, 75, 50, 25]
    assert said["dense"] == [1, 1, 2, 3]
    assert said["0-32767"] == [32767, 32766, 32765, 32764]
    assert said["raw"][:3] == [9, 9, 5]


def test_an_empty_listing_has_every_scale():
    assert all(scale(a_listing([], [])).size == 0 for scale in SCALES.values())


listings = st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from([1.0, 2.0, np.nan]), max_size=8)


@pytest.mark.parametrize("scale", SCALES)
@given(before=listings, now=listings)
def test_who_follows_the_deltas_holds_the_list(scale, before, now):
    older, newer = a_listing([*before], [*before.values()]), a_listing([*now], [*now.values()])
    held = dict(zip(older.lead_id.tolist(), SCALES[scale](older).tolist(), strict=True))

    changed = delta(older, newer, scale)

    for name in changed.removed.tolist():
        del held[name]
    values = SCALES[scale](newer)
    held |= {newer.lead_id[place]: values[place] for place in changed.places.tolist()}
    wanted = dict(zip(newer.lead_id.tolist(), values.tolist(), strict=True))
    assert held.keys() == wanted.keys()
    np.testing.assert_array_equal([held[name] for name in wanted], [*wanted.values()])
    assert len(changed.places) == len({*changed.places.tolist()})
