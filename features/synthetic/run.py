"""The event loop: agents of a shift become free, take the next lead, dial; the queue is asked every poll."""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..instants import DAY, MINUTE, SECOND
from ..kernel import Int64Array
from .crew import Shift
from .floor import Call, Fact, Floor, Offer
from .result import Result, result_of

POLL = 5 * MINUTE
_SHORTEST = 20 * SECOND


class Queue(Protocol):
    """Whoever decides whom to call next: an order in this process or a service behind HTTP.

    At a poll it is told, in this turn: arrivals, finished calls, facts about sales, offers given back.
    """

    def arrive(self, leads: Int64Array, at: int) -> None:
        """Leads that came in since the last poll."""

    def report(self, calls: Sequence[Call], at: int) -> None:
        """Calls that ended since the last poll, ordered by `disposed_at`."""

    def settle(self, facts: Sequence[Fact], at: int) -> None:
        """Sales confirmed or cancelled since the last poll."""

    def release(self, offers: Sequence[Offer], at: int) -> None:
        """Offers that were not dialed: left over in the hopper, or refused at the last gate."""

    def leads(self, n: int, at: int, agents: Sequence[int]) -> list[Offer]:
        """At most `n` leads for the agents on shift, best first, no lead twice; fewer are asked for again."""

    def take(self, offer: Offer, at: int) -> bool:
        """An agent is about to dial this offer: False refuses it."""


Progress = Callable[[int], None]
"""Told the instant up to which the simulation has come, once a day."""


def run(
    floor: Floor, queue: Queue, start: int, stop: int, poll: int = POLL, on_progress: Progress | None = None
) -> Result:
    """Run the floor over the whole days of `[start, stop)`; `floor` is left as of `stop`."""
    epoch = floor.world.start
    if (start - epoch) % DAY or (stop - epoch) % DAY:
        raise ValueError("a run begins and ends at midnight of the centre")
    loop = _Loop(floor, queue, poll)
    for day in range((start - epoch) // DAY, (stop - epoch) // DAY):
        loop.day(day)
        if on_progress is not None:
            on_progress(floor.world.day(day + 1))
    return result_of(floor.world, loop.calls, loop.shifts)


@dataclass
class _Loop:
    """What the loop carries from poll to poll."""

    floor: Floor
    queue: Queue
    poll: int
    calls: list[Call] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    hopper: deque[Offer] = field(default_factory=deque)
    refused: list[Offer] = field(default_factory=list)
    unreported: list[Call] = field(default_factory=list)
    asked_at: int = -1
    given: int = 0
    """How many offers the last answer held."""

    def day(self, day: int) -> None:
        """One day: polls while anyone is on shift, and a last word at midnight."""
        shifts = {shift.agent: shift for shift in self.floor.world.shifts(day)}
        self.shifts.extend(shifts.values())
        free = [(shift.start, shift.agent) for shift in shifts.values()]
        heapq.heapify(free)
        if shifts:
            opening = min(shift.start for shift in shifts.values())
            closing = max(shift.stop for shift in shifts.values())
            for at in range(opening, closing, self.poll):
                self._ask(at, shifts)
                self._dial_until(min(at + self.poll, closing), free, shifts)
        self._tell(self.floor.world.day(day + 1))

    def _ask(self, at: int, shifts: dict[int, Shift]) -> None:
        """Tell the queue the news and fill the hopper."""
        self._tell(at)
        agents = [s.agent for s in shifts.values() if s.start < at + self.poll and s.stop > at]
        wanted = len(agents) * (1 + self.poll // _SHORTEST)
        self.hopper = deque(self.queue.leads(wanted, at, agents)) if agents else deque()
        self.asked_at, self.given = at, len(self.hopper)

    def _tell(self, at: int) -> None:
        """All that happened up to `at` and was not told yet."""
        floor, queue = self.floor, self.queue
        arrived = floor.world.arrived_between(floor.told, at)
        floor.told = at
        ended = sorted(
            (c for c in self.unreported if c.disposed_at <= at), key=lambda c: (c.disposed_at, c.lead)
        )
        self.unreported = [c for c in self.unreported if c.disposed_at > at]
        back = [*self.hopper, *self.refused]
        self.hopper, self.refused = deque(), []
        if arrived.size:
            queue.arrive(arrived, at)
        if ended:
            queue.report(ended, at)
        if facts := floor.settled(at):
            queue.settle(facts, at)
        if back:
            queue.release(back, at)

    def _dial_until(self, until: int, free: list[tuple[int, int]], shifts: dict[int, Shift]) -> None:
        """Let agents who become free before `until` take leads from the hopper, in order of time."""
        while free and free[0][0] < until:
            at, agent = heapq.heappop(free)
            ready = shifts[agent].ready_from(at)
            if ready >= shifts[agent].stop:
                continue
            if ready > at:
                heapq.heappush(free, (ready, agent))
                continue
            offer = self._next(agent, at) or self._next_of_more(agent, at, shifts)
            if offer is None:
                heapq.heappush(free, (until, agent))
                continue
            call = self.floor.play(offer, agent, at)
            self.calls.append(call)
            self.unreported.append(call)
            heapq.heappush(free, (call.disposed_at, agent))

    def _next_of_more(self, agent: int, at: int, shifts: dict[int, Shift]) -> Offer | None:
        """Ask again before the next poll where the hopper ran dry, unless the last answer was empty too."""
        if self.hopper or not self.given or at <= self.asked_at:
            return None
        self._ask(at, shifts)
        return self._next(agent, at)

    def _next(self, agent: int, at: int) -> Offer | None:
        """The first offer for this agent that passes the last gate, taken out of the hopper."""
        passed: list[Offer] = []
        found = None
        while self.hopper and found is None:
            offer = self.hopper.popleft()
            if offer.agent not in (-1, agent):
                passed.append(offer)
            elif self.floor.may_dial(offer.lead, at) and self.queue.take(offer, at):
                found = offer
            else:
                self.refused.append(offer)
        self.hopper.extendleft(reversed(passed))
        return found
