"""Floor: the mutable side of a running simulation, and what the law and the house allow on it."""

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np

from ..calls import FINAL, HUMAN, Outcome
from ..instants import DAY, HOUR, NEVER, SECOND
from ..kernel import BoolArray, Int64Array, kernel
from .outcome import Dice, dial, dice_of
from .parameters import WorldParameters
from .truth import Truth, truth_of
from .world import World, lead_id

CONFIRMED, CANCELLED = "confirmed", "cancelled"
_DROPPED = int(Outcome.ABANDONED)
_MACHINE = int(Outcome.MACHINE)


class Offer(NamedTuple):
    """One lead to dial, as a queue hands it out; `agent` -1 is anybody."""

    lead: int
    agent: int = -1
    source: str = "ranked"
    lease_id: str = ""
    decision_id: str = ""


class Call(NamedTuple):
    """One dial and all it brings; instants in microseconds, NEVER for what doesn't happen."""

    offer: Offer
    lead: int
    agent: int
    attempt: int
    """From 1."""
    started_at: int
    answered_at: int
    """When anything picked up."""
    ended_at: int
    disposed_at: int
    """When the agent is free again and the disposition is written."""
    outcome: Outcome
    talk_s: float
    hold_s: float
    wrap_s: float
    human_answered: bool
    abandoned: bool
    script: int
    converted: bool
    value: float
    callback_at: int
    stop: bool
    confirmed_at: int
    """Known only then: whoever plays the dialer must not tell it earlier."""
    cancelled_at: int

    @property
    def call_id(self) -> str:
        """The same for the same lead and attempt under every order."""
        return f"{lead_id(self.lead)}-call-{self.attempt}"


class Fact(NamedTuple):
    """What becomes of a sale later: `confirmed` or `cancelled` at an instant."""

    at: int
    lead: int
    attempt: int
    kind: str
    value: float


class Limits(NamedTuple):
    """Eligibility in microseconds and counts; the same for every order."""

    epoch: int
    first_hour: int
    last_hour: int
    gap: int
    per_day: int
    lifetime: int
    max_age: int
    callback_early: int


class Ledger(NamedTuple):
    """What has happened to each lead so far."""

    arrived: Int64Array
    zone: Int64Array
    attempts: Int64Array
    last_attempt: Int64Array
    callback_at: Int64Array
    closed: BoolArray
    today: Int64Array
    """Local day of the last attempt."""
    calls_today: Int64Array
    not_before: Int64Array
    """Gap, caps, promise and closing merged: what `allowed` says of them, as one instant."""

    def copy(self) -> "Ledger":
        """The same state, independent from now on."""
        return Ledger._make(column.copy() for column in self)


