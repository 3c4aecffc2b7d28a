"""Insight: why a lead or a campaign stands where it stands, asked of the desk without changing anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from features import FeatureMatrix, Moments, Past, compute
from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND
from features.kernel import Float64Array, Int64Array
from training.bundle import Bundle, Scores

from .abandons import Nearness
from .ranking.reasons import Reason, reasons_of
from .ranking.value import value_per_second
from .rule import Caps
from .rules.hours import ahead
from .standing import Standing
from .verdicts import allowed_until, failed
from .week_ahead import NO_EVIDENCE, Window, windows_of_week

LATER = (0, 5 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 7 * DAY)
"""Delays after which a lead's worth is asked again."""

WorthOf = Callable[[Float64Array], Float64Array]
"""What sales count for, by what they are expected to bring."""


@dataclass(frozen=True)
class Eligibility:
    """Whether a call may be made now, which rules forbid it, and until when that answer holds."""

    allow: bool
    rules_failed: tuple[str, ...]
    valid_until: int | None


@dataclass(frozen=True)
class HeadExplained:
    """One head's probability or amount, and its reasons: base and effects sum to its score."""

    probability: float | None
    amount: float | None
    before_calibration: float
    """Base and effects together: log-odds, or the logarithm of an amount."""
    base: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Worth:
    """What a dial at an hour like this one is worth after a delay, if nothing else happens meanwhile."""

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
    windows: tuple[Window, ...] | str
    """Of the lead's coming week; `no_timing_evidence` where no hour is known to be better for it."""
    decay: tuple[Worth, ...]
    response_deadline_at: int | None
    """When the dial will have lost half of what it is worth now, None if not within a week."""


@dataclass(frozen=True)
class Alert:
    """One event that people should know of."""

    kind: str
    """`drift.detected`, `training.failed`, `webhook.failed`, `abandon_cap.near`."""
    at: int
    payload: Mapping[str, object]


@dataclass(frozen=True)
class Abandoned:
    """Live answers and how many of them were abandoned; `rate` in percent, None where nobody answered."""

    live_answers: int
    abandoned: int
    rate: float | None

    @classmethod
    def of(cls, live_answers: int, abandoned: int) -> "Abandoned":
        """With its rate."""
        return cls(live_answers, abandoned, 100 * abandoned / live_answers if live_answers else None)


@dataclass(frozen=True)
class Lately:
    """What dialers did."""

    abandoned_24h: Abandoned
    abandoned_30d: Abandoned
    lease_expiries_24h: int
    """Leases that ended without a word of the dialer."""


@dataclass(frozen=True)
class Ahead:
    """Who may be called at an instant to come, if nothing happens meanwhile."""

    starts_at: int
    callable: int
    by_zone: dict[str, int]


@dataclass(frozen=True)
class RankAge:
    """How long ago the scores were worked out of those who may be called."""

    scored: int
    unscored: int
    """Who will be scored by the next poll that may have them."""
    median_s: float | None
    oldest_s: float | None


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
    withheld_by_zone: dict[str, dict[str, int]]
    """The same headings as `withheld` by time zone, without those that hold nobody back."""
    ahead: tuple[Ahead, ...]
    """By hour for a day."""
    next_callable_at: int | None
    rank_age: RankAge | None
    """None without a model."""
    lately: Lately
    abandonment: tuple[Nearness, ...]
    """By rule how near the dialers are to the cap; nothing where they dial one lead for each agent."""
    model_version: str | None
    degraded: bool
    trouble: str
    """Why it is degraded; empty where it is not."""
    alerts: tuple[Alert, ...]
    """Abandoned calls near the cap; drifts, failed trainings and undelivered events of late."""


def eligibility(standing: Standing, caps: Caps, at: int, ignore: frozenset[str] = frozenset()) -> Eligibility:
    """The verdict on the first lead of a standing."""
    rules = tuple(failed(standing, caps, at, ignore))
    return Eligibility(not rules, rules, None if rules else int(allowed_until(standing, caps, at)[0]))


