"""Lift: what the arms of a campaign brought per agent-hour, what no arm can claim, and what one may say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from features.calls import Outcome
from features.kernel import BoolArray, Float64Array

from .balance import Mismatch, sample_ratio
from .intervals import Figure, Interval, around, compare, compare_relatively, share_figure
from .measures import measure
from .quantities import Ledger, Waits
from .report import Accounts, unit_sums
from .sequences import Sequence as ConfidenceSequence

BASE, MODEL = "holdout", "model"
PER_HOUR = ("conversions_per_agent_hour", "value_per_agent_hour")
"""The primary KPIs."""

MOST_OFF = 0.01
"""Arms whose shares of agent hours are further than this from what was promised are said to be off."""

LEAST_DAYS = 2
"""Agent-days that either arm needs before a lift is told."""


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
    detectable: float
    """The least lift that a look at so many agent-days finds four times in five."""


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


def account(accounts: Accounts, arm: Mapping[str, BoolArray], promised: Mapping[str, float]) -> Attribution:
    """Draw up the arms of a stretch.

    `arm` marks the leads received that are assigned to each, `promised` is its share of agent seconds: above
    0 for both arms.
    """
    ledger = accounts.ledger()
    assigned = {name: int(np.count_nonzero(mine)) for name, mine in arm.items()}
    mismatch = sample_ratio([assigned[name] for name in promised], list(promised.values()))
    sides = {name: _Side(ledger, name) for name in promised}
    hours = sum(side.hours for side in sides.values())
    waits = Waits(accounts.received, accounts.at)
    waited = {name: waits.waited_s[mine & waits.valid & waits.reached] for name, mine in arm.items()}
    arms = tuple(
        _arm(side, assigned[name], promised[name], hours, waited[name]) for name, side in sides.items()
    )
    why = _refusal(sides, mismatch)
    lifts = () if why else tuple(_lift(kpi, sides[BASE], sides[MODEL]) for kpi in PER_HOUR)
    told_at = ledger.credits.unclaimed_at
    within = (told_at >= accounts.since) & (told_at < accounts.until)
    sales = _conserved(ledger, within)
    return Attribution(sales, arms, mismatch, lifts, why, _broken(sides[BASE], sides[MODEL]))


@dataclass(frozen=True)
class _Side:
    """The attempts that carried out one arm's decisions."""

    ledger: Ledger
    name: str

    @cached_property
    def mine(self) -> BoolArray:
        word = self.ledger.group("policy")
        code = word.levels.index(self.name) if self.name in word.levels else -2
        return np.asarray(word.codes == code)

    @property
    def hours(self) -> float:
        return self.total("agent_hours")

    @property
    def days(self) -> int:
        return int(np.unique(self.ledger.units("agent_day")[self.mine]).size)

    def total(self, name: str) -> float:
        return float(np.nansum(self.ledger.quantity(name)[self.mine]))

    def share(self, of: Float64Array, per: Float64Array) -> Figure:
        """A share of the arm's calls of one kind; NaN where there are none."""
        n = float(np.nansum(per[self.mine]))
        return share_figure(float(np.nansum((of * per)[self.mine])), n) if n else Figure(np.nan, np.nan, 0.0)

    def per_hour(self, kpi: str) -> Figure:
        """A KPI of the arm alone, over agent-days."""
        group = np.zeros(self.mine.size, np.int64)
        return unit_sums(self.ledger, measure(kpi), group, 1, self.mine).figures(0)


def _arm(side: _Side, leads: int, promised: float, hours: float, waited: Float64Array) -> Arm:
    return Arm(
        name=side.name,
        leads=leads,
        attempts=int(side.mine.sum()),
        agent_hours=side.hours,
        share=side.hours / hours if hours else 0.0,
        promised=promised,
        net=side.total("net"),
        gross=side.total("gross"),
        net_value=side.total("net_value"),
        per_hour={kpi: _told(side.per_hour(kpi)) for kpi in PER_HOUR},
        guardrails={
            **{name: _or_none(scale * side.share(*columns).value) for name, scale, *columns in _rails(side)},
            "lead_response_s": float(np.mean(waited)) if waited.size else None,
        },
    )


def _rails(side: _Side) -> Sequence[tuple[str, float, Float64Array, Float64Array]]:
    ledger = side.ledger
    stopped = np.asarray(ledger.attempts.result == Outcome.DO_NOT_CALL, np.float64)
    return (
        ("abandon_rate", 100.0, ledger.quantity("abandoned"), ledger.quantity("live_answers")),
        ("opt_outs_per_1000_contacts", 1000.0, stopped, ledger.quantity("contacts")),
    )


def _broken(base: _Side, model: _Side) -> tuple[str, ...]:
    """The rates that are worse in the model's arm by a one-sided sequence."""
    found = []
    for (name, _, *theirs), (_, _, *ours) in zip(_rails(base), _rails(model), strict=True):
        held, tried = base.share(*theirs), model.share(*ours)
        if held.n > 1 and tried.n > 1:
            told = compare(held, tried)
            if (
                told.error > 0
                and ConfidenceSequence().below(told.difference, held.n + tried.n, told.error) > 0
            ):
                found.append(name)
    return tuple(found)


def _refusal(sides: Mapping[str, _Side], mismatch: Mismatch) -> str:
    if mismatch.blocks:
        return (
            f"the arms' leads are not shared as promised (p = {mismatch.p:.1g}): look for what went missing"
        )
    for side in sides.values():
        if side.days < LEAST_DAYS:
            return f"the {side.name} arm has {side.days} agent-days, at least {LEAST_DAYS} are needed"
    if not sides[BASE].total("net"):
        return f"the {BASE} arm has sold nothing yet: nothing to divide by"
    return ""


def _lift(kpi: str, base: _Side, model: _Side) -> Lift:
    held, tried = base.per_hour(kpi), model.per_hour(kpi)
    told, days = compare_relatively(held, tried), int(held.n + tried.n)
    sequence = ConfidenceSequence()
    return Lift(
        kpi=kpi,
        relative=told.difference,
        interval=told.interval,
        always=sequence.around(told.difference, days, told.error),
        p=sequence.p(told.difference, days, told.error),
        agent_days=days,
        detectable=float(ndtri(0.975) + ndtri(0.8)) * told.error,
    )


def _conserved(ledger: Ledger, within: BoolArray) -> Conservation:
    """All sales of the attempts, and the unclaimed that are `within` the stretch."""
    credits = ledger.credits
    decided, late = credits.decision >= 0, credits.unclaimed_late

    def part(mine: BoolArray, unclaimed: BoolArray) -> Part:
        worth = credits.gross_value[mine].sum() + credits.unclaimed_value[unclaimed].sum()
        return Part(int(mine.sum() + unclaimed.sum()), float(worth))

    nothing = np.zeros(late.size, np.bool_)
    return Conservation(
        credited=part(credits.gross & decided, nothing),
        organic=part(credits.gross & ~decided, within & ~late),
        outside_window=part(np.zeros(len(credits), np.bool_), within & late),
    )


def _told(figure: Figure) -> tuple[float | None, Interval | None]:
    interval = around(figure)
    return _or_none(figure.value), None if np.isnan(interval.low) else interval


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
