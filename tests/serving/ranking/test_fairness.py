"""The fairness floor: who gets slots, how many, and how honestly the chance of each is told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ranking.exploration import generator
from serving.ranking.fairness import CATCH_UP, MOST, Account, Stocks, allotted, behind
from serving.ranking.policy import Policy
from serving.ranking.queue import RankedQueue, Source, rank
from tests.serving.twin import Sorted

from .test_queue import some_candidates

FLOOR = Policy(holdout=0.0, uniform=0.0, fairness_floor=0.02)
FORGOTTEN = Account(dials=1_000, firsts=((0, 400), (1, 300)))
"""Nobody of source 2 was ever called."""


def three_sources(leads=240, **columns):
    """The third source's leads are worth least; every fourth lead was tried before."""
    origin = np.repeat([0, 1, 2], leads // 3)
    return some_candidates(
        leads, score=np.exp(2.0 * (2 - origin) + np.linspace(0, 1, leads)), origin=origin,
        attempts=(np.arange(leads) % 4 == 0).astype(np.int64), **columns,
    )  # fmt: skip


def queues(some: Sorted, policy: Policy, account: Account, times: int, n: int = 10) -> list[RankedQueue]:
    return [rank(some, n, policy, account, generator(f"poll {i}")) for i in range(times)]


def weighed(some: Sorted, found: list[RankedQueue], n: int = 10) -> np.ndarray:
    """Per lead how often it was drawn alike, each time over its chance, against the number of queues."""
    sums = np.zeros(len(some))
    for queue in found:
        taken = np.flatnonzero(queue.source[:n] == Source.EXPLORE)
        sums[queue.place[taken]] += 1 / queue.propensity(n, taken)
    return sums / len(found)


def test_the_chance_of_a_uniform_slot_is_that_of_those_handed_out():
    """Half of a queue are spares for claims that fail: a lead drawn for one of them is not handed out."""
    some = three_sources()

    found = weighed(some, queues(some, replace(FLOOR, uniform=0.4), Account(), 3_000))

    assert found[80:].mean() == pytest.approx(1.0, abs=0.03)  # those before may stand in the ranking itself


def test_a_source_that_is_behind_gets_twice_its_share_of_the_slots_for_its_never_tried_leads():
    some = three_sources()

    found = queues(some, FLOOR, FORGOTTEN, 3_000)

    drawn = [queue.place[:10][queue.source[:10] == Source.EXPLORE] for queue in found]
    taken = np.concatenate(drawn)
    assert taken.size / 30_000 == pytest.approx(CATCH_UP * 0.02, abs=0.006)
    assert set(some.origin[taken].tolist()) == {2}
    assert set(some.attempts[taken].tolist()) == {0}


def test_sums_over_floor_and_uniform_slots_weighed_by_one_over_chance_are_unbiased():
    some = three_sources()
    account = replace(FORGOTTEN, dials=20_000)

    found = weighed(some, queues(some, replace(FLOOR, uniform=0.3, fairness_floor=0.2), account, 4_000))

    assert found[80:160].mean() == pytest.approx(1.0, abs=0.05)
    assert found[160:][some.attempts[160:] == 0].mean() == pytest.approx(1.0, abs=0.05)
    assert found[160:][some.attempts[160:] == 1].mean() == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize(
    ("policy", "account"),
    [
        (replace(FLOOR, fairness_floor=0.0), FORGOTTEN),
        (FLOOR, Account()),
        (FLOOR, Account(dials=1_000, firsts=((0, 20), (1, 20), (2, 20)))),
    ],
    ids=["no floor", "no dials yet", "nobody is behind"],
)
def test_without_a_floor_or_while_it_is_kept_the_queue_is_drawn_as_if_there_were_none(policy, account):
    some = three_sources()

    (found,) = queues(some, replace(policy, uniform=0.1), account, 1)
    (plain,) = queues(some, replace(FLOOR, uniform=0.1, fairness_floor=0.0), Account(), 1)

    assert found.place.tolist() == plain.place.tolist()
    assert found.arms[0].keys.tolist() == plain.arms[0].keys.tolist()


def test_no_floor_asks_nobody_for_never_tried_leads():
    class Silent(Sorted):
        def untried(self):
            raise AssertionError

    some = Silent(**vars(three_sources()))

    rank(some, 10, replace(FLOOR, fairness_floor=0.0), FORGOTTEN, generator("k"))


def test_from_poll_to_poll_a_source_that_the_model_forgets_gets_its_floor_and_little_more():
    """Calls are told three polls late."""
    some, told = three_sources(2_400), [0] * 3
    dials, firsts, attempts = 0, 0, some.attempts.copy()
    for number in range(600):
        account = Account(dials=10 * max(number - 3, 0), firsts=((0, 10**6), (1, 10**6), (2, sum(told[:-3]))))
        queue = rank(replace(some, attempts=attempts), 10, FLOOR, account, generator(f"poll {number}"))
        mine = queue.place[:10][(some.origin[queue.place[:10]] == 2) & (attempts[queue.place[:10]] == 0)]
        attempts[mine] = 1
        told.append(mine.size)
        dials, firsts = dials + 10, firsts + mine.size

    assert 0.0195 <= firsts / dials <= 0.0235


def test_many_sources_share_what_all_floors_may_take_together():
    sources = np.arange(40)

    late = behind(0.02, Account(dials=10_000), sources, np.full(40, 50), 100)

    assert len(late) == 40
    assert late.rate * len(late) == pytest.approx(CATCH_UP * MOST)


@given(
    coins=st.lists(st.floats(0, 1, exclude_max=True), max_size=60),
    stocks=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=4),
)
def test_no_source_gets_more_slots_than_it_is_owed_or_has_leads(coins, stocks):
    size, owed = np.array(stocks, np.int64).reshape(-1, 2).T
    late = Stocks(np.arange(size.size), size, owed, rate=0.2)

    got = np.bincount(allotted(late, np.array(coins)) + 1, minlength=size.size + 1)[1:]

    assert np.all(got <= np.minimum(size, owed))


def test_a_randomly_ordered_holdout_has_the_chance_of_its_slots():
    arm = np.tile([0, 0, 0, 1], 60).astype(np.int8)
    policy = replace(FLOOR, holdout=0.25, baseline_order="random")
    some = three_sources(arm=arm, policy=policy)

    sums = np.zeros(240)
    for queue in queues(some, policy, Account(), 2_000):
        taken = np.flatnonzero(queue.source[:10] == Source.HOLDOUT)
        sums[queue.place[taken]] += 1 / queue.propensity(10, taken)

    assert (sums / 2_000)[arm == 1].mean() == pytest.approx(1.0, abs=0.02)
