"""Contest: the same simulated days under rival orders and under the service, as days that can be compared."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.instants import DAY
from features.kernel import Float64Array
from features.synthetic.history import History, play_history
from features.synthetic.orders import order
from features.synthetic.parameters import family
from features.synthetic.result import Result
from features.synthetic.run import Progress, run
from features.synthetic.world import World, lead_id, make_world

from .client import Client
from .kpi.comparison import Days
from .simulation import ServiceQueue

RIVALS = ("random", "newest", "fewest_attempts", "static_score", "oracle", "oracle_sales")
"""At random; newest first; least called first; a score at arrival; the truth, for value or for sales."""

HISTORY_DAYS = 28


@dataclass(frozen=True)
class Course:
    """Which world is played, for how many days after its history; everything else follows from this."""

    family: str = "F0"
    seed: int = 7
    scale: float = 0.4
    agents: int = 3
    days: int = 6
    objective: str = "value"
    """What the service is told to rank for, and orders are compared by: `value` or `conversions`."""

    def world(self) -> World:
        """The world, from the first day of its history to the last day of the contest."""
        days = HISTORY_DAYS + self.days
        return make_world(family(self.family, scale=self.scale, agents=self.agents, days=days), self.seed)

    def history(self) -> History:
        """The world's history under the floor's old order."""
        return play_history(self.world(), HISTORY_DAYS)


def play_rivals(course: Course) -> dict[str, Days]:
    """The contest's days under each of the `RIVALS`, all from the same history."""
    past = course.history()
    found = {}
    for name in RIVALS:
        floor = past.floor.copy()
        found[name] = days_of(floor.world, run(floor, order(name, floor), past.until, floor.world.stop))
    return found


@dataclass(frozen=True)
class Served:
    """The contest's days under the service: the model's arm and the holdout, each by its own agent hours."""

    arms: Mapping[str, Days]
    queue: ServiceQueue
    last_lead: str
    """The lead called last."""


def play_service(course: Course, client: Client, poll: int, on_progress: Progress) -> Served:
    """The contest's days under a running service that knows the history: HTTP only."""
    past = course.history()
    floor = past.floor
    queue = ServiceQueue(client, floor, lease_seconds=poll // 1_000_000)
    result = run(floor, queue, past.until, floor.world.stop, poll, on_progress)
    arms = np.array([queue.arm_of(call.offer) for call in result.log])
    by_arm = {arm: days_of(floor.world, result, arms == arm) for arm in ("model", "holdout")}
    return Served(by_arm, queue, lead_id(result.log[-1].lead))


def days_of(world: World, result: Result, mine: np.typing.NDArray[np.bool_] | None = None) -> Days:
    """A run by day; of some calls only, with the share of paid hours that is their share of call seconds."""
    calls, paid = result.calls, result.agent_days
    first = int(paid.day.min())
    count = int(paid.day.max()) - first + 1
    counted = np.ones(len(calls), np.bool_) if mine is None else mine
    day = (calls.started_at - world.start) // DAY - first
    seconds = (calls.disposed_at - calls.started_at) / 1e6

    def total(amount: Float64Array) -> Float64Array:
        return np.bincount(day, amount * counted, minlength=count).astype(np.float64)

    share = total(seconds).sum() / seconds.sum()
    confirmed = calls.confirmed_at < np.iinfo(np.int64).max
    worked = np.bincount(paid.day - first, paid.paid_s / 3600, minlength=count)
    rows = worked > 0
    return Days(
        hours=(worked * share)[rows],
        sales=total(confirmed.astype(np.float64))[rows],
        value=total(calls.value * confirmed)[rows],
        calls=total(np.ones(len(calls)))[rows],
    )
