"""Plans: what a campaign may be told of how it wants to be called, and of its experiments."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from features.instants import DAY, parse, render

from ..experiments import dawn_of
from ..ranking.policy import HELD, Arm, Experiment
from ..switchbacks import Switchback, overlaid
from .schemas import Ident, Strict, Word, Zone

Clock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


def _an_instant(said: str) -> str:
    try:
        render(parse(said) + 2 * DAY)  # whatever begins then may wait for the next midnight
    except OverflowError:
        raise ValueError("an instant that no clock shows") from None
    return said


def _not_the_holdouts(name: str) -> str:
    if name == HELD:
        raise ValueError("that is the holdout's name")
    return name


Moment = Annotated[str, AfterValidator(_an_instant)]
OwnName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"), AfterValidator(_not_the_holdouts)
]
"""A figure in MLflow may bear it."""


class CapsIn(Strict):
    """How often a campaign calls at most."""

    per_day: int = Field(3, ge=1, le=10, description="per phone number in any 24 hours, across campaigns")
    lifetime: int = Field(8, ge=1, le=1000, description="per lead")
    min_gap_s: int = Field(7200, ge=0, le=30 * 86400, description="between the starts of two dials")


class Spell(Strict):
    """From one local time to another; over midnight where that isn't later: 09:00 to 09:00 is a day."""

    start: Clock
    end: Clock


class BusinessHours(Strict):
    """The site's own hours by weekday; a weekday that isn't named is closed."""

    mon: list[Spell] = Field([])
    tue: list[Spell] = Field([])
    wed: list[Spell] = Field([])
    thu: list[Spell] = Field([])
    fri: list[Spell] = Field([])
    sat: list[Spell] = Field([])
    sun: list[Spell] = Field([])


class Shift(Spell):
    """A named shift of the site; one that doesn't end after its start goes over midnight."""

    name: Word


BaselineOrder = Literal["newest", "oldest", "fewest_attempts", "longest_waiting", "random"]


class ArmIn(Strict):
    """One arm of an experiment."""

    name: OwnName
    share: float = Field(gt=0, lt=1, description="of the leads that the holdout doesn't keep; they sum to 1")
    order: Literal["model"] | BaselineOrder = "model"
    temperature: float | None = Field(
        None, ge=0, le=10, description="of the draw of an arm that the model ranks; 0.2 where none is said"
    )

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        if self.order != "model" and self.temperature is not None:
            raise ValueError("a temperature is for an arm that the model ranks")
        return self


class ExperimentIn(Strict):
    """Arms that share the leads which the holdout doesn't keep, each with its own share of agent seconds."""

    name: OwnName = Field(description="deals the leads: other arms or shares need another one")
    since: Moment | None = Field(None, description="when it begins; null: at once")
    arms: list[ArmIn] = Field(min_length=2, max_length=4, description="each is compared with the first")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({arm.name for arm in self.arms}) < len(self.arms):
            raise ValueError("two arms of one name")
        if abs(sum(arm.share for arm in self.arms) - 1) > 1e-9:
            raise ValueError("the arms' shares don't sum to 1")
        return self

    def to_experiment(self, holdout: float) -> Experiment:
        """What the campaign is told, beside a holdout of that share."""
        arms = [
            Arm(
                arm.name,
                arm.share,
                arm.order,
                Arm.temperature if arm.temperature is None else arm.temperature,
            )
            for arm in self.arms
        ]
        since = 0 if self.since is None else parse(self.since)
        return Experiment(self.name, tuple(arms), holdout, since)


class CapsOfDay(Strict):
    """Caps that hold on some days; those that aren't named stay as they are."""

    per_day: int | None = Field(None, ge=1, le=10)
    min_gap_s: int | None = Field(None, ge=0, le=30 * 86400)


class RulesOfDay(Strict):
    """Rules of the whole campaign, which no two leads could have apart; within the limits of any day."""

    abandon_cap: float | None = Field(None, gt=0, le=1)
    caps: CapsOfDay | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What is said of them."""
        return {name: said for name, said in self.model_dump(exclude_none=True).items() if said != {}}

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.said:
            raise ValueError("no rule is said")
        return self


class SwitchbackIn(Strict):
    """Rules that hold on one day of each two, by chance; the campaign's own hold on the other."""

    name: OwnName = Field(description="deals the days: other rules need another one")
    since: Moment | None = Field(
        None,
        description="it begins at the next midnight of the campaign's clock from then on; null: from now",
    )
    rules: RulesOfDay

    def to_switchback(self, told: Mapping[str, Any]) -> Switchback:
        """What the campaign is told, with what it is told beside."""
        rules = self.rules.said
        found = Switchback(self.name, rules, {name: told[name] for name in ("mode", "timezone", *rules)})
        return found if self.since is None else replace(found, since=dawn_of(found, parse(self.since)))


class CampaignSettings(Strict):
    """How a campaign wants to be called; what isn't said has its default."""

    mode: Literal["predictive", "power", "preview"] = "predictive"
    timezone: Zone | None = None
    business_hours: BusinessHours | None = None
    shifts: list[Shift] = Field([], max_length=24)
    goal: Ident = "sale"
    objective: Literal["value", "conversions"] = Field(
        "value",
        description="what an agent's hour is for: the leads' value, or conversions, all of them alike",
    )
    confirmation: bool = Field(False, description="net counts only conversions that were confirmed")
    horizon_days: int = Field(30, ge=1, le=365)
    caps: CapsIn = CapsIn()
    max_age_days: int = Field(30, ge=1, le=3650)
    holdout: float = Field(0.1, ge=0, le=0.5, description="share of leads called in the baseline order")
    uniform: float = Field(0.01, ge=0, le=0.5, description="share of slots drawn from all leads alike")
    temperature: float = Field(0.2, ge=0, le=10, description="how far the draw departs from the ranking")
    fairness_floor: float = Field(
        0.02,
        ge=0,
        le=0.2,
        description="least share of the model's dials for never-tried leads of each source; 0: no floor",
    )
    abandon_cap: float = Field(
        0.03,
        gt=0,
        le=1,
        description="share of live answers that may be abandoned; near it predictive polls give less",
    )
    timing: bool = Field(False, description="whether leads that have a better hour to come wait for it")
    response_goal_s: int | None = Field(
        None, ge=1, le=30 * 86400, description="from a lead's receipt to its first call; `sla.at_risk` warns"
    )
    goal_target: int | None = Field(
        None, ge=1, le=10**9, description="sales in each period; `goal.at_risk` warns"
    )
    goal_period: Literal["day", "week", "month"] = "month"
    baseline_order: BaselineOrder = "newest"
    experiment: ExperimentIn | None = Field(None, description="stands beside a holdout; null ends it")
    switchback: SwitchbackIn | None = Field(None, description="stands beside a holdout; null ends it")

    @model_validator(mode="after")
    def _beside_a_holdout(self) -> Self:
        if self.holdout == 0 and (self.experiment or self.switchback):
            raise ValueError("experiments and switchbacks stand beside a holdout")
        return self

    @model_validator(mode="after")
    def _switches_something(self) -> Self:
        if self.switchback is None:
            return self
        rules = self.switchback.rules
        if rules.abandon_cap is not None and self.mode != "predictive":
            raise ValueError("where agents dial nobody is abandoned")
        told = self.model_dump(include={"abandon_cap", "caps"})
        if told == told | overlaid(told, rules.said):
            raise ValueError("the campaign does so on all days")
        return self


class Campaign(CampaignSettings):
    """A campaign with its settings."""

    campaign: str
    created_at: datetime
