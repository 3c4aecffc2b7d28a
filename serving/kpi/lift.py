"""Lift: what the arms of a campaign brought per agent-hour, what no arm can claim, and what one may say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from features.kernel import BoolArray, Float64Array

from .adjusted import Adjusted, adjusted
from .balance import Mismatch, detectable, sample_ratio
from .cells import Cells
from .intervals import Figure, Interval, around, compare, compare_relatively, share_figure
from .measures import measure
from .sequences import Sequence as ConfidenceSequence

BASE, MODEL = "holdout", "model"
PER_HOUR = ("conversions_per_agent_hour", "value_per_agent_hour")
"""The primary KPIs."""

ALPHA = 0.05
"""How often a comparison of equals may claim a lift."""

MOST_OFF = 0.01
"""Arms whose shares of agent hours are further than this from what was promised are said to be off."""

LEAST_DAYS = 2
"""Agent-days that either arm needs before a lift is told."""


def in_arm(cells: Cells, name: str) -> BoolArray:
    """The attempts that carried out an arm's decisions; MODEL stands for all arms beside the holdout."""
    if name == MODEL:
        return np.asarray((cells.words["policy"].codes >= 0) & ~cells.of("policy", BASE))
    return cells.of("policy", name)


@dataclass(frozen=True)
class Part:
    """How many sales, and what they are worth, gross."""

    number: int
    value: float


@dataclass(frozen=True)
class Conservation:
    """Every sale of a stretch, once: credited + organic + outside_window."""

    credited: Part
    """To a decision."""
    organic: Part
    """Of attempts without a decision, and of leads that nobody had called."""
    outside_window: Part
    """Of leads called longer before than the horizon."""


@dataclass(frozen=True)
class Arm:
    """What one arm cost and brought."""

    name: str
    leads: int
    """Received in the stretch and assigned to it, called or not."""
    attempts: int
    agent_hours: float
    share: float
    """Of all arms' agent hours."""
    promised: float
    net: float
    gross: float
    net_value: float
    per_hour: Mapping[str, tuple[float | None, Interval | None]]
    guardrails: Mapping[str, float | None]
    """Abandoned per 100 live answers, opt-outs per 1,000 contacts, seconds until the first contact."""

    @property
    def off(self) -> bool:
        """Whether its share of agent hours isn't the promised one."""
        return abs(self.share - self.promised) > MOST_OFF


@dataclass(frozen=True)
class Lift:
    """By how much the model's figure is above the holdout's, as a share of it."""

    kpi: str
    relative: float
    interval: Interval
    """For one look."""
    always: Interval
    """True however often one looks."""
    p: float
    """Always valid as well."""
    agent_days: int
    """The units; days in a switchback."""
    detectable: float
    """The least lift that a look at so many units finds four times in five."""
    adjusted: tuple[Adjusted, ...] = ()
    """The same with what the agents had brought before taken out; empty on few agent-days."""


@dataclass(frozen=True)
class Foreseen:
    """What a test on as many leads as were received can find, at the rate at which they buy."""

    leads: int
    rate: float
    """Net sales per lead."""
    once: float
    """The least lift of sales per lead that one look finds four times in five."""
    always: float
    """The same by the band that may be read every day."""


@dataclass(frozen=True)
class Attribution:
    """The account of a campaign's arms over a stretch."""

    sales: Conservation
    arms: tuple[Arm, ...]
    mismatch: Mismatch
    """Of the leads assigned, against the promised shares."""
    lifts: tuple[Lift, ...]
    refusal: str
    """Why there are no lifts; empty where there are."""
    worse: tuple[str, ...]
    """Guardrails that the model's arm has broken: worse than the holdout, however often one looks."""
    foreseen: Foreseen | None
    """None while nothing was sold."""


def account(
    cells: Cells,
    assigned: Mapping[str, int],
    waited: Mapping[str, Float64Array],
    promised: Mapping[str, float],
) -> Attribution:
    """Draw up the arms of a stretch.

    Of the leads received, `assigned` counts those of each arm, `waited` has the seconds to the first contact
    of those that had one; `promised` is its share of agent seconds: above 0 for both arms.
    """
    mismatch = sample_ratio([assigned[name] for name in promised], list(promised.values()))
    sides = {name: Side(cells, name) for name in promised}
    hours = sum(side.hours for side in sides.values())
    arms = tuple(
        arm_of(side, assigned[name], promised[name], hours, waited[name]) for name, side in sides.items()
    )
    why = refusal_of((sides[MODEL], sides[BASE]), mismatch)
    lifts = () if why else lifts_of(sides[BASE], sides[MODEL])
    worse, foreseen = broken(sides[BASE], sides[MODEL]), _foreseen(cells, assigned, promised[BASE])
    return Attribution(_conserved(cells), arms, mismatch, lifts, why, worse, foreseen)


def _foreseen(cells: Cells, assigned: Mapping[str, int], holdout: float) -> Foreseen | None:
    leads = sum(assigned.values())
    return foreseen_of(cells.total("net") / max(leads, 1), leads, holdout)


def foreseen_of(rate: float, leads: int, share: float, alpha: float = ALPHA) -> Foreseen | None:
    """What so many leads can show, of whom an arm has a share; None where all buy or nobody does."""
    if not (leads and 0 < rate < 1):
        return None
    always = detectable(rate, leads, share, ConfidenceSequence(alpha))
    return Foreseen(leads, rate, detectable(rate, leads, share, alpha=alpha), always)


