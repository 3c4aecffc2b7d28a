"""Schemas: what endpoints take and give; pydantic checks them, OpenAPI tells them, unknown fields refused."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ..handout import Order

Ident = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
Said = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""What a path or query may name: no database takes a NUL."""
Minute = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such IANA time zone")
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Strict(BaseModel):
    """Refuses what it doesn't know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Filters(Strict):
    """Only leads of these; empty lets all through."""

    channels: list[Word] = []
    regions: list[str] = []
    lists: list[Ident] = []


class LeaseRequest(Strict):
    """A dialer's poll."""

    n: int = Field(ge=1, le=500, description="how many leads at most")
    lease_seconds: int = Field(120, ge=10, le=900)
    dialer_id: Ident
    agents_ready: list[Ident] = Field([], max_length=1000)
    filters: Filters = Filters()
    exclude: list[Ident] = Field([], max_length=5000)

    def to_order(self) -> Order:
        """What the desk is asked."""
        return Order(
            n=self.n,
            lease_seconds=self.lease_seconds,
            dialer_id=self.dialer_id,
            agents_ready=tuple(self.agents_ready),
            channels=tuple(self.filters.channels),
            regions=tuple(self.filters.regions),
            lists=tuple(self.filters.lists),
            exclude=tuple(self.exclude),
        )


class ReasonOut(BaseModel):
    """What pushed the chance of a conversion up or down, in log-odds before calibration."""

    feature: str = Field(description="the one of its group that says most; `other` for all that isn't named")
    value: float | str | None = Field(description="of that feature; null where it isn't known")
    effect: float = Field(description="of the whole group; base and effects sum to the log-odds")
    group: str = Field(description="what the reason is about")
    text: str = Field(description="the reason as a sentence")


class IntervalOut(BaseModel):
    """Between what the chance may lie."""

    low: float
    high: float
    level: float


class WindowOut(BaseModel):
    """The next hours at which the lead is most likely to answer; null without evidence for any."""

    start: datetime
    end: datetime
    p_answer: float = Field(description="of a call in these hours, if nothing happens before")
    interval: IntervalOut
    evidence: Literal["strong", "moderate", "weak"] = Field(
        description="how sure it is that they are better than the lead's other hours: 99, 95 or 80 %"
    )


class ItemOut(BaseModel):
    """One lead to dial."""

    lease_id: str
    decision_id: str
    lead_id: str
    phone: str
    rank: int = Field(description="1 is first")
    score: float | None = Field(description="expected value (or conversions) per agent-hour")
    p_answer: float | None = Field(description="chance that a human picks up")
    p_convert: float | None = Field(description="chance of the goal, given that a human picked up")
    handle_s: float | None
    source: Literal["callback", "ranked", "explore", "holdout"]
    attempt_no: int
    timezone: str
    callable_until: datetime
    best_window: WindowOut | None
    agent_id: str | None
    reasons: list[ReasonOut] = Field(description="at most 8; the last may be `other`")
    attributes: dict[str, float | str]


class LeaseResponse(BaseModel):
    """The answer to a poll; an empty one says why in `withheld`."""

    batch_id: str
    snapshot_id: str
    model_version: str | None
    ranked_at: datetime
    degraded: bool
    expires_at: datetime
    items: list[ItemOut]
    leads: int = Field(description="how many the campaign has; 0 where nobody ever named it")
    withheld: dict[str, int] = Field(description="leads not offered, by reason (`filtered`: by the poll)")
    next_poll_after_s: int


class AckIn(Strict):
    """What a dialer says of one lease."""

    lease_id: Ident
    state: Literal["dialing", "extend", "dialed", "released", "rejected"]
    reason: str | None = Field(None, max_length=256)


class AckOut(BaseModel):
    """What became of one acknowledgement."""

    lease_id: str | None = Field(description="null where the item named none that can be read")
    status: Literal[200, 404, 410, 422] = Field(description="410: do not dial")
    code: Literal["unknown_lease", "lease_expired", "not_callable", "malformed"] | None = Field(
        None, description="why it is not 200"
    )


class AcksResponse(BaseModel):
    """What became of each acknowledgement, in the order given."""

    items: list[AckOut]


