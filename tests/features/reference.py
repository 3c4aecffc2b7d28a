"""Slow, obvious twins of the feature kernels: lists and loops that one can check by eye."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from features import Past
from features.instants import HOUR, NEVER, to_datetime
from features.past import Actor, stream_of
from features.statistics.attribute import Age, AgeAmong, Attribute, Category, Worth
from features.statistics.calendar import Calendar
from features.statistics.count import Count
from features.statistics.rate import Rate
from features.statistics.recency import Recency

NAN = float("nan")


@dataclass(frozen=True)
class Fact:
    """One call or one disposition of the actor asked about."""

    row: int
    time: int
    known_at: int


def facts(past: Past, stream: str, by: Actor, actor: int) -> list[Fact]:
    """All facts of one actor, by event time, equal times in the log's order."""
    log = past.log
    times = log.ended_at if stream == "calls" else log.disposed_at
    found = [
        Fact(row, int(times[row]), known_since(past, stream, row))
        for row in range(len(log))
        if times[row] < NEVER
        and actor >= 0
        and actor == actor_of(past, by, int(log.lead[row]), int(log.agent[row]))
    ]
    return sorted(found, key=lambda fact: fact.time)


def known_since(past: Past, stream: str, row: int) -> int:
    """When a fact was told: a disposition not before its call was, nor before that was over."""
    log = past.log
    told = [log.known_at[row]]
    if stream == "dispositions":
        told += [log.disposed_known_at[row], log.ended_at[row]]
    return int(max(told))


def actor_of(past: Past, by: Actor, lead: int, agent: int) -> int:
    """The code of the actor that a lead and an agent belong to, -1 for none."""
    if by == "everyone":
        return 0
    if by == "agent":
        return agent
    return lead if by == "lead" or lead < 0 else int(past.leads.coded[by].codes[lead])


def known_before(past: Past, stream: str, by: Actor, actor: int, at: int) -> list[Fact]:
    """The facts that happened and were known strictly before `at`."""
    return [fact for fact in facts(past, stream, by, actor) if fact.time < at and fact.known_at < at]


def mark_of(past: Past, mark: str, row: int) -> float:
    """How much of a mark a call bears."""
    log = past.log
    if mark == "calls":
        return 1.0
    if mark in ("answered", "converted"):
        return float(getattr(log, mark)[row])
    if mark == "talk_s":
        return float(log.talk_s[row])
    codes = {
        "no_answer": 0, "busy": 1, "machine": 2, "disconnected": 3, "wrong_number": 4, "abandoned": 5,
        "contact_refused": 6, "contact_no_decision": 7, "callback": 8, "do_not_call": 10,
    }  # fmt: skip
    by_agent = mark in ("contact_refused", "contact_no_decision", "callback", "do_not_call")
    return float((log.disposition if by_agent else log.outcome)[row] == codes[mark])


def count_within(past: Past, feature: Count, lead: int, agent: int, at: int) -> float:
    """The marked calls of the window, one by one."""
    actor = actor_of(past, feature.by, lead, agent)
    return sum(
        mark_of(past, feature.of, fact.row)
        for fact in known_before(past, stream_of(feature.of), feature.by, actor, at)
        if fact.time >= at - feature.within
    )


def rate_before(past: Past, feature: Rate, lead: int, agent: int, at: int) -> float:
    """Each call's weight by its own age, summed one by one."""
    by, actor = feature.by, actor_of(past, feature.by, lead, agent)
    if by == "agent" and agent < 0:
        by, actor = "everyone", 0
    marked = calls = 0.0
    for fact in known_before(past, stream_of(feature.of, feature.per), by, actor, at):
        weight = 1.0 if feature.half_life == NEVER else 0.5 ** ((at - fact.time) / feature.half_life)
        marked += weight * mark_of(past, feature.of, fact.row)
        calls += weight * mark_of(past, feature.per, fact.row)
    rate, strength = feature.prior
    return (marked + rate * strength) / (calls + strength) if calls + strength > 0 else NAN


