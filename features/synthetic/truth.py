"""The truth of a world as compiled functions: who answers, who buys; shared by outcomes and oracle orders."""

import math
from typing import NamedTuple

import numpy as np

from ..instants import DAY, HOUR, SECOND
from ..kernel import BoolArray, Float64Array, Int64Array, kernel
from .parameters import WorldParameters
from .world import World

_WEEK_HOURS = 168
_LOGISTIC_NORMAL = math.pi / 8


class Laws(NamedTuple):
    """The constants of the two equations; durations in microseconds."""

    epoch: int
    hot: float
    hot_us: float
    fatigue: float
    fatigue_cap: int
    recent: float
    recent_us: float
    callback_answer: float
    callback_near: int
    floor: float
    need: float
    novice: float
    novice_calls: float
    callback_convert: float
    reach_sd: float
    need_left: float
    """Variance of need that x leaves open."""


class Truth(NamedTuple):
    """Leads, agents and days packed for compiled loops; rows are those of the world."""

    laws: Laws
    arrived: Int64Array
    source: Int64Array
    segment: Int64Array
    zone: Int64Array
    """Microseconds from centre time."""
    answer: Float64Array
    convert: Float64Array
    hot: Float64Array
    need: Float64Array
    need_hat: Float64Array
    reach: Float64Array
    window: Int64Array
    dead: BoolArray
    wrong: BoolArray
    interest: Float64Array
    """(lead, 3): fast share, and the two mean lengths of interest, microseconds."""
    invalid: Float64Array
    """(lead, 2): the source's shares of dead and of wrong numbers."""
    rhythm: Float64Array
    answer_shift: Float64Array
    convert_shift: Float64Array
    skill: Float64Array
    affinity: Float64Array
    scripts: Float64Array


def truth_of(world: World) -> Truth:
    """Pack a world for the functions below."""
    channels, leads = world.parameters.channels, world.leads
    vendors = [(channel, vendor) for channel in channels for vendor in channel.vendors]
    soon_late = [(c.fast, c.soon_s * SECOND, c.late_s * SECOND) for c, _ in vendors]
    interest = np.array(soon_late) / np.array([1, world.parameters.gamma, world.parameters.gamma])
    return Truth(
        laws=_laws(world.parameters),
        arrived=leads.arrived,
        source=leads.source,
        segment=leads.segment,
        zone=leads.zone_h * HOUR,
        answer=np.array([c.answer + v.answer for c, v in vendors])[leads.source],
        convert=np.array([c.convert + v.convert for c, v in vendors])[leads.source],
        hot=np.array([c.hot for c, _ in vendors])[leads.source],
        need=leads.need,
        need_hat=leads.need_hat,
        reach=leads.reach,
        window=leads.window,
        dead=leads.dead,
        wrong=leads.wrong,
        interest=interest[leads.source],
        invalid=np.array([(c.dead, c.wrong) for c, _ in vendors])[leads.source],
        rhythm=world.rhythm,
        answer_shift=world.answer_shift,
        convert_shift=world.convert_shift,
        skill=world.agents.skill,
        affinity=world.agents.affinity,
        scripts=np.array(world.parameters.scripts),
    )


def _laws(parameters: WorldParameters) -> Laws:
    return Laws(
        epoch=parameters.epoch,
        hot=parameters.hot_answer,
        hot_us=parameters.hot_s * SECOND,
        fatigue=parameters.fatigue,
        fatigue_cap=parameters.fatigue_cap,
        recent=parameters.recent,
        recent_us=parameters.recent_s * SECOND,
        callback_answer=parameters.callback_answer,
        callback_near=int(parameters.callback_near_s * SECOND),
        floor=parameters.market_floor,
        need=parameters.need_convert,
        novice=parameters.novice,
        novice_calls=parameters.novice_calls,
        callback_convert=parameters.callback_convert,
        reach_sd=parameters.reach_sd,
        need_left=1 / (1 + sum(a**2 / (1 - a**2) for a in parameters.informative)),
    )


@kernel
def sigmoid(z: float) -> float:
    """The logistic function."""
    return 1.0 / (1.0 + math.exp(-z))


@kernel
def day_of(truth: Truth, at: int) -> int:
    """The day of the world, held inside the table of drifts."""
    day = (at - truth.laws.epoch) // DAY
    return int(max(0, min(day, truth.answer_shift.shape[1] - 1)))


@kernel
def near(truth: Truth, callback_at: int, at: int) -> bool:
    """Whether a call at `at` keeps the promise made for `callback_at` (NEVER: none)."""
    return abs(at - callback_at) <= truth.laws.callback_near


