"""Slow, obvious twins of the feature kernels: lists and loops that one can check by eye."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from features import CallLog, Outcome, Past
from features.facts import BIT, MARKS, Facts
from features.instants import HOUR, NEVER, to_datetime
from features.statistics.attribute import RARE, Age, AgeAmong, Attribute, Category, Worth
from features.statistics.calendar import Calendar
from features.statistics.delay import Delay
from features.statistics.distinct import Distinct
from features.statistics.extreme import Max
from features.statistics.holiday import Holiday, UntilHoliday
from features.statistics.rate import Load, Rate
from features.statistics.recency import Promise, Recency, Tenure
from features.statistics.rhythm import Rhythm
from features.statistics.streak import Run, Streak
from features.statistics.window import Count, Share, Sum

NAN = float("nan")


@dataclass(frozen=True)
class Fact:
    """One piece of news: what it bears (negative where it is taken back), when, and since when one knows."""

    lead: int
    agent: int
    time: int
    seen: int
    marks: dict[str, float]
    words: dict[str, int]
    sign: int = 1


def facts(past: Past) -> list[Fact]:
    """All news, in the order in which one could see them."""
    found = list(told_facts(past.told) if past.told is not None else logged_facts(past.log))
    return sorted(found, key=lambda fact: fact.seen)


def told_facts(told: Facts) -> Iterator[Fact]:
    """The news of a store, one by one."""
    for row in range(len(told)):
        sign = int(told.sign[row])
        marks = {name: float(sign) for name in MARKS if told.bits[row] & BIT[name]}
        amounts = {
            name: sign * float(column[row])
            for name, column in told.quantities.items()
            if column[row] == column[row]
        }
        words = {name: int(column[row]) for name, column in told.words.items() if column[row] != -1}
        yield Fact(
            int(told.lead[row]),
            int(told.agent[row]),
            int(told.time[row]),
            int(told.seen[row]),
            marks | amounts,
            words,
            sign,
        )


def logged_facts(log: CallLog) -> Iterator[Fact]:
    """A call is one fact; what its agent told of it is another, seen once the call is."""
    for row in range(len(log)):
        ended, known = int(log.ended_at[row]), int(log.known_at[row])
        who = int(log.lead[row]), int(log.agent[row])
        seen = max(ended, known)
        if seen < NEVER:
            yield Fact(*who, ended, seen, call_marks(log, row), {})
        if log.disposed_at[row] < NEVER:
            told_at = max(seen, int(log.disposed_at[row]), int(log.disposed_known_at[row]))
            yield Fact(*who, int(log.disposed_at[row]), told_at, told_marks(log, row), {})


def call_marks(log: CallLog, row: int) -> dict[str, float]:
    """What the dialer saw."""
    seconds = (int(log.ended_at[row]) - int(log.started_at[row])) / 1e6
    marks = {"calls": 1.0, "answered": float(log.answered[row]), "talk_s": float(log.talk_s[row])}
    marks |= {"handle_s": float(log.handle_s[row]), "wrap_s": max(float(log.handle_s[row]) - seconds, 0.0)}
    name = Outcome(int(log.outcome[row])).name.lower()
    if name not in ("contact_refused", "contact_no_decision", "callback", "do_not_call", "converted"):
        marks[name] = 1.0
    return marks


def told_marks(log: CallLog, row: int) -> dict[str, float]:
    """What the agent said."""
    marks = {"told": float(log.answered[row]), "converted": float(log.converted[row])}
    marks["value"] = float(log.value[row])
    code = int(log.disposition[row])
    name = Outcome(code).name.lower() if code >= 0 else ""
    if name in ("contact_refused", "contact_no_decision", "callback", "do_not_call"):
        marks[name] = 1.0
    return marks


def actor_of(
    past: Past, by: str, lead: int, agent: int, at: int, words: dict[str, int] | None = None
) -> tuple[int, ...] | None:
    """Whom a lead, an agent and an hour belong to, and a fact's own words if given; None for nobody."""
    parts = []
    for part in by.split("×"):
        if part == "everyone":
            parts.append(0)
        elif part in ("lead", "agent"):
            parts.append(lead if part == "lead" else agent)
        elif part == "hour":
            parts.append(int(week_hour(past, lead, at)) % 24)
        elif part in ("line", "script"):
            parts.append(in_use(past, part, lead, at) if words is None else words.get(part, -1))
        else:
            parts.append(-1 if lead < 0 else int(past.leads.coded[part].codes[lead]))
    return None if min(parts) < 0 else tuple(parts)


