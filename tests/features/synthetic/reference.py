"""Slow, obvious twins of the world's equations, in plain numbers: to be checked by eye."""

import math

from features.calls import FINAL, HUMAN, Outcome
from features.instants import DAY, HOUR, MINUTE, NEVER
from features.synthetic.floor import Call
from features.synthetic.world import World

MASK = 2**64 - 1


def mix(z: int) -> int:
    """Splitmix64's finaliser in whole numbers."""
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(seed: int, i: int, n: int, k: int) -> float:
    """The coin in whole numbers."""
    h = mix((seed * 0x9E3779B97F4A7C15 + i) & MASK)
    h = mix(h ^ (n * 0xD1B54A32D192ED03 & MASK))
    h = mix(h ^ (k * 0x8CB92BA72F3D8DD7 & MASK))
    return ((h >> 11) + 0.5) / 2**53


def sigmoid(z: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-z))


def p_answer(world: World, lead: int, attempts: int, last_attempt: int, callback_at: int, at: int) -> float:
    """The chance of an answer, term by term."""
    leads = world.leads
    if leads.dead[lead]:
        return 0.0
    if callback_at != NEVER and abs(at - callback_at) <= 30 * MINUTE:
        return 0.65
    channel = world.parameters.channels[leads.channel[lead]]
    vendors = [vendor for c in world.parameters.channels for vendor in c.vendors]
    local = at - world.start + int(leads.zone_h[lead]) * HOUR
    eta = channel.answer + vendors[leads.source[lead]].answer + leads.reach[lead]
    eta += world.rhythm[leads.segment[lead], local // HOUR % 168]
    eta += world.answer_shift[leads.source[lead], (at - world.start) // DAY]
    eta += channel.hot * 1.1 * math.exp(-(at - leads.arrived[lead]) / (1200 * 1e6))
    eta -= 0.10 * min(attempts, 8)
    if attempts:
        eta -= 0.6 * math.exp(-(at - last_attempt) / (4 * HOUR))
    return sigmoid(eta)


def p_convert(
    world: World, lead: int, agent: int, script: int, at: int, on_callback: bool, talks: int
) -> float:
    """The chance of a sale, term by term."""
    leads, agents = world.leads, world.agents
    channel = world.parameters.channels[leads.channel[lead]]
    vendors = [vendor for c in world.parameters.channels for vendor in c.vendors]
    segment = leads.segment[lead]
    z = channel.convert + vendors[leads.source[lead]].convert + 0.8 * leads.need[lead]
    z += agents.skill[agent] + agents.affinity[agent, segment] - 0.5 * math.exp(-talks / 300)
    z += world.parameters.scripts[script][segment]
    z += world.convert_shift[leads.source[lead], (at - world.start) // DAY]
    z += 0.7 if on_callback else 0.0
    in_market = at - leads.arrived[lead] < leads.window[lead]
    return (1.0 if in_market else 0.05) * sigmoid(z)


def breaches(world: World, calls: list[Call]) -> list[tuple[Call, str]]:
    """Every call that no queue may have made, with the rule it breaks; re-read from the log alone."""
    past: dict[int, list[Call]] = {}
    found = []
    for call in sorted(calls, key=lambda call: call.started_at):
        earlier = past.setdefault(call.lead, [])
        found += [(call, rule) for rule in _broken(world, call, earlier)]
        earlier.append(call)
    return found


def _broken(world: World, call: Call, earlier: list[Call]) -> list[str]:
    at, zone = call.started_at, int(world.leads.zone_h[call.lead]) * HOUR
    local_day = (at - world.start + zone) // DAY
    same_day = [c for c in earlier if (c.started_at - world.start + zone) // DAY == local_day]
    promised = earlier[-1].callback_at if earlier else NEVER
    tests = {
        "not arrived": at < world.leads.arrived[call.lead],
        "too old": at - world.leads.arrived[call.lead] > 30 * DAY,
        "hours": not 8 <= (at - world.start + zone) // HOUR % 24 < 21,
        "lifetime": len(earlier) >= 8,
        "per day": len(same_day) >= 3,
        "gap": bool(earlier) and promised == NEVER and at - earlier[-1].started_at < 2 * HOUR,
        "before the promise": promised != NEVER and at < promised - 15 * MINUTE,
        "closed": any(c.outcome in FINAL for c in earlier),
        "stop": any(c.outcome is Outcome.DO_NOT_CALL for c in earlier),
    }
    return [rule for rule, broken in tests.items() if broken]


def conversations(calls: list[Call], agent: int) -> int:
    """Talks with the right person."""
    right = HUMAN - {Outcome.WRONG_NUMBER}
    return sum(call.agent == agent and call.outcome in right for call in calls)
