"""Freshness: how far back a feature looks, and how old the newest fact is that it draws from."""

import math
from collections.abc import Sequence

import numpy as np

from .calls import Moments
from .compute import compute
from .instants import DAY, HOUR, MINUTE, NEVER, SECOND
from .leads import FIELDS
from .past import Feature, Past
from .statistics.attribute import Age, AgeAmong, Worth
from .statistics.recency import Recency

FADED = 0.01
"""A fact that weighs less than this share of a new one no longer matters."""

_MARKS = {
    **dict.fromkeys(
        ("converted", "contact_refused", "contact_no_decision", "callback", "do_not_call"), "told"
    ),
    **dict.fromkeys(("told", "value"), "told"),
    **dict.fromkeys(("touches", "inbound", "outbound", "email", "sms", "chat", "form", "social"), "touches"),
    **dict.fromkeys(("promised", "promise"), "promised"),
    **dict.fromkeys(("scored", "sentiment", "talk_ratio", "interruptions", "silence_s"), "scored"),
}
"""The mark of the news that tells each mark and quantity; calls tell the rest."""

LEADS, CLOCK = "leads", "clock"


def ttl_of(feature: Feature) -> int | None:
    """The age beyond which a fact no longer matters to the feature; None where it always does."""
    within = getattr(feature, "within", None)
    if within is not None:
        return None if within == NEVER else int(within)
    half_life = getattr(feature, "half_life", None)
    if half_life is None or half_life == NEVER:
        return None
    return math.ceil(int(half_life) * math.log2(1 / FADED))


def source_of(feature: Feature) -> str:
    """What tells the feature its facts: a mark of the news, an attribute by its name, `leads` or `clock`."""
    if getattr(feature, "by", None) is not None:
        asked = [getattr(feature, "of", None), *getattr(feature, "sums", ()), *getattr(feature, "copies", ())]
        return _MARKS.get(str(next(filter(None, asked), "calls")), "calls")
    attribute = getattr(feature, "attribute", None)
    if attribute is not None and attribute not in FIELDS:
        return f"attribute {attribute}"
    told_by_leads = attribute is not None or isinstance(feature, Age | AgeAmong | Worth)
    return LEADS if told_by_leads or getattr(feature, "when", None) == "arrival" else CLOCK


def ages(past: Past, features: Sequence[Feature], lead: int, agent: int, at: int) -> list[int | None]:
    """How old the newest fact is that each feature draws from, as known strictly before `at`.

    The facts are those of the feature's actor, given the lead and agent; of everyone where `lead` is -1. None
    where there is no fact.
    """
    asked = [(_whose(feature, lead, agent), source_of(feature)) for feature in features]
    from_news = sorted({(by, source) for by, source in asked if by})
    lasts = [Recency(f"{by} {source}", by=by, of=source) for by, source in from_news]
    moment = Moments(np.array([lead]), np.array([agent]), np.array([at]))
    hours = compute(past, moment, lasts).values[0] if lasts else np.empty(0)
    found = dict(zip(from_news, map(_from_hours, hours.tolist()), strict=True))
    return [found[by, source] if by else _age_of_leads(past, source, lead, at) for by, source in asked]


def state_of(ttl: int | None, age: int | None) -> str:
    """`no facts`, or `stale` where none is young enough to matter, else `fresh`."""
    if age is None:
        return "no facts"
    return "stale" if ttl is not None and age > ttl else "fresh"


def roughly(duration: int) -> str:
    """A duration in the unit that people would use, to a tenth at most."""
    units = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))
    unit, name = next((one for one in units if duration >= one[0]), units[-1])
    count = round(duration / unit, 1)
    return f"{count:g} {name}{'' if count == 1 else 's'}"


def _whose(feature: Feature, lead: int, agent: int) -> str:
    """Whose news it is; empty where the feature asks no news."""
    by = str(getattr(feature, "by", None) or "")
    return "everyone" if by and (lead < 0 or (agent < 0 and "agent" in by.split("×"))) else by


def _from_hours(hours: float) -> int | None:
    return None if math.isnan(hours) else round(hours * HOUR)


def _age_of_leads(past: Past, source: str, lead: int, at: int) -> int | None:
    """The age of what leads themselves tell: when they were received, or an attribute of theirs was told."""
    if source == CLOCK:
        return 0
    told = past.leads.created_at if lead < 0 else past.leads.created_at[lead : lead + 1]
    if source != LEADS:
        history = past.leads.attributes.get(source.removeprefix("attribute "))
        if history is None:
            return None
        rows = slice(None) if lead < 0 else slice(history.starts[lead], history.starts[lead + 1])
        told = history.known_at[rows]
    told = told[told < at]
    return int(at - told.max()) if told.size else None