def week_hour(past: Past, lead: int, at: int) -> float:
    """The hour of the lead's week."""
    return wall_clock(past, Calendar("", part="hour_of_week"), lead, at)


def known_before(past: Past, by: str, lead: int, agent: int, at: int) -> list[Fact]:
    """The actor's news that one saw strictly before `at`."""
    actor = actor_of(past, by, lead, agent, at)
    return [
        fact
        for fact in facts(past)
        if fact.seen < at
        and actor is not None
        and actor == actor_of(past, by, fact.lead, fact.agent, fact.time, fact.words)
    ]


def in_use(past: Past, word: str, lead: int, at: int) -> int:
    """The line or script that the lead's campaign used last."""
    told = [fact for fact in known_before(past, "campaign", lead, -1, at) if fact.words.get(word, -1) >= 0]
    standing = [fact for fact in told if fact.sign > 0 and fact.marks.get("calls")]
    return standing[-1].words[word] if standing else -1


def weighed(found: Sequence[Fact], mark: str, weigh: Callable[[Fact], float] = lambda fact: 1.0) -> float:
    """The sum of a mark."""
    return sum(weigh(fact) * fact.marks.get(mark, 0.0) for fact in found)


def sum_within(past: Past, feature: Count | Sum, lead: int, agent: int, at: int) -> float:
    """The window's marks, one by one; NaN for nobody."""
    if actor_of(past, feature.by, lead, agent, at) is None:
        return NAN
    found = known_before(past, feature.by, lead, agent, at)
    return weighed([fact for fact in found if fact.time >= at - feature.within], feature.of)


def share_within(past: Past, feature: Share, lead: int, agent: int, at: int) -> float:
    """The window's marks of both kinds."""
    found = known_before(past, pooled(feature.by, agent), lead, agent, at)
    inside = [fact for fact in found if fact.time >= at - feature.within]
    return shrunk(weighed(inside, feature.of), weighed(inside, feature.per), feature.prior)


def pooled(by: str, agent: int) -> str:
    """Without an agent a rate is that of all agents."""
    others = [part for part in by.split("×") if part != "agent" or agent >= 0]
    return "×".join(others) or "everyone"


def shrunk(marked: float, per: float, prior: tuple[float, float]) -> float:
    """Towards the prior."""
    rate, strength = prior
    return (marked + rate * strength) / (per + strength) if per + strength > 0 else NAN


def rate_before(past: Past, feature: Rate, lead: int, agent: int, at: int) -> float:
    """Each fact's weight by its own age, summed one by one."""
    found = known_before(past, pooled(feature.by, agent), lead, agent, at)
    weigh = by_age(feature.half_life, at)
    return shrunk(weighed(found, feature.of, weigh), weighed(found, feature.per, weigh), feature.prior)


def load_before(past: Past, feature: Load, lead: int, agent: int, at: int) -> float:
    """The same of one mark; NaN for nobody."""
    if actor_of(past, feature.by, lead, agent, at) is None:
        return NAN
    return weighed(known_before(past, feature.by, lead, agent, at), feature.of, by_age(feature.half_life, at))


def by_age(half_life: int, at: int) -> Callable[[Fact], float]:
    """A fact's weight at a moment."""
    return lambda fact: 1.0 if half_life == NEVER else 0.5 ** ((at - fact.time) / half_life)


