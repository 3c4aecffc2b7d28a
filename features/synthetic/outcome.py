"""The outcome of one dial: coins of (seed, lead, attempt) against the truth's chances, nothing else."""

import math
from typing import NamedTuple

import numpy as np

from ..calls import Outcome
from ..instants import DAY, HOUR, NEVER, SECOND
from ..kernel import Float64Array, Int64Array, kernel
from . import chance
from .chance import normal, uniform
from .parameters import DAY_S, WorldParameters
from .truth import Truth, day_of, near, p_answer, p_convert
from .world import World

_NO_ANSWER, _BUSY, _MACHINE = int(Outcome.NO_ANSWER), int(Outcome.BUSY), int(Outcome.MACHINE)
_DEAD, _WRONG, _ERROR = int(Outcome.DISCONNECTED), int(Outcome.WRONG_NUMBER), int(Outcome.ERROR)
_ABANDONED, _REFUSED = int(Outcome.ABANDONED), int(Outcome.CONTACT_REFUSED)
_OPEN, _CALLBACK = int(Outcome.CONTACT_NO_DECISION), int(Outcome.CALLBACK)
_CONVERTED, _STOP = int(Outcome.CONVERTED), int(Outcome.DO_NOT_CALL)
_DROPPED_S = 2.0


class Habits(NamedTuple):
    """The constants behind an outcome: shares in 0..1, durations in seconds unless said."""

    voicemail: float
    ring_out: float
    busy: float
    machine_missed: float
    machine_missed_s: float
    human_dropped: float
    ring_from_s: float
    ring_to_s: float
    voicemail_s: float
    dead_s: float
    wrong_s: float
    hang_up: float
    hang_up_s: float
    talk_mean: float
    talk_sd: float
    sale_mean: float
    sale_sd: float
    wrap_s: float
    sale_wrap_s: float
    novice_slow: float
    stop: float
    stop_growth: float
    refuse: float
    callback: float
    callback_from_h: float
    callback_to_h: float
    callback_first_hour: float
    callback_last_hour: float
    confirmed_at_once: float
    confirm_mean: float
    confirm_sd: float
    confirm_success: float
    cancelled: float
    cancel_days: float


class Dice(NamedTuple):
    """All that an outcome needs besides the truth."""

    seed: int
    habits: Habits
    speed: Float64Array
    script_count: Int64Array
    """By day: how many scripts are in use."""
    script_table: Int64Array
    """(day, k): which."""


class Draw(NamedTuple):
    """What one dial brings; seconds exact to a tenth, microseconds, NEVER for what doesn't happen."""

    outcome: int
    script: int
    ring_s: float
    """Until something picks up, or until the end."""
    talk_s: float
    wrap_s: float
    callback_at: int
    confirmed_after: int
    """Microseconds from the disposition."""
    cancelled_after: int


def dice_of(world: World) -> Dice:
    """Pack a world's chances for `dial`."""
    count, table = _scripts_by_day(world.parameters, world.answer_shift.shape[1])
    return Dice(world.seed, _habits(world.parameters), world.agents.speed, count, table)


def _scripts_by_day(parameters: WorldParameters, days: int) -> tuple[Int64Array, Int64Array]:
    count = np.zeros(days, np.int64)
    table = np.zeros((days, len(parameters.scripts)), np.int64)
    for from_day, scripts in sorted(parameters.active_scripts):
        count[from_day:] = len(scripts)
        table[from_day:, : len(scripts)] = scripts
    return count, table


def _habits(p: WorldParameters) -> Habits:
    same = {name: getattr(p, name) for name in Habits._fields if hasattr(p, name)}
    other = {
        "ring_from_s": p.ring_s[0],
        "ring_to_s": p.ring_s[1],
        "talk_mean": p.talk[0],
        "talk_sd": p.talk[1],
        "sale_mean": p.sale_talk[0],
        "sale_sd": p.sale_talk[1],
        "callback_from_h": p.callback_h[0],
        "callback_to_h": p.callback_h[1],
        "callback_first_hour": p.callback_hours[0],
        "callback_last_hour": p.callback_hours[1],
        "confirm_mean": math.log(p.confirm_days) - p.confirm_sd**2 / 2,
    }
    return Habits(**same, **other)


@kernel
def script_of(dice: Dice, truth: Truth, lead: int, attempts: int, at: int) -> int:
    """The script that a call would be read from."""
    day = day_of(truth, at)
    k = int(uniform(dice.seed, lead, attempts, chance.SCRIPT) * dice.script_count[day])
    return int(dice.script_table[day, k])


@kernel
def _tenths(seconds: float) -> float:
    return math.floor(seconds * 10.0 + 0.5) / 10.0


@kernel
def _unanswered(dice: Dice, truth: Truth, lead: int, n: int, script: int) -> Draw:
    """Nobody picks up: a dead number, or voicemail, ringing out, busy, failed."""
    habits = dice.habits
    if truth.dead[lead]:
        return Draw(_DEAD, script, _tenths(habits.dead_s), 0.0, 0.0, NEVER, NEVER, NEVER)
    kind = uniform(dice.seed, lead, n, chance.NO_ANSWER_KIND)
    span = habits.ring_to_s - habits.ring_from_s
    ring_s = _tenths(habits.ring_from_s + span * uniform(dice.seed, lead, n, chance.RING))
    if kind < habits.voicemail:
        missed = uniform(dice.seed, lead, n, chance.MACHINE) < habits.machine_missed
        lost_s = habits.machine_missed_s if missed else 0.0
        return Draw(_MACHINE, script, ring_s, habits.voicemail_s, lost_s, NEVER, NEVER, NEVER)
    kind -= habits.voicemail
    if kind < habits.ring_out:
        return Draw(_NO_ANSWER, script, ring_s, 0.0, 0.0, NEVER, NEVER, NEVER)
    failed = kind - habits.ring_out >= habits.busy
    return Draw(_ERROR if failed else _BUSY, script, ring_s, 0.0, 0.0, NEVER, NEVER, NEVER)