@dataclass(frozen=True)
class Side:
    """The attempts that carried out one arm's decisions."""

    cells: Cells
    name: str
    """As decisions have it."""

    @cached_property
    def mine(self) -> BoolArray:
        return in_arm(self.cells, self.name)

    @property
    def hours(self) -> float:
        return self.total("agent_hours")

    @property
    def days(self) -> int:
        return int(np.unique(self.cells.agent_days[self.mine]).size)

    def total(self, name: str) -> float:
        return self.cells.total(name, self.mine)

    def share(self, rail: "Rail") -> Figure:
        """A guardrail of the arm; NaN where there is nothing to divide by."""
        n = self.total(rail.per)
        return share_figure(self.total(rail.of), n) if n else Figure(np.nan, np.nan, 0.0)

    def per_hour(self, kpi: str) -> Figure:
        """A KPI of the arm alone, over agent-days."""
        return self.cells.ratio(measure(kpi).of, measure(kpi).per, self.mine)


def arm_of(side: Side, leads: int, promised: float, hours: float, waited: Float64Array) -> Arm:
    """What a side cost and brought; `hours` are all sides'."""
    return Arm(
        name=side.name,
        leads=leads,
        attempts=int(side.total("attempts")),
        agent_hours=side.hours,
        share=side.hours / hours if hours else 0.0,
        promised=promised,
        net=side.total("net"),
        gross=side.total("gross"),
        net_value=side.total("net_value"),
        per_hour={kpi: _told(side.per_hour(kpi)) for kpi in PER_HOUR},
        guardrails={
            **{rail.name: _or_none(rail.scale * side.share(rail).value) for rail in RAILS},
            "lead_response_s": float(np.mean(waited)) if waited.size else None,
        },
    )


@dataclass(frozen=True)
class Rail:
    """A rate that must not be worse in the model's arm."""

    name: str
    of: str
    per: str
    scale: float


RAILS = (
    Rail("abandon_rate", "abandoned", "live_answers", 100.0),
    Rail("opt_outs_per_1000_contacts", "opt_outs", "contacts", 1000.0),
)


def broken(base: Side, other: Side, alpha: float = ALPHA) -> tuple[str, ...]:
    """The rates that are worse in the other arm by a one-sided sequence."""
    found, sequence = [], ConfidenceSequence(alpha)
    for rail in RAILS:
        held, tried = base.share(rail), other.share(rail)
        if held.n > 1 and tried.n > 1:
            told = compare(held, tried)
            if told.error > 0 and sequence.below(told.difference, held.n + tried.n, told.error) > 0:
                found.append(rail.name)
    return tuple(found)


def refusal_of(sides: tuple[Side, Side], mismatch: Mismatch) -> str:
    """Why the first side's lift over the second can't be told; empty where it can."""
    if mismatch.blocks:
        return (
            f"the arms' leads are not shared as promised (p = {mismatch.p:.1g}): look for what went missing"
        )
    for side in sides:
        if side.days < LEAST_DAYS:
            return f"the {side.name} arm has {side.days} agent-days, at least {LEAST_DAYS} are needed"
    if not sides[1].total("net"):
        return f"the {sides[1].name} arm has sold nothing yet: nothing to divide by"
    return ""


def lifts_of(base: Side, other: Side, alpha: float = ALPHA) -> tuple[Lift, ...]:
    """The other side's lift over the base, by each primary KPI of which the base had any."""
    return tuple(_lift(kpi, base, other, alpha) for kpi in PER_HOUR if base.per_hour(kpi).value)


def _lift(kpi: str, base: Side, other: Side, alpha: float) -> Lift:
    held, tried, one = base.per_hour(kpi), other.per_hour(kpi), measure(kpi)
    told, days = compare_relatively(held, tried, 1 - alpha), int(held.n + tried.n)
    sequence = ConfidenceSequence(alpha)
    return Lift(
        kpi=kpi,
        relative=told.difference,
        interval=told.interval,
        always=sequence.around(told.difference, days, told.error),
        p=sequence.p(told.difference, days, told.error),
        agent_days=days,
        detectable=float(ndtri(1 - alpha / 2) + ndtri(0.8)) * told.error,
        adjusted=adjusted(base.cells, (base.mine, other.mine), one.of, one.per, told.error, alpha),
    )


def _conserved(cells: Cells) -> Conservation:
    """All sales of the attempts, and those that no attempt can claim."""
    decided = cells.words["policy"].codes >= 0

    def part(mine: BoolArray, unclaimed: str) -> Part:
        number, value = cells.total("gross", mine), cells.total("gross_value", mine)
        if unclaimed:
            number, value = number + cells.total(unclaimed), value + cells.total(f"{unclaimed}_value")
        return Part(int(number), value)

    return Conservation(
        credited=part(decided, ""),
        organic=part(~decided, "organic"),
        outside_window=part(decided & ~decided, "outside_window"),
    )


def _told(figure: Figure) -> tuple[float | None, Interval | None]:
    interval = around(figure)
    return _or_none(figure.value), None if np.isnan(interval.low) else interval


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
