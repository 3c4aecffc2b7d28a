"""Erlang-A: waiting and abandonment when impatient people queue for agents; the sanity of any pacing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A floor in steady state; shares in 0..1."""

    waits: float
    """Share of callers who don't meet a free agent at once."""
    abandons: float
    occupancy: float


def erlang_a(per_hour: float, agents: int, handle_s: float, patience_s: float) -> Waiting:
    """M/M/n+M: calls arrive blindly, talk and patience are exponential with these means.

    The chance of each number of calls in the system, from the empty floor up, until the rest weighs nothing.
    """
    arrive, serve, leave = per_hour / 3600.0, 1.0 / handle_s, 1.0 / patience_s
    weight, total, waiting, queue, busy = 1.0, 1.0, 0.0, 0.0, 0.0
    n = 0
    while n <= agents or weight > total * 1e-15:
        n += 1
        weight *= arrive / (min(n, agents) * serve + max(n - agents, 0) * leave)
        total += weight
        busy += weight * min(n, agents)
        queue += weight * max(n - agents, 0)
        waiting += weight if n >= agents else 0.0
    waiting += 1.0 if agents == 0 else 0.0
    return Waiting(waiting / total, leave * queue / total / arrive, busy / total / agents)


def calls_at_abandonment(agents: int, handle_s: float, patience_s: float, share: float = 0.03) -> float:
    """Live calls per hour at which exactly that share abandons."""
    low, high = 0.0, 2.0 * agents * 3600.0 / handle_s
    for _ in range(60):
        middle = (low + high) / 2
        if erlang_a(middle, agents, handle_s, patience_s).abandons < share:
            low = middle
        else:
            high = middle
    return low