@kernel
def _talk_s(
    dice: Dice, lead: int, n: int, agent: int, conversations: int, sale: bool, novice_calls: float
) -> float:
    """Seconds of conversation: longer for a sale, shorter for who hangs up, scaled by the agent's pace."""
    habits = dice.habits
    pace = math.exp(dice.speed[agent] + habits.novice_slow * math.exp(-conversations / novice_calls))
    if not sale and uniform(dice.seed, lead, n, chance.HANG_UP) < habits.hang_up:
        seconds = -habits.hang_up_s * math.log(uniform(dice.seed, lead, n, chance.HANG_UP_LENGTH))
        return _tenths(seconds * pace)
    z = normal(uniform(dice.seed, lead, n, chance.TALK))
    mean = habits.sale_mean if sale else habits.talk_mean
    sd = habits.sale_sd if sale else habits.talk_sd
    return _tenths(min(math.exp(mean + sd * z) * pace, 3 * 3600.0))


@kernel
def _promise(dice: Dice, truth: Truth, lead: int, n: int, at: int) -> int:
    """When to call back: in 2 to 46 hours, moved into the lead's day, never onto a Sunday."""
    habits = dice.habits
    span = habits.callback_to_h - habits.callback_from_h
    hours = habits.callback_from_h + span * uniform(dice.seed, lead, n, chance.CALLBACK_DELAY)
    local = at + int(hours * 3600.0) * SECOND - truth.laws.epoch + truth.zone[lead]
    into = int(uniform(dice.seed, lead, n, chance.CALLBACK_MINUTE) * 60.0) * 60 * SECOND
    day, hour = local // DAY, (local % DAY) // HOUR
    if hour < habits.callback_first_hour or hour >= habits.callback_last_hour:
        day += 1 if hour >= habits.callback_last_hour else 0
        local = day * DAY + int(habits.callback_first_hour) * HOUR + into
    if day % 7 == 6:
        local += DAY
    return int(local - truth.zone[lead] + truth.laws.epoch)


@kernel
def _confirmation(dice: Dice, lead: int, n: int) -> tuple[int, int]:
    """Microseconds from a sale until it is confirmed, and until it is cancelled (NEVER: it isn't)."""
    habits = dice.habits
    coin = uniform(dice.seed, lead, n, chance.CONFIRM)
    after = 0
    if coin >= habits.confirmed_at_once:
        rest = (coin - habits.confirmed_at_once) / (1.0 - habits.confirmed_at_once)
        if rest >= habits.confirm_success:
            return NEVER, NEVER
        z = normal(uniform(dice.seed, lead, n, chance.CONFIRM_DELAY))
        after = int(math.exp(habits.confirm_mean + habits.confirm_sd * z) * DAY_S) * SECOND
    coin = uniform(dice.seed, lead, n, chance.CANCEL)
    if coin >= habits.cancelled:
        return after, NEVER
    return after, after + (1 + int(coin / habits.cancelled * habits.cancel_days * DAY_S)) * SECOND


@kernel
def dial(
    dice: Dice,
    truth: Truth,
    lead: int,
    attempts: int,
    last_attempt: int,
    callback_at: int,
    at: int,
    agent: int,
    conversations: int,
) -> Draw:
    """Dial a lead for the `attempts`-th time (from 0) and see what happens."""
    script = script_of(dice, truth, lead, attempts, at)
    q = p_answer(truth, lead, attempts, last_attempt, callback_at, at)
    if uniform(dice.seed, lead, attempts, chance.ANSWER) >= q:
        return _unanswered(dice, truth, lead, attempts, script)
    habits = dice.habits
    if uniform(dice.seed, lead, attempts, chance.MACHINE) < habits.human_dropped:
        return Draw(_ABANDONED, script, 0.0, _DROPPED_S, 0.0, NEVER, NEVER, NEVER)
    if truth.wrong[lead]:
        return Draw(_WRONG, script, 0.0, habits.wrong_s, 0.0, NEVER, NEVER, NEVER)
    c = p_convert(truth, lead, agent, script, at, near(truth, callback_at, at), conversations)
    sale = uniform(dice.seed, lead, attempts, chance.CONVERT) < c
    talk_s = _talk_s(dice, lead, attempts, agent, conversations, sale, truth.laws.novice_calls)
    if sale:
        confirmed, cancelled = _confirmation(dice, lead, attempts)
        return Draw(_CONVERTED, script, 0.0, talk_s, habits.sale_wrap_s, NEVER, confirmed, cancelled)
    outcome = _after_talk(habits, uniform(dice.seed, lead, attempts, chance.AFTER), attempts)
    promised = _promise(dice, truth, lead, attempts, at) if outcome == _CALLBACK else NEVER
    return Draw(outcome, script, 0.0, talk_s, habits.wrap_s, promised, NEVER, NEVER)


@kernel
def _after_talk(habits: Habits, coin: float, attempts: int) -> int:
    """How a talk without a sale ends."""
    stop = habits.stop * math.exp(habits.stop_growth * attempts)
    if coin < stop:
        return _STOP
    if coin < stop + habits.refuse:
        return _REFUSED
    return _CALLBACK if coin < stop + habits.refuse + habits.callback else _OPEN
