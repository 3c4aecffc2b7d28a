"""The week ahead: a lead's coming 168 hours on its own clock, merged into windows with evidence for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.instants import HOUR
from features.kernel import BoolArray, Float64Array, Int64Array

from .rules.hours import Ahead

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

    def runs(self, lead: int) -> Iterator[slice]:
        """The spells of hours in one band, in the order of time."""
        edges = np.flatnonzero(np.diff(self.band[lead], prepend=-2, append=-2))
        for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if self.band[lead, first] >= 0:
                yield slice(first, end)

    def best(self, lead: int) -> slice | None:
        """The spell that holds the lead's best hour, the next one of several; None where it has no hour."""
        hour = int(np.where(self.band[lead] == 0, self.low[lead], -1.0).argmax())
        return next((run for run in self.runs(lead) if run.start <= hour < run.stop), None)

    def window(self, lead: int, run: slice, sureness: float) -> Window:
        """One of them."""
        starts = self.ahead.starts[lead]
        return Window(
            start=max(int(starts[run.start]), self.at),
            end=int(starts[run.stop - 1]) + HOUR,
            p_answer=float(self.p[lead, run].mean()),
            interval=Interval(float(self.low[lead, run].mean()), float(self.high[lead, run].mean())),
            evidence=grade(sureness),
        )

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
    runs = list(week.runs(0))
    sure = _sureness(weeks, week, [runs])[0]
    return tuple(week.window(0, run, float(one)) for run, one in zip(runs, sure, strict=True))


def _best(weeks: Weeks, week: Week) -> list[Window | None]:
    runs = [week.best(lead) for lead in range(len(week.p))]
    sure = _sureness(weeks, week, [[run or slice(0)] for run in runs])[:, 0]
    return [
        week.window(lead, run, float(one)) if run is not None and one >= GRADES[-1][1] else None
        for lead, (run, one) in enumerate(zip(runs, sure, strict=True))
    ]


def _sureness(weeks: Weeks, week: Week, runs: Sequence[Sequence[slice]]) -> Float64Array:
    """How sure it is that each run, equally many of every lead, is better than the lead's mean open hour."""
    marked = np.zeros((len(runs), max(map(len, runs), default=1), week.p.shape[1]), np.bool_)
    for lead, own in enumerate(runs):
        for place, run in enumerate(own):
            marked[lead, place, run] = True
    return weeks.sureness(week.by_hour(marked), week.by_hour(week.band[:, None, :] >= 0)[:, 0])
