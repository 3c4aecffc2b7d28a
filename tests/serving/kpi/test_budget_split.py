"""In a world whose truth is known: arms that share agent seconds tell the lift that two whole runs have."""

from collections.abc import Sequence

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
from serving.ranking.arms import HOLDOUT, MODEL, in_holdout, places, turns

DAYS, SEEDS, SHARE = 14, (3, 5, 11, 17), 0.5
OLD, NEW = "newest", "feature_index"
USUAL_S = 60.0


class Split(Order):
    """Half of the leads by each order; a slot goes to the arm furthest behind its share of seconds."""

    def __init__(self, floor: Floor, salt: bytes) -> None:
        leads = [lead_id(lead) for lead in range(floor.world.leads.arrived.size)]
        self.held = in_holdout(places(salt, "holdout", leads), SHARE)
        self.by_arm = tuple(order(name, floor).keys for name in (NEW, OLD))
        self.spent = [0.0, 0.0]
        super().__init__(floor, self.by_arm[MODEL])

    def leads(self, n: int, at: int, agents: Sequence[int]) -> list[Offer]:
        eligible = self.floor.eligible(at)
        due = self.floor.ledger.callback_at[eligible] < NEVER
        first, rest = eligible[due].tolist()[:n], eligible[~due]
        arms = [rest[~self.held[rest]], rest[self.held[rest]]]
        ranked = [
            best_first(mine, keys(self.floor, mine, at, agents), n)
            for mine, keys in zip(arms, self.by_arm, strict=True)
        ]
        seconds = [np.full(mine.size, USUAL_S) for mine in ranked]
        filled = turns(seconds, (1 - SHARE, SHARE), (self.spent[MODEL], self.spent[HOLDOUT]), n)
        return [Offer(lead) for lead in first] + [Offer(int(ranked[arm][place])) for arm, place in filled]

    def report(self, calls: Sequence[Call], at: int) -> None:
        for call in calls:
            self.spent[int(self.held[call.lead])] += (call.disposed_at - call.started_at) / 1e6


def figure(world: World, calls: Calls, mine: NDArray[np.bool_]) -> Figure:
    """Sales per hour of calls, over agent-days."""
    day = (calls.started_at - world.start) // DAY
    units, unit = np.unique((calls.agent * DAYS + day)[mine], return_inverse=True)
    sales = np.bincount(unit, calls.converted[mine], units.size).astype(np.float64)
    hours = np.bincount(unit, (calls.disposed_at - calls.started_at)[mine] / 3.6e9, units.size)
    return Sums.of(np.zeros(units.size, np.int64), 1, sales, hours.astype(np.float64)).figures(0)


def both(seed: int) -> tuple[float, Comparison, float]:
    """The true lift of two whole runs, what the split says, and the share of seconds that the model had."""
    world = make_world(family("F0", scale=0.4, agents=2, days=DAYS), seed)
    whole = {}
    for name in (OLD, NEW):
        floor = Floor.opening(world)
        calls = run(floor, order(name, floor), world.start, world.stop).calls
        whole[name] = figure(world, calls, np.ones(len(calls), np.bool_)).value
    floor = Floor.opening(world)
    split = Split(floor, seed.to_bytes(8))
    calls = run(floor, split, world.start, world.stop).calls
    held = split.held[calls.lead]
    told = compare_relatively(figure(world, calls, held), figure(world, calls, ~held))
    return whole[NEW] / whole[OLD] - 1, told, split.spent[MODEL] / sum(split.spent)


@pytest.mark.slow
def test_a_split_of_agent_seconds_covers_the_lift_of_two_whole_runs():
    found = [both(seed) for seed in SEEDS]

    covered = [told.interval.low <= truth <= told.interval.high for truth, told, _ in found]
    misses = [told.difference - truth for truth, told, _ in found]
    spread = np.mean([told.error for _, told, _ in found]) / np.sqrt(len(found))
    assert sum(covered) >= len(SEEDS) - 1, found
    assert abs(np.mean(misses)) < 2 * spread, found
    assert all(abs(share - SHARE) < 0.02 for _, _, share in found)