def hours_since(past: Past, feature: Recency, lead: int, agent: int, at: int) -> float:
    """The youngest marked call's age."""
    actor = actor_of(past, feature.by, lead, agent)
    marked = [
        fact.time
        for fact in known_before(past, stream_of(feature.of), feature.by, actor, at)
        if mark_of(past, feature.of, fact.row) > 0
    ]
    return (at - max(marked)) / HOUR if marked else NAN


def latest_before(past: Past, attribute: str, lead: int, at: int) -> float | str | None:
    """The value of an attribute that was last told before `at`; None if nothing was."""
    history = past.leads.attributes[attribute]
    told: float | str | None = None
    for row in range(int(history.starts[lead]), int(history.starts[lead + 1])):
        if history.known_at[row] < at:
            code = int(history.code[row])
            told = history.levels[code] if code >= 0 else float(history.number[row])
    return told


def wall_clock(past: Past, feature: Calendar, lead: int, at: int) -> float:
    """The part of the lead's own clock, asked of the standard library."""
    zone = past.leads.coded["zone"]
    code = int(zone.codes[lead])
    when = at if feature.when == "moment" else int(past.leads.created_at[lead])
    wall = to_datetime(when).astimezone(ZoneInfo(zone.levels[code] if code >= 0 else "UTC"))
    since_midnight = timedelta(
        hours=wall.hour, minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond
    )
    return {
        "hour": since_midnight / timedelta(hours=1),
        "weekday": float(wall.weekday()),
        "hour_of_week": float(wall.weekday() * 24 + wall.hour),
    }[feature.part]


def answer(past: Past, feature: object, lead: int, agent: int, at: int) -> float:
    """What any feature must say of one moment."""
    match feature:
        case Count():
            said = count_within(past, feature, lead, agent, at)
        case Rate():
            said = rate_before(past, feature, lead, agent, at)
        case Recency():
            said = hours_since(past, feature, lead, agent, at)
        case Attribute():
            told = latest_before(past, feature.attribute, lead, at)
            said = told if isinstance(told, float) else NAN
        case Category():
            said = category(past, feature, lead, at)
        case Calendar():
            said = wall_clock(past, feature, lead, at)
        case Age():
            said = age(past, lead, at)
        case AgeAmong():
            said = age(past, lead, at) if coded_word(past, feature.coded, lead) == feature.word else NAN
        case Worth():
            said = float(past.leads.value[lead])
        case _:
            raise NotImplementedError(f"{type(feature).__name__} has no twin here")
    return said


def age(past: Past, lead: int, at: int) -> float:
    """Hours since the lead was received."""
    return max(at - int(past.leads.created_at[lead]), 0) / HOUR


def coded_word(past: Past, name: str, lead: int) -> str | None:
    """The lead's word in a coded field."""
    column = past.leads.coded[name]
    code = int(column.codes[lead])
    return column.levels[code] if code >= 0 else None


def category(past: Past, feature: Category, lead: int, at: int) -> float:
    """The place of the lead's word among the feature's levels."""
    coded = past.leads.coded.get(feature.attribute)
    if coded is None:
        word = latest_before(past, feature.attribute, lead, at)
    else:
        code = int(coded.codes[lead])
        word = coded.levels[code] if code >= 0 else None
    return float(feature.levels.index(word)) if word in feature.levels else NAN


def timeline(
    group: Sequence[int], groups: int, time: Sequence[int], known_at: Sequence[int]
) -> Iterator[list[tuple[int, int, int, int]]]:
    """For each group its facts as (row, time, known_at, settled_at)."""
    for wanted in range(groups):
        rows = [row for row in range(len(group)) if group[row] == wanted and time[row] < NEVER]
        rows.sort(key=lambda row: time[row])
        yield [
            (row, time[row], known_at[row], max(known_at[earlier] for earlier in rows[: place + 1]))
            for place, row in enumerate(rows)
        ]


def local(at: int, zone: str) -> int:
    """Wall-clock microseconds of an instant, asked of the standard library."""
    offset = to_datetime(at).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return at + offset // timedelta(microseconds=1)


def column(past: Past, feature: object, asked: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """The twin's whole column, in float32 as the kernels store it."""
    return np.array([answer(past, feature, *moment) for moment in asked], np.float32)
