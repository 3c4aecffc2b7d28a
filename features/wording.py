"""Wording: the value of a feature as a fact that people who call understand."""

from collections.abc import Callable
from functools import lru_cache, partial, singledispatch
from math import isnan

from .describe import span
from .facts import QUANTITIES
from .instants import NEVER
from .past import Feature
from .statistics.attribute import Age, AgeAmong, Attribute, Category, Worth
from .statistics.calendar import Calendar
from .statistics.delay import Delay
from .statistics.distinct import Distinct
from .statistics.extreme import Max
from .statistics.holiday import Holiday, UntilHoliday
from .statistics.rate import Load, Rate
from .statistics.recency import Promise, Recency, Tenure
from .statistics.rhythm import Rhythm
from .statistics.streak import Run, Streak
from .statistics.window import Count, Share, Sum

WORDS = {
    "calls": "calls",
    "answered": "answered calls",
    "machine": "answering machines",
    "busy": "busy tones",
    "abandoned": "abandoned calls",
    "no_answer": "calls without an answer",
    "disconnected": "dead numbers",
    "told": "talks",
    "converted": "sales",
    "contact_refused": "refusals",
    "contact_no_decision": "talks left open",
    "callback": "callbacks asked for",
    "promised": "callbacks agreed on",
    "touches": "messages and visits",
    "inbound": "messages from the lead",
    "email": "e-mails",
    "sms": "text messages",
    "chat": "chats",
    "form": "forms",
    "scored": "scored talks",
    "talk_s": "seconds of talk",
    "wrap_s": "seconds of wrap-up",
    "handle_s": "seconds of work",
    "week_hour": "hours of the week",
    "day": "days",
    "agent": "agents",
}
"""What is counted or weighed, in the plural; others are their own words."""

WHOSE = {
    "lead": "this lead",
    "agent": "this agent",
    "everyone": "the whole floor",
    "line": "the number that calls",
    "script": "this script",
    "campaign": "this campaign",
    "hour": "at this hour",
}
"""Whose past; a field of leads is told as `leads of this channel`."""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNKNOWN = "unknown"


def worded(feature: Feature, value: float) -> str:
    """What a value of a feature says; `unknown` where it is missing."""
    return UNKNOWN if isnan(value) else said(feature, value)


def speaker(feature: Feature) -> Callable[[float], str]:
    """What each value of a feature says that isn't missing; the feature's kind is looked up once."""
    return partial(said.dispatch(type(feature)), feature)


@singledispatch
def said(feature: Feature, value: float) -> str:
    """The fact, by the feature's kind."""
    return f"{feature.name.replace('_', ' ')}: {number(value)}"


@said.register(Count)
@said.register(Sum)
def _(feature: Count | Sum, value: float) -> str:
    return f"{number(value)} {words(feature.of)} {within(feature.within)}"


@said.register(Rate)
@said.register(Share)
def _(feature: Rate | Share, value: float) -> str:
    return f"{rated(feature.of, feature.per, value)}, {whose(feature.by)}"


@said.register
def _(feature: Load, value: float) -> str:
    return f"some {number(value)} {words(feature.of)} lately, {whose(feature.by)}"


@said.register
def _(feature: Recency, value: float) -> str:
    return f"last of the {words(feature.of)} {hours(value)} ago"


@said.register
def _(feature: Tenure, value: float) -> str:
    return f"first of the {words(feature.of)} {hours(value)} ago"


@said.register
def _(feature: Promise, value: float) -> str:
    return f"due in {hours(value)}" if value >= 0 else f"was due {hours(-value)} ago"


@said.register
def _(feature: Streak, value: float) -> str:
    return f"{number(value)} {words(feature.per)} since the last of the {words(feature.of)}"


@said.register
def _(feature: Run, value: float) -> str:
    return f"{number(value)} {words(feature.of)} in a row"


@said.register
def _(feature: Max, value: float) -> str:
    return f"at most {number(value)} {words(feature.of)} at a time {within(feature.within)}"


@said.register
def _(feature: Distinct, value: float) -> str:
    return f"{number(value)} different {words(feature.of)} with {words(feature.per)} {within(feature.within)}"


@said.register
def _(feature: Delay, value: float) -> str:
    return f"waited {hours(value)} for its first call"


@said.register
def _(feature: Rhythm, value: float) -> str:
    return f"{rated(feature.of, feature.per, value)}, this lead at about this hour"


@said.register(Age)
@said.register(AgeAmong)
def _(feature: Age | AgeAmong, value: float) -> str:
    return f"received {hours(value)} ago"


@said.register
def _(feature: Worth, value: float) -> str:
    return f"{number(value)} a sale"


@said.register
def _(feature: Attribute, value: float) -> str:
    return number(value)


@said.register
def _(feature: Category, value: float) -> str:
    return f"{feature.attribute.replace('_', ' ')} {feature.levels[int(value)]}"


@said.register
def _(feature: Calendar, value: float) -> str:
    if feature.part == "weekday":
        return DAYS[int(value) % 7]
    if feature.part == "hour_of_week":
        return f"{DAYS[int(value) // 24 % 7]} {clock(value % 24)}"
    return clock(value) if feature.part == "hour" else f"{feature.part.replace('_', ' ')} {number(value)}"


@said.register
def _(feature: Holiday, value: float) -> str:
    return "a public holiday" if value else "no public holiday"


@said.register
def _(feature: UntilHoliday, value: float) -> str:
    return f"{number(value)} days until the next public holiday"


def rated(of: str, per: str, value: float) -> str:
    """A rate per hundred, or the mean of a quantity."""
    if of in QUANTITIES:
        return f"{number(value)} {words(of)} on average of {words(per)}"
    return f"{number(100 * value)} {words(of)} per 100 {words(per)}"


@lru_cache(maxsize=256)
def words(of: str) -> str:
    """What is counted, for people."""
    return WORDS.get(of, of.replace("_", " "))


@lru_cache(maxsize=256)
def whose(by: str) -> str:
    """Whose past is asked."""
    return ", ".join(WHOSE.get(part, f"leads of this {part}") for part in by.split("×"))


@lru_cache(maxsize=256)
def within(duration: int) -> str:
    """How far back."""
    return "so far" if duration == NEVER else f"in the last {span(duration)}"


def hours(value: float) -> str:
    """A duration in minutes, hours or days."""
    if value < 1:
        return f"{60 * value:.0f} minutes"
    return f"{number(value)} hours" if value < 48 else f"{value / 24:.0f} days"


def clock(value: float) -> str:
    """An hour of the day with fraction as its clock shows it."""
    minutes = int(value * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def number(value: float) -> str:
    """A number as people write it: no more than three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