@kernel
def _answer_logit(truth: Truth, lead: int, attempts: int, last_attempt: int, at: int) -> float:
    """The logit of an answer without the lead's own reachability."""
    laws = truth.laws
    age = float(at - truth.arrived[lead])
    hour = ((at - laws.epoch + truth.zone[lead]) // HOUR) % _WEEK_HOURS
    logit = truth.answer[lead] + truth.rhythm[truth.segment[lead], hour]
    logit += truth.answer_shift[truth.source[lead], day_of(truth, at)]
    logit += truth.hot[lead] * laws.hot * math.exp(-age / laws.hot_us)
    logit -= laws.fatigue * min(attempts, laws.fatigue_cap)
    if attempts > 0:
        logit -= laws.recent * math.exp(-float(at - last_attempt) / laws.recent_us)
    return float(logit)


@kernel
def p_answer(truth: Truth, lead: int, attempts: int, last_attempt: int, callback_at: int, at: int) -> float:
    """The chance that a human picks up at `at`; NEVER as `callback_at` means none was promised."""
    if truth.dead[lead]:
        return 0.0
    if near(truth, callback_at, at):
        return truth.laws.callback_answer
    return sigmoid(_answer_logit(truth, lead, attempts, last_attempt, at) + truth.reach[lead])


@kernel
def _convert_logit(truth: Truth, lead: int, at: int, on_callback: bool) -> float:
    """The logit of a sale without need, agent and script."""
    logit = truth.convert[lead] + truth.convert_shift[truth.source[lead], day_of(truth, at)]
    return float(logit + (truth.laws.callback_convert if on_callback else 0.0))


@kernel
def skill_of(truth: Truth, agent: int, segment: int, conversations: int) -> float:
    """What an agent adds to the logit of a sale after so many conversations."""
    learning = truth.laws.novice * math.exp(-conversations / truth.laws.novice_calls)
    return float(truth.skill[agent] + truth.affinity[agent, segment] + learning)


@kernel
def _market(truth: Truth, lead: int, at: int) -> float:
    """1 while the lead is in the market, then the floor."""
    return 1.0 if at - truth.arrived[lead] < truth.window[lead] else truth.laws.floor


@kernel
def p_convert(
    truth: Truth, lead: int, agent: int, script: int, at: int, on_callback: bool, conversations: int
) -> float:
    """The chance of a sale, given that the right person picked up."""
    segment = truth.segment[lead]
    logit = _convert_logit(truth, lead, at, on_callback) + truth.laws.need * truth.need[lead]
    logit += skill_of(truth, agent, segment, conversations) + truth.scripts[script, segment]
    return _market(truth, lead, at) * sigmoid(logit)


@kernel
def know_all(
    truth: Truth,
    leads: Int64Array,
    attempts: Int64Array,
    last_attempt: Int64Array,
    callback_at: Int64Array,
    help_: Float64Array,
    at: int,
    out: Float64Array,
) -> None:
    """Fill `out[i]` with the true chances of (answer, sale if answered) of `leads[i]`; `help_` by segment."""
    for i in range(leads.size):
        lead = leads[i]
        out[i, 0] = p_answer(truth, lead, attempts[lead], last_attempt[lead], callback_at[lead], at)
        logit = _convert_logit(truth, lead, at, near(truth, callback_at[lead], at))
        logit += truth.laws.need * truth.need[lead] + help_[truth.segment[lead]]
        out[i, 1] = 0.0 if truth.wrong[lead] else _market(truth, lead, at) * sigmoid(logit)


@kernel
def know_coefficients(
    truth: Truth,
    leads: Int64Array,
    attempts: Int64Array,
    last_attempt: Int64Array,
    callback_at: Int64Array,
    help_: Float64Array,
    at: int,
    out: Float64Array,
) -> None:
    """Fill `out[i]` like `know_all` from what is observed: averages over reach, window, validity, need."""
    spread = 1.0 / math.sqrt(1.0 + _LOGISTIC_NORMAL * truth.laws.reach_sd**2)
    open_need = truth.laws.need**2 * truth.laws.need_left
    damped = 1.0 / math.sqrt(1.0 + _LOGISTIC_NORMAL * open_need)
    for i in range(leads.size):
        lead = leads[i]
        alive = 1.0 if attempts[lead] > 0 else 1.0 - truth.invalid[lead, 0]
        answer = sigmoid(_answer_logit(truth, lead, attempts[lead], last_attempt[lead], at) * spread)
        kept = near(truth, callback_at[lead], at)
        out[i, 0] = truth.laws.callback_answer if kept else alive * answer
        right = 1.0 if kept else 1.0 - truth.invalid[lead, 1]
        logit = _convert_logit(truth, lead, at, kept) + truth.laws.need * truth.need_hat[lead]
        sale = sigmoid((logit + help_[truth.segment[lead]]) * damped)
        out[i, 1] = right * _expected_market(truth, lead, at) * sale


@kernel
def _expected_market(truth: Truth, lead: int, at: int) -> float:
    """The chance of being in the market at this age, floor included."""
    age = float(at - truth.arrived[lead])
    fast = truth.interest[lead, 0]
    inside = fast * math.exp(-age / truth.interest[lead, 1])
    inside += (1.0 - fast) * math.exp(-age / truth.interest[lead, 2])
    return float(inside + truth.laws.floor * (1.0 - inside))


@kernel
def money_per_second(
    chances: Float64Array,
    value: Float64Array,
    dead_s: float,
    quiet_s: float,
    talk_s: float,
    sale_s: float,
    out: Float64Array,
) -> None:
    """Fill `out[i]` with r / s: the expected money of a dial over its expected seconds of an agent."""
    for i in range(value.size):
        q, c = chances[i, 0], chances[i, 1]
        answered_s = (1.0 - c) * talk_s + c * sale_s
        unanswered_s = dead_s if q == 0.0 else quiet_s
        out[i] = q * c * value[i] / (q * answered_s + (1.0 - q) * unanswered_s)