def hours_since(past: Past, feature: Recency | Tenure, lead: int, agent: int, at: int) -> float:
    """The age of the youngest (or oldest) instant at which the mark stands."""
    found = known_before(past, feature.by, lead, agent, at)
    times = {fact.time for fact in found}
    marked = [t for t in times if weighed([fact for fact in found if fact.time == t], feature.of) > 0]
    if not marked:
        return NAN
    return (at - (max(marked) if isinstance(feature, Recency) else min(marked))) / HOUR


def hours_until(past: Past, feature: Promise, lead: int, agent: int, at: int) -> float:
    """To the instant named last."""
    found = known_before(past, feature.by, lead, agent, at)
    named = [f.words[feature.of] for f in found if feature.of in f.words and f.sign > 0]
    return (named[-1] - at) / HOUR if named and named[-1] < NEVER else NAN


def calls_since(past: Past, feature: Streak | Run, lead: int, agent: int, at: int) -> float:
    """The facts later than the last instant that broke the row."""
    if actor_of(past, feature.by, lead, agent, at) is None:
        return NAN
    found = known_before(past, feature.by, lead, agent, at)

    def breaks(time: int) -> bool:
        of, per = (weighed([f for f in found if f.time == time], mark) for mark in (feature.of, feature.per))
        return of > 0 if isinstance(feature, Streak) else per > 0 and per - of > 0

    broken = max((fact.time for fact in found if breaks(fact.time)), default=-NEVER)
    counted = feature.per if isinstance(feature, Streak) else feature.of
    return weighed([fact for fact in found if fact.time > broken], counted)


def largest_within(past: Past, feature: Max, lead: int, agent: int, at: int) -> float:
    """The largest amount that was told more often than it was taken back."""
    found = known_before(past, feature.by, lead, agent, at)
    told = [(f.time, f.marks.get(feature.of, 0.0)) for f in found if f.time >= at - feature.within]
    standing = [a for time, a in told if a > 0 and told.count((time, a)) > told.count((time, -a))]
    return max(standing, default=NAN)


def words_within(past: Past, feature: Distinct, lead: int, agent: int, at: int) -> float:
    """The words whose facts bear the mark, less what was taken back."""
    if actor_of(past, feature.by, lead, agent, at) is None:
        return NAN
    found = known_before(past, feature.by, lead, agent, at)
    inside = [(word_of(past, feature.of, fact), fact) for fact in found if fact.time >= at - feature.within]
    words = {word for word, _ in inside if word >= 0}
    return sum(weighed([fact for word, fact in inside if word == one], feature.per) > 0 for one in words)


def word_of(past: Past, word: str, fact: Fact) -> int:
    """What a fact names."""
    if word == "week_hour":
        return int(week_hour(past, fact.lead, fact.time))
    if word == "day":
        return wall(past, fact.lead, fact.time).date().toordinal()
    return fact.agent if word == "agent" else fact.words.get(word, -1)


def rate_about(past: Past, feature: Rhythm, lead: int, agent: int, at: int) -> float:
    """Each fact by how near its hour and its kind of day are."""
    found = known_before(past, "lead", lead, agent, at)
    now = int(week_hour(past, lead, at))

    def close(fact: Fact) -> float:
        then = int(week_hour(past, fact.lead, fact.time))
        apart = min((then - now) % 24, (now - then) % 24)
        same = (then >= 120) == (now >= 120)
        return math.exp(-0.5 * (apart / feature.width) ** 2) * (1.0 if same else 0.5)

    usual = shrunk(weighed(found, feature.of), weighed(found, feature.per), feature.prior)
    marked, tried = weighed(found, feature.of, close), weighed(found, feature.per, close)
    return shrunk(marked, tried, (usual, feature.prior[1]))


def waited(past: Past, feature: Delay, lead: int, agent: int, at: int) -> float:
    """From receipt to the first fact that stands, or to now."""
    found = known_before(past, "lead", lead, agent, at)
    first = [
        f.time for f in found if weighed([fact for fact in found if fact.time == f.time], feature.of) > 0
    ]
    return max(min([at, *first]) - int(past.leads.created_at[lead]), 0) / HOUR


