"""Inquiry schemas: what is told of leads, queues and decisions; for OpenAPI, nothing is checked."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from .schemas import EligibilityResponse, IntervalOut, ReasonOut

Source = Literal["callback", "ranked", "explore", "holdout"]


class HeadOut(BaseModel):
    """What one head says of a lead."""

    probability: float | None = Field(description="of a head that tells a chance")
    amount: float | None = Field(description="of a head that tells seconds or money")
    before_calibration: float = Field(
        description="base and effects together: log-odds, or the logarithm of an amount"
    )
    base: float
    reasons: list[ReasonOut] = Field(description="at most 8, strongest first; the last may be `other`")


class HoursOut(BaseModel):
    """Hours in a row in which a lead is about as likely to answer."""

    start: datetime
    end: datetime
    p_answer: float = Field(description="of a call that begins in them, if nothing happens before")
    interval: IntervalOut
    evidence: Literal["strong", "moderate", "weak", "none"] = Field(
        description="how sure it is that they differ from the lead's other hours: 99, 95, 80 % or less"
    )


class WorthOut(BaseModel):
    """What a dial is worth after a delay, if nothing else happens meanwhile."""

    after_s: int
    value_per_agent_hour: float


class ExplainResponse(BaseModel):
    """All that the service thinks of one lead."""

    lead_id: str
    as_of_at: datetime
    model_version: str | None
    degraded: bool
    heads: dict[str, HeadOut] = Field(
        description="`answer`, `conversion`, `handle_time`, `value` ...; empty without a model"
    )
    handle_s: float | None
    score: float | None = Field(description="expected value (or conversions) per agent-hour")
    eligibility: EligibilityResponse
    callable_until: datetime | None
    windows: list[HoursOut] | Literal["no_timing_evidence"] = Field(
        description="the lead's coming 168 hours, as far as a call is allowed in them"
    )
    decay: list[WorthOut]
    response_deadline_at: datetime | None = Field(
        description="when half of the present worth is gone; null: not within a week"
    )


class AlertOut(BaseModel):
    """One event that people should know of."""

    kind: str = Field(description="`abandon_cap.near`, `drift.detected`, `training.failed` ...")
    at: datetime
    payload: dict[str, Any] = Field(description="what is known of it, by the kind")


class AbandonedOut(BaseModel):
    """Live answers, and how many of them were abandoned."""

    live_answers: int
    abandoned: int
    rate: float | None = Field(description="in percent; null where nobody answered")


class LatelyOut(BaseModel):
    """What dialers did."""

    abandoned_24h: AbandonedOut
    abandoned_30d: AbandonedOut
    lease_expiries_24h: int = Field(description="leases that ended without a word of the dialer")


class AheadOut(BaseModel):
    """Who may be called at an instant to come, if nothing happens meanwhile."""

    starts_at: datetime
    callable: int
    by_zone: dict[str, int]


class RankAgeOut(BaseModel):
    """How long ago the scores were worked out of those who may be called."""

    scored: int
    unscored: int = Field(description="to be scored by the next poll that may have them")
    median_s: float | None
    oldest_s: float | None


class NearnessOut(BaseModel):
    """Where the campaign stands with one rule on abandoned calls."""

    rule: str
    within_h: int
    live_answers: int = Field(description="of leads whom the rule protects")
    abandoned: int
    rate: float = Field(description="in percent")
    cap: float = Field(description="in percent")
    pace: float = Field(description="what a poll gives of what it asks for, 1 for all")


class DiagnosticsResponse(BaseModel):
    """Why a campaign's queue is as long as it is."""

    campaign: str
    as_of_at: datetime
    leads: int
    callable: int
    withheld: dict[str, int] = Field(description="leads not offered, by reason")
    by_zone: dict[str, dict[str, int]] = Field(description="by time zone, how many are callable and withheld")
    withheld_by_zone: dict[str, dict[str, int]] = Field(description="by time zone and reason")
    ahead: list[AheadOut] = Field(description="by hour for a day")
    next_callable_at: datetime | None = Field(description="when the next lead becomes callable")
    rank_age: RankAgeOut | None = Field(description="null without a model")
    lately: LatelyOut
    abandonment: list[NearnessOut]
    model_version: str | None
    degraded: bool
    trouble: str = Field(description="why it is degraded; empty where it is not")
    alerts: list[AlertOut]


class OwnReasonOut(BaseModel):
    """A reason as it was recorded; `explain` and polls tell it as a sentence too."""

    feature: str
    value: float | str | None
    effect: float
    group: str
    text: str | None = None


class CallOut(BaseModel):
    """A call that carried a decision out."""

    call_id: str
    agent_id: str | None
    started_at: datetime
    ended_at: datetime
    outcome: str


class DrawnOut(BaseModel):
    """How one arm drew by score."""

    arm: str
    temperature: float
    kappa: float | None = Field(description="the key of its first lead that wasn't tried; null: all were")


class PooledOut(BaseModel):
    """One lead that the queue looked at, as it was then."""

    lead: str | None = Field(description="its `lead_id`; null once it is erased")
    score: float | None = Field(description="expected value per second")
    p_answer: float | None
    p_convert: float | None
    worth: float | None
    seconds: float | None
    features: int | str | None = Field(description="a print of what the model saw")
    index: float | None = Field(None, description="what the model ranked by, where that isn't the score")


class GoneOut(BaseModel):
    """An input that is gone, and why."""

    input: Literal["pool", "lead"]
    why: Literal["kept_no_more", "erased"]
    at: datetime | None = None


class ReplayOut(BaseModel):
    """The batch ranked again from its record; only `same` and `gone` where there is none any more."""

    same: bool | None = Field(description="whether order and chances came out bit by bit; null: no record")
    generator_key: str | None = Field(None, description="what seeds the draw")
    order: list[str | None] | None = None
    propensity: list[float | None] | None = None
    drawn: list[DrawnOut] | None = None
    pool: list[PooledOut] | None = None
    gone: list[GoneOut]


class DecisionResponse(BaseModel):
    """One decision as it was recorded, and what became of it."""

    decision_id: str
    batch_id: str
    lease_id: str
    campaign: str
    lead_id: str | None = Field(description="null once the lead is erased")
    erased: bool
    agent: str | None
    arm: str
    source: Source
    model_version: str | None
    rank: int
    score: float | None = Field(description="expected value (or conversions) per agent-hour")
    propensity: float | None = Field(description="the chance that it would be handed out")
    p_answer: float | None
    p_convert: float | None
    handle_s: float | None
    attempt_no: int
    dialer_id: str
    snapshot_id: str | None
    degraded: bool
    temperature: float | None
    kappa: float | None
    pool: int | None = Field(description="how many leads might have been handed out")
    withheld: dict[str, int]
    rules: list[str] = Field(description="the side of a switchback that its day was, if any")
    reasons: list[OwnReasonOut]
    at: datetime
    calls: list[CallOut]
    replay: ReplayOut | None = Field(None, description="only with `replay=true`")
