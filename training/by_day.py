"""By day: how far each day's features, promises and scores lie from what a training saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features import Feature
from features.instants import DAY
from features.kernel import Float32Array, Float64Array, Int64Array

from .drift import Days, days_of, psi, psi_limit
from .reference import RECENT, Reference, Shares, shares_of
from .report import Trained

WEEK = 7
"""A feature is compared over so many days: a day has few vectors, and one weekday only."""
LEAST_LEADS = 100
"""Leads with a vector in a week: fewer say nothing."""
MOST_DAYS, MOST_LEADS = 28, 5_000
"""Of a training the latest so many days are shown, and about so many leads of a week."""
IN_VAIN = 0.00125
"""How likely any feature of a day passes its limit if nothing changed, by their own reckoning."""


@dataclass(frozen=True)
class Column:
    """A feature in many vectors, in any order, and how it fell in those of a training."""

    feature: Feature
    shares: Shares
    rows: int
    """Of how many vectors the shares are."""
    values: Float32Array
    lead: Int64Array
    at: Int64Array

    @property
    def taught(self) -> Float64Array:
        """The training's vectors by bin."""
        return np.asarray(self.shares.share) * self.rows

    def counts(self, rows: Int64Array) -> Float64Array:
        """Some vectors by bin."""
        return self.shares.counts(self.values[rows])

    def fallen(self, weeks: Mapping[int, Int64Array], chance: float) -> "Fallen":
        """Its PSI over each week, where there are enough leads; `chance` of passing a limit in vain."""
        told = {day: self.counts(rows) for day, rows in weeks.items() if rows.size >= LEAST_LEADS}
        taught, wobble = self.taught, self.shares.wobble
        return Fallen(
            self.feature,
            np.array(list(told), np.int64),
            np.array([psi(taught, now) for now in told.values()], np.float64),
            np.array([psi_limit(taught, now, chance, wobble) for now in told.values()], np.float64),
        )


def first_of_leads(lead: Int64Array, at: Int64Array, since: int, until: int) -> Int64Array:
    """The first vector of each lead in [since, until): more of the same lead are no news."""
    rows = np.flatnonzero((at >= since) & (at < until))
    rows = rows[np.argsort(at[rows], kind="stable")]
    return rows[np.unique(lead[rows], return_index=True)[1]]


def weeks_of(lead: Int64Array, at: Int64Array, days: Sequence[int]) -> dict[int, Int64Array]:
    """Of the week that ends with each of the days, the first vector of each lead."""
    return {day: first_of_leads(lead, at, (day + 1 - WEEK) * DAY, (day + 1) * DAY) for day in days}


@dataclass(frozen=True)
class Fallen:
    """How far a feature fell from a training, over the week that ends with each day."""

    feature: Feature
    day: Int64Array
    """Since 1970-01-01, UTC."""
    psi: Float64Array
    limit: Float64Array
    """What the PSI exceeds by more than noise alone."""

    @property
    def nearness(self) -> float:
        """The last day's PSI over its limit; 0 where there is none."""
        return float(self.psi[-1] / self.limit[-1]) if self.day.size else 0.0


@dataclass(frozen=True)
class HeadDays:
    """What became of each day's calls beside what a head said of them."""

    days: Days
    scored: Int64Array
    """The days whose chances fall into bins."""
    bins: Float64Array
    """Shares of a day's chances (row) in each bin of the training's, lowest chances first."""
    psi: Float64Array
    """Of these days, against the training."""


@dataclass(frozen=True)
class ByDay:
    """How far the days lie from a training."""

    against: str
    """What they are compared with, for people."""
    columns: tuple[Fallen, ...]
    heads: Mapping[str, HeadDays]

    @property
    def nearest(self) -> list[Fallen]:
        """The features of the last day, the one that is farthest beyond its limit first."""
        return sorted((one for one in self.columns if one.day.size), key=lambda one: -one.nearness)

    @property
    def empty(self) -> bool:
        """Whether no day has anything to show."""
        return not self.nearest and not any(one.days.day.size for one in self.heads.values())


def head_days(
    at: Int64Array, label: Float64Array, chance: Float64Array, taught: Reference | None, name: str
) -> HeadDays:
    """A head's days; without bins where the training said nothing of that head."""
    days = days_of(at, label, chance)
    if taught is None or name not in taught.heads:
        return HeadDays(days, np.empty(0, np.int64), np.empty((0, 0)), np.empty(0))
    shares, day = taught.heads[name].scores, at // DAY
    scored = np.unique(day)
    counts = np.empty((scored.size, len(shares.share)))
    for row, one in enumerate(scored):
        counts[row] = shares.counts(chance[day == one])
    far = np.array([psi(np.asarray(shares.share) * taught.rows, one) for one in counts], np.float64)
    return HeadDays(days, scored, counts / counts.sum(axis=1, keepdims=True), far)


def of_training(trained: Mapping[str, Trained], taught: Reference | None) -> ByDay:
    """The judged days of a training against the attempts before them; promises are those kept out of time."""
    judged = {
        name: one for name, one in trained.items() if one.head.objective == "binary" and one.chance.size
    }
    heads = {
        name: head_days(one.examples.at[one.fitted.unseen.rows], one.label, one.chance, taught, name)
        for name, one in judged.items()
    }
    asked = next((one for one in judged.values() if one.head.per == "calls"), None)
    return ByDay("the calls before them", () if asked is None else _later_half(asked), heads)


def _later_half(one: Trained) -> tuple[Fallen, ...]:
    """Each feature of the latest judged attempts, against the four weeks before the first judged one."""
    at, lead, values = one.examples.at, one.examples.moments.lead, one.matrix.values
    cut = int(one.fitted.unseen.rows.min())
    before = np.flatnonzero(at[:cut] >= at[cut] - RECENT)
    days = np.unique(at[cut:] // DAY)[-MOST_DAYS:].tolist()
    weeks = {day: rows[:: max(1, rows.size // MOST_LEADS)] for day, rows in weeks_of(lead, at, days).items()}
    chance = IN_VAIN / max(len(one.matrix.features), 1)
    found = []
    for place, feature in enumerate(one.matrix.features):
        shares = shares_of(values[before, place], at[before], feature.categorical)
        column = Column(feature, shares, before.size, values[:, place], lead, at)
        found.append(column.fallen(weeks, chance))
    return tuple(found)
