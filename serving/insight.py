"""Insight: why a lead or a campaign stands where it stands, asked of the desk without changing anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features import Moments, Past, compute
from features.instants import HOUR, MINUTE, NEVER
from features.kernel import Int64Array
from training.bundle import Bundle

from .ranking.reasons import Reason, reasons_of
from .rule import Caps
from .rules.hours import open_until
from .standing import Standing
from .verdicts import Verdicts, failed

LATER = (0, 5 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, 24 * HOUR)
"""Delays after which a lead's worth is asked again."""


@dataclass(frozen=True)
class Eligibility:
    """Whether a call may be made now, which rules forbid it, and until when that answer holds."""

    allow: bool
    rules_failed: tuple[str, ...]
    valid_until: int | None


@dataclass(frozen=True)
class HeadExplained:
    """One head's probability, and its reasons in log-odds before calibration: base and effects sum to it."""

    probability: float
    before_calibration: float
    """Base and effects together."""
    base: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Worth:
    """What a dial is worth after a delay, if nothing else happens meanwhile."""

    after_s: int
    value_per_agent_hour: float


@dataclass(frozen=True)
class Explanation:
    """All that the desk thinks of one lead at an instant."""

    lead_id: str
    as_of_at: int
    model_version: str | None
    degraded: bool
    heads: dict[str, HeadExplained]
    handle_s: float | None
    score: float | None
    eligibility: Eligibility
    callable_until: int | None
    windows: str
    """`no_timing_evidence`: the floor's history has not yet shown that one hour is better for this lead."""
    decay: tuple[Worth, ...]
    response_deadline_at: int | None
    """When the dial will have lost half of what it is worth now, None if not within a day."""


@dataclass(frozen=True)
class Alert:
    """One event that people should know of."""

    kind: str
    """`drift.detected`, `training.failed`."""
    at: int
    payload: Mapping[str, object]


@dataclass(frozen=True)
class Diagnosis:
    """Why a campaign's queue is as long as it is."""

    campaign: str
    as_of_at: int
    leads: int
    callable: int
    withheld: dict[str, int]
    by_zone: dict[str, dict[str, int]]
    """For each time zone how many leads are callable and how many withheld."""
    next_callable_at: int | None
    model_version: str | None
    degraded: bool
    trouble: str
    """Why it is degraded; empty where it is not."""
    alerts: tuple[Alert, ...]
    """Drifts and failed trainings of late."""


def eligibility(standing: Standing, caps: Caps, at: int, ignore: frozenset[str] = frozenset()) -> Eligibility:
    """The verdict on the first lead of a standing."""
    rules = tuple(failed(standing, caps, at, ignore))
    return Eligibility(not rules, rules, None if rules else int(open_until(standing, at)[0]))


def explanation(
    lead_id: str, row: int, verdict: Eligibility, past: Past, bundle: Bundle | None, value: float, at: int
) -> Explanation:
    """All that the heads say of a lead whose sale is worth `value`; little where there is no model."""
    fading = decay(past, bundle, row, value, at) if bundle else ()
    heads = explained(past, bundle, row, at) if bundle else {}
    chances = [np.array([heads[head].probability]) for head in ("answer", "conversion") if heads]
    return Explanation(
        lead_id=lead_id,
        as_of_at=at,
        model_version=bundle.version if bundle else None,
        degraded=bundle is None,
        heads=heads,
        handle_s=float(bundle.handle.expected(*chances)[0]) if bundle else None,
        score=fading[0].value_per_agent_hour if fading else None,
        eligibility=verdict,
        callable_until=verdict.valid_until,
        windows="no_timing_evidence",
        decay=fading,
        response_deadline_at=deadline(fading, at) if fading else None,
    )


def explained(past: Past, bundle: Bundle, row: int, at: int) -> dict[str, HeadExplained]:
    """Every head's probability of one lead, with its reasons."""
    matrix = compute(past, Moments.at_once(np.array([row]), at), bundle.features)
    scores = bundle.predict(matrix)
    found = {}
    for head in scores.by_head:
        base, effects = bundle.explain(matrix, head)
        (reasons,) = reasons_of(matrix.features, matrix.values, effects)
        raw = base + float(effects[0].sum())
        found[head] = HeadExplained(float(scores[head][0]), raw, base, reasons)
    return found


def decay(past: Past, bundle: Bundle, row: int, value: float, at: int) -> tuple[Worth, ...]:
    """How a lead's worth fades while nobody calls it, as the heads see it."""
    delays = np.array(LATER)
    moments = Moments(np.full(delays.size, row), np.full(delays.size, -1), at + delays)
    scores = bundle.predict(compute(past, moments, bundle.features))
    worth = scores.answer * scores.conversion * value / scores.handle_s * 3600
    return tuple(Worth(int(d // 1_000_000), float(w)) for d, w in zip(delays, worth, strict=True))


def deadline(fading: tuple[Worth, ...], at: int) -> int | None:
    """When half of the present worth is gone, between the delays asked by a straight line; None if never."""
    half = fading[0].value_per_agent_hour / 2
    for before, after in pairwise(fading):
        if after.value_per_agent_hour <= half:
            fall = before.value_per_agent_hour - after.value_per_agent_hour
            share = (before.value_per_agent_hour - half) / fall
            return at + round((before.after_s + share * (after.after_s - before.after_s)) * 1_000_000)
    return None


def by_zone(standing: Standing, verdicts: Verdicts) -> dict[str, dict[str, int]]:
    """Callable and withheld leads by time zone."""
    found = {}
    for code in np.unique(standing.zone):
        here = standing.zone == code
        forbidden = int(np.count_nonzero(verdicts.forbidden & here))
        name = "+".join(standing.zones[code]) if code >= 0 else "unknown"
        found[name] = {"callable": int(np.count_nonzero(here)) - forbidden, "withheld": forbidden}
    return found


def next_callable(until: Int64Array, at: int) -> int | None:
    """The first instant after now at which a lead that is forbidden may be allowed."""
    waiting = until[(until > at) & (until < NEVER)]
    return int(waiting.min()) if waiting.size else None
