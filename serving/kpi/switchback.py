"""Switchback: the account of rules tried by days: those that were on against those that were off, two by two.

Which day of a block was on is chance: what else makes days differ falls on either side alike, and what both
days of a block share cancels (Bojinov, Simchi-Levi, Zhao 2023). The first hour of each day in which anybody
was called is left out: in it what was begun under the other side's rules is worked off (a burn-in: Hu, Wager
2022, arXiv 2209.00197).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import expm1, log, log1p

import numpy as np
from scipy.special import ndtri, stdtrit

from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import Coded

from .balance import Mismatch, sample_ratio
from .cells import Cells
from .intervals import Interval
from .lift import ALPHA, PER_HOUR, RAILS, Arm, Lift, Rail, Side, arm_of
from .measures import measure
from .sequences import FewUnits

SIDES = ("off", "on")

LEAST_BLOCKS = 7
"""Blocks with calls that are needed before a lift is told: a fortnight."""

DAILY = FewUnits(ALPHA, tightest=28)
"""Tightest after eight weeks."""

POWER = float(ndtri(0.8))
"""Four times in five."""

PER_DAY = "conversions_per_day"
"""Told beside the primary KPIs: a rule may leave agents idle, and idle hours are no calls' hours."""


@dataclass(frozen=True)
class Deal:
    """Whole blocks of two local days, in their order, and whether each day is on."""

    day: Int64Array
    on: BoolArray

    def side(self, day: Int64Array) -> Int64Array:
        """0 for days that are off, 1 for those that are on, -1 for days that weren't dealt."""
        if not self.day.size:
            return np.full(day.size, -1)
        place = np.minimum(np.searchsorted(self.day, day), self.day.size - 1)
        return np.where(self.day[place] == day, self.on[place], -1).astype(np.int64)


@dataclass(frozen=True)
class Days:
    """What a campaign did on the days of a deal."""

    deal: Deal
    cells: Cells
    received: Int64Array
    """The day of each lead received."""
    waited_s: Float64Array
    """Until its first contact; NaN where it had none."""
    strays: int = 0
    """Days on which leads were handed out by the rules of the other side."""


@dataclass(frozen=True)
class Planned:
    """What so many days can find, by those before it began."""

    days: int
    once: float
    """The least lift of sales per agent-hour that one look finds four times in five."""
    always: float
    """The same by the band that may be read every day."""


@dataclass(frozen=True)
class Switched:
    """The account of a switchback."""

    arms: tuple[Arm, Arm]
    """Off and on; shares are of the agent hours of both."""
    days: tuple[int, int]
    """With calls."""
    strays: int
    mismatch: Mismatch
    """Of blocks in which one day alone had calls: chance makes it either side's as often."""
    lifts: tuple[Lift, ...]
    """Of the days that were on over the others; their units are days."""
    refusal: str
    worse: tuple[str, ...]
    """Guardrails that are worse on the days that were on, however often one looks."""
    foreseen: Planned | None
    """None where the days before say too little."""


def switched(days: Days, before: Days) -> Switched:
    """Draw up both sides of the days dealt; those `before` it began are dealt as if it had."""
    blocks, received = _blocks(days), days.deal.side(days.received)
    sides = [Side(blocks.cells, name) for name in SIDES]
    hours = sum(side.hours for side in sides)
    waited = [days.waited_s[(received == number) & ~np.isnan(days.waited_s)] for number in range(2)]
    off, on = (
        arm_of(side, int((received == number).sum()), 0.5, hours, waited[number])
        for number, side in enumerate(sides)
    )
    mismatch = _mismatch(blocks)
    why = _refusal(blocks, sides, mismatch, days.strays)
    return Switched(
        arms=(off, on),
        days=blocks.worked_on,
        strays=days.strays,
        mismatch=mismatch,
        lifts=() if why else lifts_of(blocks),
        refusal=why,
        worse=tuple(rail.name for rail in RAILS if _breaks(blocks, rail)),
        foreseen=_planned(_blocks(before)),
    )


@dataclass(frozen=True)
class Blocks:
    """The blocks of a deal, and what was done on their days."""

    deal: Deal
    cells: Cells
    """With a day's side as its policy, and of nobody: so that days are their units."""

    def of(self, name: str) -> Float64Array:
        """A sum, (blocks, 2): off, on; `days`: 1 where anybody was called."""
        place = np.searchsorted(self.deal.day, self.cells.day)
        by_day = self.cells.by(place, self.deal.day.size, "attempts" if name == "days" else name)
        pairs = (by_day > 0).astype(np.float64) if name == "days" else by_day
        pairs, first_on = pairs.reshape(-1, 2), self.deal.on[::2]
        return np.where(first_on[:, None], pairs[:, ::-1], pairs)

    @property
    def worked_on(self) -> tuple[int, int]:
        """Days with calls, off and on."""
        off, on = self.of("days").sum(axis=0)
        return int(off), int(on)

    @property
    def called(self) -> int:
        """Blocks with calls."""
        return int(self.of("days").any(axis=1).sum())


