"""The budget: what calls cost of late, followed from call to call and counted anew."""

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.columns import Columns
from features.instants import DAY, SECOND
from features.kernel import Int8Array, Int64Array
from serving.budget import BUDGET, Budget
from serving.ranking.arms import dealt
from serving.ranking.policy import Arm, Experiment, Policy
from tests.builders import MONDAY
from tests.serving.books import Calls

PLACE = np.array([0.1, 0.4, 0.9])
NO_HOLDOUT = Policy(holdout=0.0)
KINDS = {"campaign": np.int64, "lead": np.int64, "started_at": np.int64, "handle_s": np.float32}


def arm_of(leads: Int64Array, policy: Policy) -> Int8Array:
    return dealt(policy, lambda _: PLACE[leads])


calls = st.tuples(
    st.integers(0, 1), st.integers(0, 2), st.integers(0, 20).map(lambda day: MONDAY + day * DAY),
    st.floats(0, 4000, width=32),
)  # fmt: skip
steps = st.lists(
    st.tuples(st.lists(calls, max_size=4), st.integers(0, 9), calls, st.integers(0, 30), st.integers(0, 1)),
    max_size=12,
)


@settings(deadline=None)
@given(steps=steps, holdout=st.sampled_from([0.0, 0.5]))
def test_a_window_that_moves_holds_what_a_sum_over_all_calls_does(steps, holdout):
    """Calls come, say something else of themselves, and grow old; sometimes the clock goes back."""
    book, budget = Calls(KINDS), Budget(arm_of)
    for new, changed, to, day, campaign in steps:
        for call in new:
            book.columns.append(**{name: [said] for name, said in zip(KINDS, call, strict=True)})
        if len(book):
            for name, said in zip(KINDS, to, strict=True):
                book.columns[name][changed % len(book)] = said
        origin = np.array([day % 2, 1, -1])
        budget.follow(book, np.arange(3), origin)
        at = MONDAY + day * DAY

        found = budget.account(campaign, Policy(holdout=holdout), at)

        told = book.columns
        mine = (told["campaign"] == campaign) & (told["started_at"] > at - BUDGET)
        kept = PLACE[told["lead"]] < holdout
        micros = np.rint(told["handle_s"].astype(np.float64) * SECOND).astype(np.int64)
        assert found.spent == tuple(int(micros[mine & arm].sum()) / SECOND for arm in (~kept, kept))
        first = [
            call for lead in range(3) for call in by_start(told, np.flatnonzero(told["lead"] == lead))[:1]
        ]
        opened = Counter(int(origin[told["lead"][call]]) for call in first if mine[call] and not kept[call])
        assert (found.dials, found.firsts) == (int((mine & ~kept).sum()), tuple(sorted(opened.items())))


def by_start(told: Columns, some: np.ndarray) -> list[int]:
    return sorted(some.tolist(), key=lambda call: (told["started_at"][call], call))


def test_a_call_that_is_another_campaigns_now_stays_there_when_the_first_ones_window_has_passed_it():
    book, budget = Calls(KINDS), Budget(arm_of)
    budget.account(0, NO_HOLDOUT, MONDAY), budget.account(1, NO_HOLDOUT, MONDAY)
    book.columns.append(campaign=[0], lead=[0], started_at=[MONDAY], handle_s=[5.0])
    budget.follow(book, np.arange(1), np.zeros(3, np.int64))
    book.columns["campaign"][0] = 1
    budget.follow(book, np.arange(1), np.zeros(3, np.int64))

    passed, held = (
        budget.account(campaign, NO_HOLDOUT, MONDAY + later).spent
        for campaign, later in ((0, BUDGET), (1, DAY))
    )

    assert (passed, held) == ((0.0, 0.0), (5.0, 0.0))


def test_an_experiments_arms_begin_with_nothing_spent():
    """Four leads, two of each arm: one of each was called before it began, and one after."""
    arms = (Arm("near", 0.5), Arm("far", 0.5))
    book = Calls(KINDS)
    budget = Budget(lambda leads, policy: np.where(leads % 2, len(policy.arms) - 1, 0).astype(np.int8))
    for lead, day in ((0, 0), (1, 0), (2, 2), (3, 2)):
        book.columns.append(campaign=[0], lead=[lead], started_at=[MONDAY + day * DAY], handle_s=[5.0 + lead])
    budget.follow(book, np.arange(4), np.zeros(4, np.int64))
    at, plain = MONDAY + 3 * DAY, Policy(holdout=0.0)
    before = budget.account(0, plain, at)

    found = budget.account(0, replace(plain, experiment=Experiment("e", arms, 0.0, MONDAY + DAY)), at)

    assert sum(before.spent) == 26.0
    assert (found.spent, found.dials) == ((7.0, 0.0, 8.0), 2)