def explanation(
    lead_id: str,
    row: int,
    verdict: Eligibility,
    past: Past,
    bundle: Bundle | None,
    worth: WorthOf,
    standing: Standing,
    at: int,
) -> Explanation:
    """All that the heads say of a lead; little where there is no model."""
    nothing = Explanation(
        lead_id=lead_id,
        as_of_at=at,
        model_version=None,
        degraded=True,
        heads={},
        handle_s=None,
        score=None,
        eligibility=verdict,
        callable_until=verdict.valid_until,
        windows=NO_EVIDENCE,
        decay=(),
        response_deadline_at=None,
    )
    if bundle is None:
        return nothing
    matrix = compute(past, _waiting(row, at), bundle.features)
    scores = bundle.predict(matrix)
    fading, now = decay(scores, worth), matrix.take(np.zeros(1, np.int64))
    return replace(
        nothing,
        model_version=bundle.version,
        degraded=False,
        heads=explained(bundle, now, scores),
        handle_s=float(scores.handle_s[0]),
        score=fading[0].value_per_agent_hour,
        windows=windows(past, now, bundle, row, standing, at),
        decay=fading,
        response_deadline_at=deadline(fading, at),
    )


def _waiting(row: int, at: int) -> Moments:
    """One lead now and after each delay, its agent not yet chosen."""
    delays = np.array(LATER)
    return Moments(np.full(delays.size, row), np.full(delays.size, -1), at + delays)


def explained(bundle: Bundle, matrix: FeatureMatrix, scores: Scores) -> dict[str, HeadExplained]:
    """What every head says of the first row, with its reasons."""
    found = {}
    for head, said in scores.by_head.items():
        base, effects = bundle.explain(matrix, head)
        (reasons,) = reasons_of(matrix.features, matrix.values, effects)
        raw, figure = base + float(effects[0].sum()), float(said[0])
        chances = bundle.models[head].objective == "binary"
        chance, amount = (figure, None) if chances else (None, figure)
        found[head] = HeadExplained(chance, amount, raw, base, reasons.listed)
    return found


def windows(
    past: Past, now: FeatureMatrix, bundle: Bundle, row: int, standing: Standing, at: int
) -> tuple[Window, ...] | str:
    """The windows of a lead's coming week, if anything is known of its hours."""
    if not bundle.timing.proven:
        return NO_EVIDENCE
    weeks = bundle.timing.weeks(past, now, np.array([row]), at)
    return windows_of_week(weeks, ahead(standing, at), at) or NO_EVIDENCE


def decay(scores: Scores, worth: WorthOf) -> tuple[Worth, ...]:
    """How a lead's worth fades over the delays while nobody calls it.

    The head of that name knows age and nothing of the clock; without it the heads that rank are asked, as of
    then.
    """
    counted = worth(scores.sale_value)
    later = value_per_second(scores.answer, scores.conversion, counted, scores.handle_s) * 3600
    if "decay" in scores.by_head:
        later = later[0] * scores["decay"] / scores["decay"][0]
    return tuple(Worth(delay // SECOND, float(left)) for delay, left in zip(LATER, later, strict=True))


def deadline(fading: tuple[Worth, ...], at: int) -> int | None:
    """When half of the present worth is gone, between the delays asked by a straight line; None if never."""
    half = fading[0].value_per_agent_hour / 2
    for before, after in pairwise(fading):
        if after.value_per_agent_hour <= half:
            fall = before.value_per_agent_hour - after.value_per_agent_hour
            share = (before.value_per_agent_hour - half) / fall
            return at + round((before.after_s + share * (after.after_s - before.after_s)) * 1_000_000)
    return None


def next_callable(until: Int64Array, at: int) -> int | None:
    """The first instant after now at which a lead that is forbidden may be allowed."""
    waiting = until[(until > at) & (until < NEVER)]
    return int(waiting.min()) if waiting.size else None
