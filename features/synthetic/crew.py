"""The crew: agents, who leaves and who follows, and when each one sits at the telephone."""

from dataclasses import dataclass

import numpy as np

from ..instants import DAY, HOUR, NEVER
from ..kernel import Float64Array, Int64Array
from .arrivals import stream
from .chance import BREAK, uniform
from .parameters import SEGMENTS, WorldParameters

_WEEK = 7 * DAY
_LEAVING, _PERSON = 1 << 40, 1 << 41
_BLOCKS = 4


@dataclass(frozen=True)
class Agents:
    """Equally long columns, one row per agent ever employed; `skill` to `speed` are latent."""

    seat: Int64Array
    hired_at: Int64Array
    left_at: Int64Array
    """NEVER while employed."""
    skill: Float64Array
    affinity: Float64Array
    """(agent, segment)."""
    speed: Float64Array

    def __len__(self) -> int:
        return int(self.seat.size)


@dataclass(frozen=True)
class Shift:
    """One agent's paid day, `[start, stop)`, with its breaks."""

    agent: int
    day: int
    start: int
    stop: int
    breaks: tuple[tuple[int, int], ...]

    @property
    def paid_s(self) -> float:
        """Paid seconds, breaks included."""
        return (self.stop - self.start) / 1e6

    def ready_from(self, at: int) -> int:
        """The first instant from `at` on at which the agent may take a lead."""
        at = max(at, self.start)
        for begin, end in self.breaks:
            if begin <= at < end:
                return end
        return at


def draw_agents(parameters: WorldParameters, seed: int) -> Agents:
    """The first crew in seat order, then each who takes over the seat of one who left."""
    seats, hired, left = _careers(parameters, seed)
    people = [stream(seed, _PERSON + agent) for agent in range(len(seats))]
    return Agents(
        seat=np.array(seats, np.int64),
        hired_at=np.array(hired, np.int64),
        left_at=np.array(left, np.int64),
        skill=np.array([rng.normal(0, parameters.skill_sd) for rng in people]),
        affinity=np.array([rng.normal(0, parameters.affinity_sd, len(SEGMENTS)) for rng in people]),
        speed=np.array([rng.normal(0, parameters.speed_sd) for rng in people]),
    )


def _careers(parameters: WorldParameters, seed: int) -> tuple[list[int], list[int], list[int]]:
    """Seat, first and last instant of each agent: people leave at the end of a week."""
    seats = list(range(parameters.agents))
    hired = [parameters.epoch] * parameters.agents
    left = [NEVER] * parameters.agents
    holder = list(seats)
    for week in range(1, parameters.days // 7 + 1):
        monday = parameters.epoch + week * _WEEK
        leaving = stream(seed, _LEAVING + week).random(parameters.agents) < parameters.attrition_weekly
        for seat in np.flatnonzero(leaving).tolist():
            left[holder[seat]] = monday
            holder[seat] = len(seats)
            seats.append(seat)
            hired.append(monday)
            left.append(NEVER)
    return seats, hired, left


def shifts_of_day(parameters: WorldParameters, agents: Agents, seed: int, day: int) -> list[Shift]:
    """Who works on that day of the world, ordered by agent; empty on a Sunday."""
    midnight = parameters.epoch + day * DAY
    employed = (agents.hired_at <= midnight) & (agents.left_at > midnight)
    if day % 7 == 6:
        return []
    return [_shift(parameters, agents, seed, day, agent) for agent in np.flatnonzero(employed).tolist()]


def _shift(parameters: WorldParameters, agents: Agents, seed: int, day: int, agent: int) -> Shift:
    late = bool(agents.seat[agent] % 2)
    weekday = parameters.late_shift if late else parameters.early_shift
    first, last = parameters.saturday_shift if day % 7 == 5 else weekday
    midnight = parameters.epoch + day * DAY
    start, stop = midnight + first * HOUR, midnight + last * HOUR
    return Shift(agent, day, start, stop, _breaks(parameters, seed, agent, day, start, stop))


def _breaks(
    parameters: WorldParameters, seed: int, agent: int, day: int, start: int, stop: int
) -> tuple[tuple[int, int], ...]:
    """One break in each quarter of the shift, together what occupancy leaves free."""
    block = (stop - start) // _BLOCKS
    length = round(block * (1 - parameters.occupancy))
    if length <= 0:
        return ()
    coins = [uniform(seed, agent, day * _BLOCKS + k, BREAK) for k in range(_BLOCKS)]
    begins = [start + k * block + int(coin * (block - length)) for k, coin in enumerate(coins)]
    return tuple((begin, begin + length) for begin in begins)