def _blocks(days: Days) -> Blocks:
    side = days.deal.side(days.cells.day)
    mine = (side >= 0) & ~_first_hour(days.cells)
    kept = days.cells.take(mine)
    nobody = Coded((), np.full(len(kept), -1))
    return Blocks(
        days.deal, replace(kept, words={**kept.words, "policy": Coded(SIDES, side[mine]), "agent": nobody})
    )


def _first_hour(cells: Cells) -> BoolArray:
    """The cells of each day's first hour with calls."""
    days, day = np.unique(cells.day, return_inverse=True)
    called = (cells.sums["attempts"] > 0) & (cells.hours >= 0)
    first = np.full(days.size, 24)
    np.minimum.at(first, day[called], cells.hours[called])
    return np.asarray(cells.hours == first[day])


def lifts_of(blocks: Blocks) -> tuple[Lift, ...]:
    """The lift by each KPI of which both sides had any."""
    asked = {kpi: (measure(kpi).of, measure(kpi).per) for kpi in PER_HOUR} | {PER_DAY: ("net", "days")}
    return tuple(_lift(blocks, kpi, *of) for kpi, of in asked.items() if blocks.of(of[0]).sum(axis=0).all())


def _lift(blocks: Blocks, kpi: str, of: str, per: str) -> Lift:
    """Bands are drawn around the ratio's logarithm: the error of a lift grows with it, that one's doesn't."""
    (off, on), moved = _rates(blocks, of, per)
    called, ratio = blocks.called, log(on / off)
    error = _error(moved[:, 1] / on - moved[:, 0] / off, called)
    once, always = float(stdtrit(called - 1, 1 - ALPHA / 2)) * error, DAILY.margin(called, error)
    return Lift(
        kpi=kpi,
        relative=expm1(ratio),
        interval=Interval(expm1(ratio - once), expm1(ratio + once), 1 - ALPHA),
        always=Interval(expm1(ratio - always), expm1(ratio + always), 1 - ALPHA),
        p=DAILY.p(ratio, called, error),
        agent_days=sum(blocks.worked_on),
        detectable=expm1(once + POWER * error),
    )


def _rates(blocks: Blocks, of: str, per: str) -> tuple[Float64Array, Float64Array]:
    """A sum over another one, off and on, and by how much each block moves them (delta method)."""
    y, x = blocks.of(of), blocks.of(per)
    rates = y.sum(axis=0) / x.sum(axis=0)
    return rates, (y - rates * x) / x.sum(axis=0)


def _error(moved: Float64Array, called: int) -> float:
    """The standard error of what so many blocks move so much."""
    return float(np.sqrt(called / (called - 1) * np.square(moved).sum()))


def _breaks(blocks: Blocks, rail: Rail) -> bool:
    if blocks.called < LEAST_BLOCKS or not blocks.of(rail.per).sum(axis=0).all():
        return False
    (off, on), moved = _rates(blocks, rail.of, rail.per)
    error = _error(moved[:, 1] - moved[:, 0], blocks.called)
    return error > 0 and DAILY.below(on - off, blocks.called, error) > 0


def _mismatch(blocks: Blocks) -> Mismatch:
    worked = blocks.of("days")
    off, on = worked[worked.sum(axis=1) == 1].sum(axis=0)
    return sample_ratio([int(off), int(on)], [0.5, 0.5])


def _refusal(blocks: Blocks, sides: Sequence[Side], mismatch: Mismatch, strays: int) -> str:
    """Why no lift can be told; empty where it can."""
    if strays:
        return f"on {strays} of the days leads were handed out by the rules of the other side"
    if mismatch.blocks:
        return f"one side lacks calls on more days than chance makes (p = {mismatch.p:.1g}): look for why"
    return _too_little(blocks, sides)


def _too_little(blocks: Blocks, sides: Sequence[Side]) -> str:
    if blocks.called < LEAST_BLOCKS:
        return f"{blocks.called} of at least {LEAST_BLOCKS} blocks of two days with calls are over"
    idle = next((side.name for side in sides if not side.total("net") or not side.hours), None)
    return f"the days that were {idle} have sold nothing yet: nothing to compare" if idle else ""


def _planned(before: Blocks) -> Planned | None:
    """By the spread of as many days, as if the rules had been switched on them and done nothing."""
    sides = [Side(before.cells, name) for name in SIDES]
    if _too_little(before, sides):
        return None
    found, called = lifts_of(before)[0], before.called
    error = log1p(found.detectable) / (float(stdtrit(called - 1, 1 - ALPHA / 2)) + POWER)
    always = expm1(DAILY.margin(called, error) + POWER * error)
    return Planned(before.deal.day.size, found.detectable, always)
