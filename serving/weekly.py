"""Weekly: what a week of a campaign looks like to who runs it, read from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from features.instants import DAY
from features.kernel import BoolArray, Float64Array
from features.site import Site
from features.store.reads import Stretch, quarantined_calls

from .accounts import read_accounts
from .goals import Goals, chance, elapsed, period_of
from .kpi.cells import Cells
from .kpi.dashboard import live, of_calls, of_leads
from .kpi.lift import MODEL, Attribution, in_arm
from .kpi.measures import measure
from .kpi.quantities import Waits
from .kpi.report import Accounts, draw_up, kaplan_meier
from .trials import Account, Course, Turns

MOST_CURVES = 5
"""Channels beyond the largest have no curve of their own."""


@dataclass(frozen=True)
class Curve:
    """How soon leads were reached: the share still waiting after each time."""

    name: str
    leads: int
    seconds: Float64Array
    waiting: Float64Array


@dataclass(frozen=True)
class Source:
    """How well one source of leads tells what happened."""

    name: str
    calls: int
    late: float
    """Share told more than a day after the call."""
    unsaid: float
    """Share of calls that should have said how long they talked, and didn't."""


@dataclass(frozen=True)
class Aim:
    """A campaign's goal, how far it is, and whether it will be reached."""

    period: str
    target: int
    sold: int
    chance: float


@dataclass(frozen=True)
class Look:
    """The lift as it stood at the end of one day, as shares; with the band that may be read every day."""

    day: int
    lift: float
    low: float
    high: float


@dataclass(frozen=True)
class Week:
    """A week of a campaign, Monday first; days count from 1970-01-01 on the site's clock."""

    campaign: str
    days: Sequence[int]
    """That are over."""
    now: Mapping[str, float]
    before: Mapping[str, float]
    """The same figures of the week before; empty where there was none."""
    at: int
    """As of when it is told."""
    ripe: float
    """Share of the calls whose sales can't come any more."""
    arms: Attribution | None
    """From the campaign's begin to the week's end; None without a holdout."""
    course: Course | None
    """Of the experiment that ran last; None where none did."""
    turns: Turns | None
    """Of the switchback that ran last; None where none did."""
    looks: Sequence[Look]
    shares: Mapping[int, float]
    """The model's share of agent hours by day."""
    promised: float | None
    curves: Sequence[Curve]
    calls: Float64Array
    """By weekday and hour."""
    contacts: Float64Array
    models: str
    sources: Sequence[Source]
    quarantined: int
    aim: Aim | None

    @property
    def monday(self) -> int:
        """The week's first day."""
        return monday_of(self.days[0])


def monday_of(day: int) -> int:
    """The Monday of a day's week; day 0 was a Thursday."""
    return day - (day + 3) % 7


def read_week(
    connection: Connection, stretch: Stretch, settings: Mapping[str, object], cells: Cells,
    found: Account | None, looks: Sequence[Look],
) -> Week:  # fmt: skip
    """A week whose days that are over are `stretch`; `cells` are all days', `looks` those until its end."""
    site, name, arms = Site.of(settings), stretch.campaign or "", found.arms if found else None
    days = list(range(site.day(stretch.since), site.day(stretch.until - 1) + 1))
    monday = monday_of(days[0])
    mine = cells.take(np.isin(cells.day, days))
    earlier = cells.take((cells.day >= monday - 7) & (cells.day < monday))
    accounts = read_accounts(connection, stretch)
    waits = Waits(accounts.received, stretch.at)
    horizon = int(str(settings.get("horizon_days", 30))) * DAY
    ended = np.array([site.begins(day + 1) for day in mine.day.tolist()], np.int64)
    ripe = mine.total("attempts", ended + horizon <= stretch.at) / max(mine.total("attempts"), 1.0)
    return Week(
        campaign=name,
        days=days,
        now=of_calls(mine) | of_leads(waits.waited_s[waits.valid], waits.reached[waits.valid]),
        before=of_calls(earlier) if len(earlier) else {},
        at=stretch.at,
        ripe=ripe,
        arms=arms,
        course=found.course if found else None,
        turns=found.turns if found else None,
        looks=looks,
        shares=_shares(mine),
        promised=next((arm.promised for arm in arms.arms if arm.name == MODEL), None) if arms else None,
        curves=_curves(waits),
        calls=_by_hour(mine, "attempts"),
        contacts=_by_hour(mine, "contacts"),
        models=live(mine),
        sources=_sources(accounts),
        quarantined=sum(quarantined_calls(connection, stretch).values()),
        aim=_aim(Goals.of(settings), cells, site, stretch.until),
    )


def _shares(cells: Cells) -> dict[int, float]:
    found = {}
    for day in np.unique(cells.day).tolist():
        today = cells.day == day
        hours = cells.total("agent_hours", today & (cells.words["policy"].codes >= 0))
        if hours:
            found[day] = cells.total("agent_hours", today & in_arm(cells, MODEL)) / hours
    return found


def _curves(waits: Waits) -> list[Curve]:
    """Of everybody, and of the largest channels."""
    valid = waits.valid
    channel = waits.received.words["channel"]
    sizes = np.bincount(channel.codes[valid & (channel.codes >= 0)], minlength=len(channel.levels))
    largest = np.argsort(-sizes, kind="stable")[:MOST_CURVES]
    groups = {channel.levels[code]: valid & (channel.codes == code) for code in largest if sizes[code]}
    return [_curve(name, waits, mine) for name, mine in {"all leads": valid, **groups}.items()]


def _curve(name: str, waits: Waits, mine: BoolArray) -> Curve:
    return Curve(name, int(mine.sum()), *kaplan_meier(waits.waited_s[mine], waits.reached[mine]))


def _by_hour(cells: Cells, name: str) -> Float64Array:
    """A sum by weekday and hour of the site's clock."""
    hour = cells.hours
    place = (cells.day + 3) % 7 * 24 + hour
    known = hour >= 0
    return np.bincount(place[known], cells.sums[name][known], 168).reshape(7, 24).astype(np.float64)


def _sources(accounts: Accounts) -> list[Source]:
    by = ("source",)
    calls = draw_up(accounts, measure("contact_rate"), by).rows
    talk = {row.group["source"]: row for row in draw_up(accounts, measure("average_talk_time"), by).rows}
    return [
        Source(
            row.group["source"] or "not told",
            row.n,
            row.quality["late"],
            talk[row.group["source"]].quality["missing"],
        )
        for row in calls
    ]


def _aim(goals: Goals, cells: Cells, site: Site, at: int) -> Aim | None:
    """The goal of the period in which the week's last day is."""
    if goals.target is None:
        return None
    since, until = period_of(goals.period, goals.zone, at - 1)
    within = (cells.day >= site.day(since)) & (cells.day < site.day(at))
    sold = int(cells.total("net", within))
    gone = elapsed(goals.hours, goals.zone, since, min(at, until), until)
    return Aim(goals.period, goals.target, sold, chance(sold, goals.target, gone))