class EligibilityRequest(Strict):
    """The last gate before a call; exactly one of phone, lead_id, lease_id."""

    campaign: Ident
    phone: Phone | None = None
    lead_id: Ident | None = None
    lease_id: Ident | None = None


class EligibilityResponse(BaseModel):
    """Whether the call may be made now, and how long that answer holds."""

    allow: bool
    rules_failed: list[str]
    valid_until: datetime | None


class LeadResultOut(BaseModel):
    """What became of one lead."""

    lead_id: str
    result: Literal["created", "updated", "unchanged", "stale", "rejected"]
    reason: str | None = None
    refused_attributes: list[str] | None = None


class LeadsResponse(BaseModel):
    """What became of each lead, in the order given."""

    items: list[LeadResultOut]


class QuarantinedOut(BaseModel):
    """An event kept until it makes sense."""

    id: str
    code: str
    detail: str


class RejectedOut(BaseModel):
    """An item that can't even be kept: no id, source or type."""

    index: int
    code: str


class ErasureOut(BaseModel):
    """The receipt of a lead's erasure."""

    lead_id: str
    erased_at: datetime
    reached: dict[str, int] = Field(description="by kind, how many rows were dropped or blanked")


class EventsResponse(BaseModel):
    """What became of a batch of events."""

    accepted: int
    duplicates: int
    quarantined: list[QuarantinedOut]
    rejected: list[RejectedOut]
    replayed: int = Field(description="events from quarantine that could be accepted now")
    receipts: list[ErasureOut] | None = Field(None, description="of the leads that were erased, if any were")


class ReplayRequest(Strict):
    """Which quarantined events to try again; none named means all."""

    codes: list[Word] | None = None


class TrainRequest(Strict):
    """Options of a training; none yet."""


class QuietHours(Strict):
    """When nothing is sent: from one local time to another, over midnight if the end is the earlier one."""

    start: Minute
    end: Minute
    timezone: Zone

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same")
        return self


class WebhookRequest(Strict):
    """Who is to be told of which events."""

    url: str = Field(min_length=1, max_length=2048)
    events: list[Literal["lead.hot", "sla.at_risk", "goal.at_risk", "drift.detected", "model.promoted"]] = (
        Field(min_length=1, max_length=5)
    )
    campaigns: list[Ident] | None = Field(
        None, min_length=1, max_length=1000, description="null: all that the key reaches"
    )
    quiet_hours: QuietHours | None = Field(None, description="what falls due then is sent at their end")


class WebhookOut(BaseModel):
    """One subscription."""

    webhook_id: str
    url: str
    events: list[str]
    campaigns: list[str] | None
    quiet_hours: QuietHours | None
    created_at: datetime


class WebhookMade(WebhookOut):
    """A new subscription, with what its deliveries are signed with: shown now and never again."""

    secret: str


class WebhookListed(WebhookOut):
    """A subscription, and how its deliveries stand."""

    pending: int
    sent: int
    failed: int


class WebhooksResponse(BaseModel):
    """Every subscription that the key reaches."""

    items: list[WebhookListed]


class RankedLead(BaseModel):
    """One lead of a ranking."""

    rank: int = Field(description="1 is the first to call")
    lead_id: str
    value: float | None = Field(description="by the scale asked for; null where no model said")
    source: Literal["callback", "ranked", "holdout"]
    callable_until: datetime | None


class RankingResponse(BaseModel):
    """A page of a campaign's ranking."""

    snapshot_id: str
    campaign: str
    ranked_at: datetime
    model_version: str | None
    degraded: bool
    total: int = Field(description="leads in the whole ranking")
    items: list[RankedLead]
    removed: list[str] = Field(description="on the last page of a delta: leads that are no longer ranked")
    next_cursor: str | None


class FaultOut(BaseModel):
    """One thing that is wrong with a request."""

    at: str = Field(description="where, by dots")
    message: str
    kind: str


class Problem(BaseModel):
    """RFC 9457: what went wrong."""

    type: str
    title: str
    status: int
    code: str = Field(description="stable; each status of an endpoint lists its own")
    detail: str = Field(description="for people")
    instance: str
    facts: dict[str, Any] | None = Field(None, description="what was wrong, by the code")
    errors: list[FaultOut] | None = Field(None, description="of `malformed`: each thing that is wrong")
