"""The week ahead: a lead's coming 168 hours on its own clock, merged into windows with evidence for each."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.instants import HOUR
from features.kernel import BoolArray, Float64Array, Int64Array

from .rules.hours import Ahead

WEEK = 168
"""Hours."""

NO_EVIDENCE = "no_timing_evidence"
GRADES = (("strong", 0.99), ("moderate", 0.95), ("weak", 0.8))
"""How sure it is, from this much on, that a window is better (or worse) than the lead's mean open hour."""
NONE = "none"
BANDS = (0.04, 0.3, 0.6)
"""Hours of one window lie between the same two of these, from the lead's best hour down to its worst.

By the low ends of their chances: of many hours the one that looks best is often the one known least."""


class Weeks(Protocol):
    """What a bundle's timing says of some leads' weeks, by hour of the week: `training.windows.Weeks`."""

    @property
    def p_answer(self) -> Float64Array:
        """(leads, 168): the chance of an answer."""

    @property
    def tried(self) -> BoolArray:
        """(168,): the hours of which anything is known."""

    def interval(self) -> tuple[Float64Array, Float64Array]:
        """Its ends."""

    def sureness(self, hours: BoolArray, among: BoolArray) -> Float64Array:
        """How sure it is that hours (leads, k, 168) are better than the mean one of `among` (leads, 168)."""


@dataclass(frozen=True)
class Interval:
    """The ends of what the chance may be."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True)
class Window:
    """Hours in a row in which a lead is about as likely to answer; instants in microseconds."""

    start: int
    end: int
    p_answer: float
    """Of a call that begins in it, the mean of its hours."""
    interval: Interval
    evidence: str
    """How sure it is that these hours differ from the lead's other ones: strong, moderate, weak or none."""


@dataclass(frozen=True)
class Spells:
    """Hours in a row of leads' weeks, from `first` until before `stop`: equally long columns."""

    lead: Int64Array
    first: Int64Array
    stop: Int64Array

    def take(self, some: Int64Array) -> "Spells":
        """Some of them."""
        return Spells(self.lead[some], self.first[some], self.stop[some])

    def marked(self) -> BoolArray:
        """Which of a week's hours lie in each, shape (spells, 168)."""
        hours = np.arange(WEEK)
        return np.asarray((hours >= self.first[:, None]) & (hours < self.stop[:, None]), np.bool_)

    def means(self, values: Float64Array) -> Float64Array:
        """The mean of what is told by lead and hour over each."""
        inside = np.where(self.marked(), values[self.lead], 0.0)
        return np.asarray(inside.sum(axis=1) / (self.stop - self.first))


@dataclass(frozen=True)
class Week:
    """The coming 168 hours of some leads, each row in the order of time on the lead's own clock."""

    ahead: Ahead
    at: int
    p: Float64Array
    low: Float64Array
    high: Float64Array
    band: Int64Array
    """How good an hour is: 0 the best, then downwards; -1 where nobody may call or ever did."""

    @classmethod
    def of(cls, weeks: Weeks, ahead: Ahead, at: int) -> "Week":
        """Put the hours of leads' weeks in the order in which they come."""
        ends, known = weeks.interval(), ahead.open & weeks.tried[ahead.hour]
        p, low, high = (np.take_along_axis(told, ahead.hour, axis=1) for told in (weeks.p_answer, *ends))
        best = np.max(low, axis=1, where=known, initial=0.0)[:, None]
        worst = np.min(low, axis=1, where=known, initial=1.0)[:, None]
        share = (best - low) / np.maximum(best - worst, 1e-12)
        return cls(ahead, at, p, low, high, np.where(known, np.searchsorted(BANDS, share), -1))

    def runs(self, lead: int) -> "Spells":
        """The spells of hours in one band, in the order of time."""
        edges = np.flatnonzero(np.diff(self.band[lead], prepend=-2, append=-2))
        first, stop = edges[:-1], edges[1:]
        kept = self.band[lead, first] >= 0
        return Spells(np.full(np.count_nonzero(kept), lead), first[kept], stop[kept])

    def best(self) -> "Spells":
        """Each lead's spell with its best hour, the next one of several; without hours if it has none."""
        good = self.band == 0
        hour = np.where(good, self.low, -1.0).argmax(axis=1)[:, None]
        spell = np.cumsum(np.diff(good, axis=1, prepend=False), axis=1)
        mine = good & (spell == np.take_along_axis(spell, hour, axis=1))
        first = mine.argmax(axis=1)
        return Spells(np.arange(first.size), first, first + mine.sum(axis=1))

    def windows(self, spells: "Spells", sureness: Float64Array) -> list[Window]:
        """One for each spell."""
        lead, first, last = spells.lead, spells.first, spells.stop - 1
        columns = (
            np.maximum(self.ahead.starts[lead, first], self.at), self.ahead.starts[lead, last] + HOUR,
            spells.means(self.p), spells.means(self.low), spells.means(self.high), sureness,
        )  # fmt: skip
        return [
            Window(start, end, p, Interval(low, high), grade(sure))
            for start, end, p, low, high, sure in zip(*(one.tolist() for one in columns), strict=True)
        ]

    def by_hour(self, marked: BoolArray) -> BoolArray:
        """Hours in the order of time, (leads, k, 168), put back to where they are in the week."""
        found = np.zeros(marked.shape, np.bool_)
        np.put_along_axis(found, np.broadcast_to(self.ahead.hour[:, None, :], marked.shape), marked, axis=2)
        return found


def grade(sureness: float) -> str:
    """How much evidence there is that hours are better or worse than others."""
    sure = max(sureness, 1.0 - sureness)
    return next((name for name, least in GRADES if sure >= least), NONE)


def best_windows(weeks: Weeks, ahead: Ahead, at: int) -> list[Window | None]:
    """The window of each lead's best hour; None without evidence that it is better than other hours."""
    return _best(weeks, Week.of(weeks, ahead, at))


def windows_of_week(weeks: Weeks, ahead: Ahead, at: int) -> tuple[Window, ...]:
    """All windows of the first lead's coming week; none where no hour is known to be better."""
    week = Week.of(weeks, ahead, at)
    (best,) = _best(weeks, week)
    if best is None:
        return ()
    runs = week.runs(0)
    return tuple(week.windows(runs, _sureness(weeks, week, runs.marked()[None])[0]))


def _best(weeks: Weeks, week: Week) -> list[Window | None]:
    found: list[Window | None] = [None] * len(week.p)
    best = week.best()
    sure = _sureness(weeks, week, best.marked()[:, None])[:, 0]
    told = np.flatnonzero((best.stop > best.first) & (sure >= GRADES[-1][1]))
    for lead, window in zip(told.tolist(), week.windows(best.take(told), sure[told]), strict=True):
        found[lead] = window
    return found


def _sureness(weeks: Weeks, week: Week, marked: BoolArray) -> Float64Array:
    """How sure it is that the hours marked, (leads, k, 168), are better than the lead's mean open hour."""
    return weeks.sureness(week.by_hour(marked), week.by_hour(week.band[:, None, :] >= 0)[:, 0])