@kernel
def allowed(ledger: Ledger, limits: Limits, lead: int, at: int) -> bool:
    """Whether the lead may be dialed at `at`."""
    age = at - ledger.arrived[lead]
    if age < 0 or age > limits.max_age or ledger.closed[lead] or ledger.attempts[lead] >= limits.lifetime:
        return False
    local = at - limits.epoch + ledger.zone[lead]
    hour = (local // HOUR) % 24
    if hour < limits.first_hour or hour >= limits.last_hour:
        return False
    if ledger.today[lead] == local // DAY and ledger.calls_today[lead] >= limits.per_day:
        return False
    if ledger.callback_at[lead] != NEVER:
        return bool(at >= ledger.callback_at[lead] - limits.callback_early)
    return bool(ledger.attempts[lead] == 0 or at - ledger.last_attempt[lead] >= limits.gap)


@kernel
def _mark_allowed(
    not_before: Int64Array, zone_h: Int64Array, resting: BoolArray, at: int, out: BoolArray
) -> None:
    """Fill `out[i]` with what `allowed` says of a lead of the right age; `resting` by hours from centre."""
    for i in range(out.size):
        out[i] = not_before[i] <= at and not resting[zone_h[i]]


def limits_of(parameters: WorldParameters) -> Limits:
    """The limits of a world."""
    return Limits(
        epoch=parameters.epoch,
        first_hour=parameters.legal_hours[0],
        last_hour=parameters.legal_hours[1],
        gap=int(parameters.gap_s * SECOND),
        per_day=parameters.per_day,
        lifetime=parameters.lifetime,
        max_age=int(parameters.max_age_days * DAY),
        callback_early=int(parameters.callback_early_s * SECOND),
    )


def fresh_ledger(world: World) -> Ledger:
    """Nobody has been called yet."""
    n = len(world.leads)
    return Ledger(
        arrived=world.leads.arrived,
        zone=world.leads.zone_h * HOUR,
        attempts=np.zeros(n, np.int64),
        last_attempt=np.full(n, -NEVER),
        callback_at=np.full(n, NEVER),
        closed=np.zeros(n, np.bool_),
        today=np.full(n, -1),
        calls_today=np.zeros(n, np.int64),
        not_before=np.zeros(n, np.int64),
    )


@dataclass
class Floor:
    """The floor at one instant; `copy()` lets several orders go on from the same state."""

    world: World
    truth: Truth
    dice: Dice
    limits: Limits
    ledger: Ledger
    conversations: Int64Array
    """By agent."""
    pending: list[Fact] = field(default_factory=list)
    """Heap of sales still to be confirmed or cancelled."""
    told: int = 0
    """Arrivals before this instant are known to the queue."""

    @classmethod
    def opening(cls, world: World) -> Self:
        """The floor before the first call."""
        return cls(
            world=world,
            truth=truth_of(world),
            dice=dice_of(world),
            limits=limits_of(world.parameters),
            ledger=fresh_ledger(world),
            conversations=np.zeros(len(world.agents), np.int64),
            told=world.start,
        )

    def copy(self) -> "Floor":
        """The same floor, independent from now on."""
        return Floor(
            self.world,
            self.truth,
            self.dice,
            self.limits,
            self.ledger.copy(),
            self.conversations.copy(),
            list(self.pending),
            self.told,
        )

    def may_dial(self, lead: int, at: int) -> bool:
        """The last gate before the dial."""
        return bool(allowed(self.ledger, self.limits, lead, at))

    def eligible(self, at: int) -> Int64Array:
        """Leads that may be dialed at `at`, ascending."""
        arrived = self.ledger.arrived
        first, last = np.searchsorted(arrived, [at - self.limits.max_age, at + 1])
        marks = np.empty(last - first, np.bool_)
        zone = self.world.leads.zone_h[first:last]
        _mark_allowed(self.ledger.not_before[first:last], zone, self._resting(at), at, marks)
        return np.asarray(first + np.flatnonzero(marks), dtype=np.int64)

    def _resting(self, at: int) -> BoolArray:
        """By hours from centre time (negative: from the end): whether it is too early or late there."""
        hours = np.arange(24)
        hours[12:] -= 24
        local = (at - self.limits.epoch + hours * HOUR) // HOUR % 24
        return (local < self.limits.first_hour) | (local >= self.limits.last_hour)

    def play(self, offer: Offer, agent: int, at: int) -> Call:
        """Dial an eligible lead and remember what became of it."""
        ledger, lead = self.ledger, offer.lead
        n, talked = int(ledger.attempts[lead]), int(self.conversations[agent])
        last, promised = int(ledger.last_attempt[lead]), int(ledger.callback_at[lead])
        draw = dial(self.dice, self.truth, lead, n, last, promised, at, agent, talked)
        outcome = Outcome(draw.outcome)
        ended = at + round((draw.ring_s + draw.talk_s) * 10) * (SECOND // 10)
        disposed = ended + round(draw.wrap_s * 10) * (SECOND // 10)
        sale = outcome is Outcome.CONVERTED
        call = Call(
            offer=offer,
            lead=lead,
            agent=agent,
            attempt=n + 1,
            started_at=at,
            answered_at=at + round(draw.ring_s * 10) * (SECOND // 10) if draw.talk_s > 0 else NEVER,
            ended_at=ended,
            disposed_at=disposed,
            outcome=outcome,
            talk_s=0.0 if draw.outcome in (_DROPPED, _MACHINE) else draw.talk_s,
            hold_s=0.0,
            wrap_s=draw.wrap_s,
            human_answered=outcome in HUMAN or draw.outcome == _DROPPED,
            abandoned=draw.outcome == _DROPPED,
            script=draw.script,
            converted=sale,
            value=float(self.world.leads.value[lead]) if sale else 0.0,
            callback_at=draw.callback_at,
            stop=outcome is Outcome.DO_NOT_CALL,
            confirmed_at=_later(disposed, draw.confirmed_after),
            cancelled_at=_later(disposed, draw.cancelled_after),
        )
        self.note(call)
        return call

    def settled(self, at: int) -> list[Fact]:
        """Take out the facts about sales that are due by `at`, in order."""
        due = []
        while self.pending and self.pending[0].at <= at:
            due.append(heapq.heappop(self.pending))
        return due

    def note(self, call: Call) -> None:
        """Remember what became of a call."""
        ledger, lead, at = self.ledger, call.lead, call.started_at
        local_day = (at - self.limits.epoch + int(ledger.zone[lead])) // DAY
        ledger.calls_today[lead] = 1 + (ledger.calls_today[lead] if ledger.today[lead] == local_day else 0)
        ledger.today[lead] = local_day
        ledger.attempts[lead] += 1
        ledger.last_attempt[lead] = at
        ledger.callback_at[lead] = call.callback_at
        ledger.closed[lead] = call.outcome in FINAL
        ledger.not_before[lead] = self._next_chance(lead, local_day)
        if call.outcome in HUMAN and call.outcome is not Outcome.WRONG_NUMBER:
            self.conversations[call.agent] += 1
        if call.confirmed_at < NEVER:
            heapq.heappush(self.pending, Fact(call.confirmed_at, lead, call.attempt, CONFIRMED, call.value))
        if call.cancelled_at < NEVER:
            heapq.heappush(self.pending, Fact(call.cancelled_at, lead, call.attempt, CANCELLED, call.value))

    def _next_chance(self, lead: int, local_day: int) -> int:
        """The first instant at which gap, caps and promise allow the lead again; NEVER if none will."""
        ledger, limits = self.ledger, self.limits
        if ledger.closed[lead] or ledger.attempts[lead] >= limits.lifetime:
            return NEVER
        promised = int(ledger.callback_at[lead])
        free = (
            int(ledger.last_attempt[lead]) + limits.gap
            if promised == NEVER
            else promised - limits.callback_early
        )
        if ledger.calls_today[lead] < limits.per_day:
            return free
        return max(free, limits.epoch - int(ledger.zone[lead]) + (local_day + 1) * DAY)


def _later(at: int, after: int) -> int:
    return NEVER if after == NEVER else at + after