def until_holiday(past: Past, lead: int, at: int) -> float:
    """Day by day, asked of the package itself."""
    country, region = coded_word(past, "country", lead), coded_word(past, "region", lead)
    if country is None or country not in holidays.list_supported_countries():
        return NAN
    part = region if region in holidays.list_supported_countries()[country] else None
    known = holidays.country_holidays(country, subdiv=part)
    day = wall(past, lead, at).date()
    return float(next(ahead for ahead in range(400) if day + timedelta(days=ahead) in known))


def holiday(past: Past, feature: Holiday, lead: int, agent: int, at: int) -> float:
    """Whether it is today."""
    until = until_holiday(past, lead, at)
    return NAN if math.isnan(until) else float(until == 0)


def days_ahead(past: Past, feature: UntilHoliday, lead: int, agent: int, at: int) -> float:
    """How far it is."""
    until = until_holiday(past, lead, at)
    return NAN if math.isnan(until) else min(until, feature.most)


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
    now = wall(past, lead, at if feature.when == "moment" else int(past.leads.created_at[lead]))
    since_midnight = timedelta(
        hours=now.hour, minutes=now.minute, seconds=now.second, microseconds=now.microsecond
    )
    years = (now.replace(tzinfo=UTC) - to_datetime(0)) / timedelta(days=365.2425)
    return {
        "hour": since_midnight / timedelta(hours=1),
        "weekday": float(now.weekday()),
        "hour_of_week": float(now.weekday() * 24 + now.hour),
        "month_day": float(now.day),
        "year_sin": math.sin(2 * math.pi * years),
        "year_cos": math.cos(2 * math.pi * years),
    }[feature.part]


def wall(past: Past, lead: int, at: int) -> datetime:
    """The lead's own clock."""
    return to_datetime(at).astimezone(ZoneInfo(coded_word(past, "zone", lead) or "UTC"))


def answer(past: Past, feature: object, lead: int, agent: int, at: int) -> float:
    """What any feature must say of one moment."""
    twin = TWINS.get(type(feature))
    if twin is None:
        raise NotImplementedError(f"{type(feature).__name__} has no twin here")
    return float(twin(past, feature, lead, agent, at))


def number(past: Past, feature: Attribute, lead: int, agent: int, at: int) -> float:
    """The attribute's number, if it is one."""
    told = latest_before(past, feature.attribute, lead, at)
    return told if isinstance(told, float) else NAN


def age_among(past: Past, feature: AgeAmong, lead: int, agent: int, at: int) -> float:
    """The age of those with the word."""
    return age(past, lead, at) if coded_word(past, feature.coded, lead) == feature.word else NAN


TWINS: dict[type, Callable[..., float]] = {
    Count: sum_within,
    Sum: sum_within,
    Share: share_within,
    Rate: rate_before,
    Load: load_before,
    Recency: hours_since,
    Tenure: hours_since,
    Promise: hours_until,
    Streak: calls_since,
    Run: calls_since,
    Max: largest_within,
    Distinct: words_within,
    Rhythm: rate_about,
    Delay: waited,
    Holiday: holiday,
    UntilHoliday: days_ahead,
    Attribute: number,
    Category: lambda past, feature, lead, _, at: category(past, feature, lead, at),
    Calendar: lambda past, feature, lead, _, at: wall_clock(past, feature, lead, at),
    Age: lambda past, _, lead, __, at: age(past, lead, at),
    AgeAmong: age_among,
    Worth: lambda past, _, lead, __, at: float(past.leads.value[lead]),
}


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
    if word is not None and word not in feature.levels:
        word = RARE
    return float(feature.levels.index(word)) if word in feature.levels else NAN


def local(at: int, zone: str) -> int:
    """Wall-clock microseconds of an instant, asked of the standard library."""
    offset = to_datetime(at).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return at + offset // timedelta(microseconds=1)


def column(past: Past, feature: object, asked: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """The twin's whole column, in float32 as the kernels store it."""
    return np.array([answer(past, feature, *moment) for moment in asked], np.float32)
