"""Account schemas: KPIs and attribution; for OpenAPI, nothing is checked."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class BandOut(BaseModel):
    """Between what a figure may lie; null where that has no end."""

    low: float | None
    high: float | None
    level: float


class KpiRowOut(BaseModel):
    """One group's figure."""

    group: dict[str, str | None] = Field(description="by the dimensions asked for; null where unknown")
    value: float | None = Field(description="null where there is nothing to divide by")
    n: int
    interval: BandOut | None
    maturity: Literal["mature", "immature"] = Field(
        description="immature: conversions of its attempts can still come"
    )
    mature_share: float = Field(description="of the attempts, 0 to 1")
    data_quality: dict[str, float | None] = Field(
        description="shares 0 to 1: `missing`, `late`, `quarantined`, `duplicate`, `invalid`"
    )
    detail: dict[str, float | None] = Field(
        description="what stands beside, by KPI: gross figures, medians, shares within minutes"
    )


class KpiResponse(BaseModel):
    """One KPI by groups."""

    kpi: str
    unit: str
    definition_version: int
    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    rows: list[KpiRowOut]


class KpiDefinition(BaseModel):
    """What a KPI says."""

    kpi: str
    unit: str
    says: str


class KpiDefinitions(BaseModel):
    """All KPIs: the answer where none is asked for."""

    items: list[KpiDefinition]


class PartOut(BaseModel):
    """How many sales, and what they are worth, gross."""

    number: int
    value: float


class SalesOut(BaseModel):
    """Every sale of a stretch, once."""

    credited: PartOut = Field(description="to a decision")
    organic: PartOut = Field(description="of attempts without a decision, and of leads nobody had called")
    outside_window: PartOut = Field(description="of leads called longer before than the horizon")


class PerHourOut(BaseModel):
    """A KPI per agent-hour."""

    value: float | None
    interval: BandOut | None


class ArmOut(BaseModel):
    """What one arm cost and brought."""

    arm: str
    leads: int = Field(description="received in the stretch and assigned to it, called or not")
    attempts: int
    agent_hours: float
    net: float
    gross: float
    net_value: float
    share: float | None = Field(description="of all arms' agent hours")
    promised_share: float
    off: bool = Field(description="the share isn't the promised one")
    per_hour: dict[str, PerHourOut]
    guardrails: dict[str, float | None]


class SideOut(ArmOut):
    """What the days of one side of a switchback cost and brought."""

    days: int


class RatioOut(BaseModel):
    """Whether leads fell to the arms as promised."""

    chi2: float
    p: float
    blocks: bool = Field(description="they didn't: no lift may be read")


class StrayRatioOut(RatioOut):
    """Whether days fell to the sides as dealt."""

    strays: int = Field(description="days on which other rules held than those dealt")


class AdjustedOut(BaseModel):
    """A lift with what the agents had brought before taken out."""

    how: Literal["cuped", "lin"]
    relative: float
    interval: BandOut
    always_valid_interval: BandOut
    variance_left: float


class LiftOut(BaseModel):
    """By how much one arm's figure is above another's, as a share of it."""

    kpi: str
    relative: float | None
    interval: BandOut = Field(description="for one look")
    always_valid_interval: BandOut = Field(description="true however often one looks")
    always_valid_p: float | None
    agent_days: int
    detectable: float | None = Field(description="the least lift found four times in five")
    adjusted: list[AdjustedOut]


class DaysLiftOut(BaseModel):
    """The lift of a switchback's days."""

    kpi: str
    relative: float | None
    interval: BandOut
    always_valid_interval: BandOut
    always_valid_p: float | None
    days: int
    detectable: float | None
    adjusted: list[AdjustedOut]


class ForeseenOut(BaseModel):
    """What a test on so many leads can find."""

    leads: int
    rate: float
    once: float
    always: float


class PlannedOut(BaseModel):
    """What so many days can find."""

    days: int
    once: float
    always: float


class RivalOut(BaseModel):
    """One arm of an experiment against its first one."""

    arm: str
    against: str = Field(alias="with")
    lifts: list[LiftOut]
    refusal: str | None
    guardrails_broken: list[str]
    foreseen: ForeseenOut | None


class ExperimentOut(BaseModel):
    """How an experiment went."""

    name: str
    since: datetime
    until: datetime | None
    arms: list[ArmOut]
    sample_ratio: RatioOut
    compared: list[RivalOut]


class SwitchbackOut(BaseModel):
    """How a switchback went."""

    name: str
    since: datetime
    until: datetime | None
    rules: dict[str, Any] = Field(description="as the campaign was told them")
    arms: list[SideOut]
    sample_ratio: StrayRatioOut
    lifts: list[DaysLiftOut]
    refusal: str | None
    guardrails_broken: list[str]
    foreseen: PlannedOut | None


class AttributionResponse(BaseModel):
    """The account of a campaign's arms, and of what it tries."""

    campaign: str
    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    sales: SalesOut
    arms: list[ArmOut]
    sample_ratio: RatioOut
    lifts: list[LiftOut]
    refusal: str | None = Field(description="why there are no lifts")
    guardrails_broken: list[str]
    foreseen: ForeseenOut | None = Field(description="null while nothing was sold")
    experiment: ExperimentOut | None
    switchback: SwitchbackOut | None
