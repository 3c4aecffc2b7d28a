"""In a world whose truth is known: arms that share agent seconds tell the lift that two whole runs have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from features.instants import DAY, NEVER
from features.synthetic.floor import Call, Floor, Offer
from features.synthetic.orders import Order, best_first, order
from features.synthetic.parameters import family
from features.synthetic.result import Calls
from features.synthetic.run import run
from features.synthetic.world import World, lead_id, make_world
from serving.kpi.intervals import Comparison, Figure, Sums, compare_relatively
from serving.ranking.arms import HOLDOUT, MODEL, dealt, places, turns
from serving.ranking.policy import Arm, Experiment, Policy

DAYS, SEEDS = 14, (3, 5, 11, 17)
OLD, NEW, OTHER = "newest", "feature_index", "fewest_attempts"
USUAL_S = 60.0
HALVES = Policy(holdout=0.5)
THIRDS = Policy(holdout=0.2, experiment=Experiment("orders", (Arm(OTHER, 0.5), Arm(NEW, 0.5)), 0.2))


class Split(Order):
    """Each arm's leads by its own order; a slot goes to the arm furthest behind its share of seconds."""

    def __init__(self, floor: Floor, salt: bytes, policy: Policy, orders: Sequence[str]) -> None:
        leads = [lead_id(lead) for lead in range(floor.world.leads.arrived.size)]
        self.arm = dealt(policy, lambda experiment: places(salt, experiment, leads))
        self.by_arm = tuple(order(name, floor).keys for name in orders)
        self.shares = [arm.share for arm in policy.arms]
        self.spent = [0.0] * len(orders)
        super().__init__(floor, self.by_arm[MODEL])

    def leads(self, n: int, at: int, agents: Sequence[int]) -> list[Offer]:
        eligible = self.floor.eligible(at)
        due = self.floor.ledger.callback_at[eligible] < NEVER
        first, rest = eligible[due].tolist()[:n], eligible[~due]
        arms = [rest[self.arm[rest] == number] for number in range(len(self.by_arm))]
        ranked = [
            best_first(mine, keys(self.floor, mine, at, agents), n)
            for mine, keys in zip(arms, self.by_arm, strict=True)
        ]
        seconds = [np.full(mine.size, USUAL_S) for mine in ranked]
        filled = turns(seconds, self.shares, self.spent, n)
        return [Offer(lead) for lead in first] + [Offer(int(ranked[arm][place])) for arm, place in filled]

    def report(self, calls: Sequence[Call], at: int) -> None:
        for call in calls:
            self.spent[int(self.arm[call.lead])] += (call.disposed_at - call.started_at) / 1e6


def figure(world: World, calls: Calls, mine: NDArray[np.bool_]) -> Figure:
    """Sales per hour of calls, over agent-days."""
    day = (calls.started_at - world.start) // DAY
    units, unit = np.unique((calls.agent * DAYS + day)[mine], return_inverse=True)
    sales = np.bincount(unit, calls.converted[mine], units.size).astype(np.float64)
    hours = np.bincount(unit, (calls.disposed_at - calls.started_at)[mine] / 3.6e9, units.size)
    return Sums.of(np.zeros(units.size, np.int64), 1, sales, hours.astype(np.float64)).figures(0)


@dataclass(frozen=True)
class Told:
    """One arm over another: what whole runs of their orders say, what the split says, and its shares."""

    truth: float
    said: Comparison
    shares: list[float]


def split(seed: int, policy: Policy, orders: Sequence[str], base: int, other: int) -> Told:
    """Arms `other` over `base` in one world."""
    world = make_world(family("F0", scale=0.4, agents=2, days=DAYS), seed)
    whole = []
    for arm in (base, other):
        floor = Floor.opening(world)
        calls = run(floor, order(orders[arm], floor), world.start, world.stop).calls
        whole.append(figure(world, calls, np.ones(len(calls), np.bool_)).value)
    floor = Floor.opening(world)
    shared = Split(floor, seed.to_bytes(8), policy, orders)
    calls = run(floor, shared, world.start, world.stop).calls
    arm_of = shared.arm[calls.lead]
    held, tried = (figure(world, calls, arm_of == arm) for arm in (base, other))
    said = compare_relatively(held, tried)
    return Told(whole[1] / whole[0] - 1, said, [spent / sum(shared.spent) for spent in shared.spent])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "orders", "base", "other"),
    [(HALVES, (NEW, OLD), HOLDOUT, MODEL), (THIRDS, (OTHER, OLD, NEW), MODEL, 2)],
    ids=["the model over its holdout", "an experiment's arm over its first beside a holdout"],
)
def test_a_split_of_agent_seconds_covers_the_lift_of_two_whole_runs(
    policy: Policy, orders: tuple[str, ...], base: int, other: int
):
    found = [split(seed, policy, orders, base, other) for seed in SEEDS]

    covered = [one.said.interval.low <= one.truth <= one.said.interval.high for one in found]
    misses = [one.said.difference - one.truth for one in found]
    spread = np.mean([one.said.error for one in found]) / np.sqrt(len(found))
    assert sum(covered) >= len(SEEDS) - 1, found
    assert abs(np.mean(misses)) < 2 * spread, found
    promised = [arm.share for arm in policy.arms]
    assert all(np.abs(np.subtract(one.shares, promised)).max() < 0.02 for one in found), found
