"""The queue of one batch."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.instants import NEVER
from serving.ranking.arms import HOLDOUT, MODEL
from serving.ranking.exploration import generator
from serving.ranking.fairness import Account
from serving.ranking.policy import Policy
from serving.ranking.queue import Source, line_up, rank
from tests.serving.twin import Sorted

PLAIN = Policy(holdout=0.0, uniform=0.0, temperature=1e-6)


def some_candidates(n=20, **columns):
    usual = {
        "row": np.arange(n) + 100,
        "arm": np.full(n, MODEL, np.int8),
        "score": np.linspace(1.0, 2.0, n),
        "seconds": np.full(n, 60.0),
        "callback_at": np.full(n, NEVER),
        "created_at": np.arange(n),
        "attempts": np.zeros(n, np.int64),
        "last_call_at": np.full(n, -NEVER),
        "origin": np.zeros(n, np.int64),
    }
    return Sorted(**{**usual, **columns})


def test_the_highest_value_per_second_comes_first():
    queue = rank(some_candidates(), 5, PLAIN, Account(), generator("a"))

    assert queue.place[:5].tolist() == [19, 18, 17, 16, 15]
    assert set(queue.source.tolist()) == {Source.RANKED}


def test_due_callbacks_come_first_the_longest_due_one_before_all():
    callback_at = np.full(20, NEVER)
    callback_at[[3, 7]] = [500, 400]

    queue = rank(some_candidates(callback_at=callback_at), 5, PLAIN, Account(), generator("a"))

    assert queue.place[:3].tolist() == [7, 3, 19]
    assert queue.source[:3].tolist() == [Source.CALLBACK, Source.CALLBACK, Source.RANKED]


def test_the_holdout_keeps_the_campaigns_old_order():
    arm = np.full(20, HOLDOUT, np.int8)
    policy = Policy(holdout=0.5, uniform=0.0, baseline_order="oldest")

    queue = rank(some_candidates(arm=arm, policy=policy), 3, policy, Account(), generator("a"))

    assert queue.place[:3].tolist() == [0, 1, 2]
    assert set(queue.source.tolist()) == {Source.HOLDOUT}


def test_without_a_model_the_newest_lead_comes_first():
    queue = rank(some_candidates(score=np.full(20, np.nan)), 3, PLAIN, Account(), generator("a"))

    assert queue.place[:3].tolist() == [19, 18, 17]
    assert queue.propensity(3, np.arange(3)).tolist() == [1, 1, 1]


def test_nobody_to_call_is_an_empty_queue():
    queue = rank(some_candidates(0), 10, Policy(), Account(), generator("a"))

    assert queue.place.size == 0


def test_kappa_is_the_key_of_the_first_lead_neither_taken_nor_lost():
    policy = replace(PLAIN, temperature=0.2)
    queue = rank(some_candidates(), 4, policy, Account(), generator("a"))

    chances, kappa = queue.propensity(5, np.array([0, 1, 2, 4])), queue.kappas(5)[MODEL]

    assert kappa == queue.arms[MODEL].keys[5]
    assert chances == pytest.approx(-np.expm1(-np.exp(queue.arms[MODEL].phi[[0, 1, 2, 4]] - kappa)))


@given(
    n=st.integers(1, 30),
    leads=st.integers(0, 60),
    holdout=st.sampled_from([0.0, 0.1, 0.5]),
    uniform=st.sampled_from([0.0, 0.02, 1.0]),
    baseline=st.sampled_from(["newest", "oldest", "fewest_attempts", "longest_waiting", "random"]),
    key=st.text(max_size=4),
)
def test_nobody_stands_in_the_queue_twice_and_every_chance_is_a_probability(
    n, leads, holdout, uniform, baseline, key
):
    rng, policy = np.random.default_rng(leads), Policy(holdout, uniform, 0.2, baseline)
    some = some_candidates(
        leads,
        arm=(rng.random(leads) < holdout).astype(np.int8),
        callback_at=np.where(rng.random(leads) < 0.1, rng.integers(0, 50, leads), NEVER),
        policy=policy,
    )

    queue = rank(some, n, policy, Account(), generator(key))

    assert len(set(queue.place.tolist())) == queue.place.size
    assert queue.place.size >= min(n, leads) or holdout > 0 or uniform > 0
    used = min(n, queue.place.size)
    chances = queue.propensity(used, np.arange(used))
    assert np.all((chances > 0) & (chances <= 1))


@st.composite
def lines(draw):
    """Callbacks, slots of two arms, and some of these, callbacks aside, drawn alike or strangers."""
    due = draw(st.lists(st.integers(0, 9), unique=True, max_size=3))
    place = draw(st.lists(st.integers(10, 40), unique=True, max_size=12))
    arm = draw(st.lists(st.integers(0, 1), min_size=len(place), max_size=len(place)))
    alike = [draw(st.sampled_from([-1, -1, *range(10, 45)])) if one == MODEL else -1 for one in arm]
    return tuple(np.array(column, np.int64) for column in (due, place, arm, alike))


@given(told=lines())
def test_each_lead_has_the_first_of_its_places_in_line(told):
    """The slow way lists callbacks, slots and whoever had to make room, and strikes out who was there."""
    due, place, arm, alike = told
    turn, ranked = np.arange(place.size) + 100, np.array([True, False])
    slow = [(lead, Source.CALLBACK, -1, -1, -1) for lead in due.tolist()]
    stood = [
        (lead, (Source.RANKED, Source.HOLDOUT)[one], one, slot + 100, slot)
        for slot, (lead, one) in enumerate(zip(place.tolist(), arm.tolist(), strict=True))
    ]
    slow += [
        own if stranger < 0 else (stranger, Source.EXPLORE, -1, -1, slot)
        for slot, (own, stranger) in enumerate(zip(stood, alike.tolist(), strict=True))
    ]
    slow += [
        (*own[:4], place.size) for own, stranger in zip(stood, alike.tolist(), strict=True) if stranger >= 0
    ]
    out, seen = np.empty((5, len(slow)), np.int64), np.full(2 * len(slow) + 1, -1)

    found = line_up(due, place, arm, turn, ranked, alike, seen, out)

    known = [one[0] for one in slow]
    expected = [list(one) for i, one in enumerate(slow) if one[0] not in known[:i]]
    assert out[:, :found].T.tolist() == expected
