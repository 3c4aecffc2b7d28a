"""Queues of several arms: each draws from its own leads, and every chance is told."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.instants import NEVER
from serving.ranking.arms import MODEL
from serving.ranking.exploration import generator, utility
from serving.ranking.fairness import Account
from serving.ranking.policy import Arm, Experiment, Policy
from serving.ranking.queue import Source, rank
from tests.serving.twin import Sorted

from .test_queue import some_candidates

TWO = Policy(
    holdout=0.2, uniform=0.0, fairness_floor=0.0,
    experiment=Experiment("heat", (Arm("cool", 0.5, temperature=0.3), Arm("warm", 0.5, temperature=1.5))),
)  # fmt: skip
MIXED = replace(
    TWO, uniform=0.3, experiment=Experiment("order", (Arm("model", 0.5), Arm("any", 0.5, "random")))
)
ORDERS = ["model", "model", "newest", "random"]


def some_of(policy: Policy, leads: int, seed: int = 1, **columns: np.ndarray) -> Sorted:
    rng = np.random.default_rng(seed)
    arm = rng.choice(len(policy.arms), leads, p=[one.share for one in policy.arms]).astype(np.int8)
    score = rng.lognormal(0, 0.5, leads)
    found: Sorted = some_candidates(leads, arm=arm, score=score, policy=policy, **columns)
    return found


def experiments(orders: Sequence[str], temperatures: Sequence[float]) -> Experiment:
    arms = [
        Arm(f"a{number}", 1 / len(orders), order, temperature)
        for number, (order, temperature) in enumerate(zip(orders, temperatures, strict=False))
    ]
    return Experiment("e", tuple(arms))


@settings(deadline=None)
@given(
    seed=st.integers(0, 99), n=st.integers(1, 12), uniform=st.sampled_from([0.0, 0.4]),
    floor=st.sampled_from([0.0, 0.2]), holdout=st.sampled_from([0.1, 0.5]),
)  # fmt: skip
def test_an_experiment_of_the_model_alone_is_no_experiment_bit_for_bit(seed, n, uniform, floor, holdout):
    plain = Policy(holdout, uniform, fairness_floor=floor)
    alone = replace(plain, experiment=Experiment("alone", (Arm("m", 1.0),)))
    some, account = some_of(plain, 60, seed), Account((9.0, 1.0), 500, ((0, 1),))

    one, other = (rank(some, n, policy, account, generator("k")) for policy in (plain, alone))

    assert one.place.tolist() == other.place.tolist()
    assert one.source.tolist() == other.source.tolist()
    taken = np.arange(min(n, one.place.size))
    assert one.propensity(n, taken).tolist() == other.propensity(n, taken).tolist()


@settings(deadline=None)
@given(
    seed=st.integers(0, 999), leads=st.integers(0, 80), n=st.integers(1, 20),
    orders=st.lists(st.sampled_from(ORDERS), min_size=2, max_size=4),
    temperatures=st.lists(st.sampled_from([1e-6, 0.2, 2.0]), min_size=4, max_size=4),
    uniform=st.sampled_from([0.0, 0.3, 1.0]), floor=st.sampled_from([0.0, 0.2]), lost=st.integers(0, 3),
)  # fmt: skip
def test_with_several_arms_nobody_stands_twice_and_every_chance_is_a_probability(
    seed, leads, n, orders, temperatures, uniform, floor, lost
):
    rng = np.random.default_rng(seed)
    policy = Policy(0.2, uniform, fairness_floor=floor, experiment=experiments(orders, temperatures))
    callback_at = np.where(rng.random(leads) < 0.1, rng.integers(0, 50, leads), NEVER)
    some = some_of(policy, leads, seed, callback_at=callback_at)

    queue = rank(some, n, policy, Account((), 1_000), generator(f"{seed}"))

    assert len(set(queue.place.tolist())) == queue.place.size
    used = min(n + lost, queue.place.size)
    chances = queue.propensity(used, np.arange(used))
    assert np.all((chances > 0) & (chances <= 1))
    by_order = queue.entries.arm >= 0
    assert np.array_equal(some.arm[queue.place[by_order]], queue.entries.arm[by_order])
    ranked = np.isin(some.arm[queue.place], policy.drawn)
    assert np.all(ranked[(queue.source == Source.RANKED) | (queue.source == Source.EXPLORE)])
    assert not np.any(ranked[queue.source == Source.HOLDOUT])


def test_each_arm_draws_from_its_own_leads_by_its_own_temperature():
    some = some_of(TWO, 200)

    queue = rank(some, 20, TWO, Account(), generator("k"))

    for number in TWO.drawn:
        drawn = queue.arms[number]
        assert drawn.place.size == 3 * 10
        assert set(some.arm[drawn.place].tolist()) == {number}
        assert drawn.phi.tolist() == utility(some.score[drawn.place], TWO.arms[number].temperature).tolist()


def test_sums_over_chances_are_unbiased_in_every_arm():
    """Over all queues a lead of a pool, weighed by one over its chance, counts once for each queue."""
    some, times, n = some_of(TWO, 30), 6_000, 12
    sums = np.zeros(30)

    for number in range(times):
        queue = rank(some, n, TWO, Account(), generator(f"poll {number}"))
        taken = np.flatnonzero(queue.source[:n] == Source.RANKED)
        sums[queue.place[taken]] += 1 / queue.propensity(n, taken)

    for arm in TWO.drawn:
        assert (sums / times)[some.arm == arm].mean() == pytest.approx(1.0, abs=0.04), arm


def test_kappa_is_told_by_arm():
    some = some_of(TWO, 200)

    queue = rank(some, 20, TWO, Account(), generator("k"))

    for arm, kappa in queue.kappas(20).items():
        drawn = np.count_nonzero(queue.entries.arm[:20] == arm)
        assert kappa == queue.arms[arm].keys[drawn]
    assert set(queue.kappas(20)) == set(TWO.drawn)


def test_an_arm_of_which_nobody_was_tried_tells_no_kappa():
    queue = rank(some_of(TWO, 200), 1, TWO, Account((0.0, 5e3, 5e3)), generator("k"))

    assert set(queue.kappas(1)) == {MODEL}


def test_slots_drawn_alike_go_to_leads_of_all_arms_that_the_model_ranks_and_to_no_other():
    policy = replace(TWO, uniform=0.5)
    mixed = replace(policy, experiment=experiments(["model", "newest", "model"], [0.2] * 3))
    some = some_of(mixed, 120)

    drawn = [
        some.arm[queue.place[:10][queue.source[:10] == Source.EXPLORE]]
        for queue in (rank(some, 10, mixed, Account(), generator(f"{n}")) for n in range(300))
    ]

    assert set(np.concatenate(drawn).tolist()) == {0, 3}


def test_a_shuffled_arm_has_the_chance_of_its_own_slots():
    some, times = some_of(MIXED, 120), 2_000
    sums = np.zeros(120)

    for number in range(times):
        queue = rank(some, 10, MIXED, Account(), generator(f"poll {number}"))
        taken = np.flatnonzero(some.arm[queue.place[:10]] == 2)
        sums[queue.place[taken]] += 1 / queue.propensity(10, taken)

    assert (sums / times)[some.arm == 2].mean() == pytest.approx(1.0, abs=0.05)


def test_from_poll_to_poll_arms_keep_their_shares_of_agent_seconds():
    policy = replace(
        TWO, holdout=0.1, experiment=experiments(["model", "newest", "random", "model"], [0.2] * 4)
    )
    rng, some = np.random.default_rng(3), some_of(policy, 3_000)
    some = replace(some, seconds=np.where(some.arm == 2, 200.0, 40.0))
    spent = np.zeros(len(policy.arms))

    for number in range(150):
        queue = rank(some, 10, policy, Account(tuple(spent)), generator(f"{number}"))
        called = queue.place[:10]
        took = some.seconds[called] * rng.uniform(0.5, 1.5, called.size)
        spent += np.bincount(some.arm[called], took, len(policy.arms))

    assert (spent / spent.sum()).tolist() == pytest.approx([arm.share for arm in policy.arms], abs=0.02)
