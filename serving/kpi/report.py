"""Report: a KPI by groups, each row with its interval, how ripe it is and what its sources left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from features.attempts import Attempts, Conversions, Decisions, LeftOut, Presence, Received
from features.instants import NEVER
from features.kernel import BoolArray, Float64Array, Int64Array
from features.leads import Coded

from .attribution import attribute
from .intervals import Interval, Sums, around, wilson
from .measures import CONVERSIONS, DEFINITION_VERSION, Measure, Share, Wait
from .quality import effect, of_told, qualities
from .quantities import Counted, Ledger, Staffing, Waits

MOST_MARKED = 1 << 26
"""Up to so many possible keys are marked off in an array; more are sorted."""

DIMENSIONS = (
    "campaign", "channel", "contact_channel", "agent", "team", "shift", "hour", "weekday", "source", "script",
    "model_version", "policy", "event_source",
)  # fmt: skip


@dataclass(frozen=True)
class KpiRow:
    """One group's figure; None where there is nothing to divide by."""

    group: Mapping[str, str | None]
    value: float | None
    n: int
    interval: Interval | None
    mature: float
    """Share of the attempts whose conversions can't come any more; 1 for measures that don't ripen."""
    quality: Mapping[str, float]
    """Shares missing, late, invalid among the rows of this group; quarantined, duplicate among all told."""
    detail: Mapping[str, float] = field(default_factory=dict)
    """What is worth seeing beside: gross, medians, shares within minutes."""


@dataclass(frozen=True)
class KpiReport:
    """A KPI over a stretch of time."""

    measure: Measure
    rows: tuple[KpiRow, ...]
    definition_version: int = DEFINITION_VERSION


@dataclass(frozen=True)
class Accounts:
    """All that the KPIs of a stretch are drawn up from, as known at `at`.

    `attempts` are all that their leads ever had, in whatever campaign, so that a sale finds its attempt; only
    those of `campaign` (None: of all) started in [since, until) are counted.
    """

    attempts: Attempts
    conversions: Conversions
    decisions: Decisions
    received: Received
    since: int
    at: int
    until: int = NEVER
    left_out: LeftOut = field(default_factory=LeftOut)
    campaign: str | None = None

    def ledger(self) -> Ledger:
        """The attempts counted, with the credits that they have among all."""
        started = self.attempts.started_at
        counted = (started >= self.since) & (started < self.until) & self.attempts.of(self.campaign)
        credits = attribute(self.attempts, self.conversions, self.decisions)
        return Ledger(self.attempts, credits, self.decisions).take(counted)


def draw_up(accounts: Accounts, measure: Measure, by: Sequence[str], level: float = 0.95) -> KpiReport:
    """A KPI of attempts by groups; without groups one row for all."""
    return of_attempts(accounts.ledger(), accounts.at, accounts.left_out, measure, by, level)


def of_attempts(
    ledger: Counted, at: int, left_out: LeftOut, measure: Measure, by: Sequence[str], level: float = 0.95
) -> KpiReport:
    """A KPI of attempts by groups, as known at `at`."""
    groups, code = grouped([ledger.group(name) for name in by], len(ledger))
    y, x = _quantities(ledger, measure)
    said = ~np.isnan(y) & ~np.isnan(x)
    sums = unit_sums(ledger, measure, code, len(groups), said)
    rows = np.bincount(code, minlength=len(groups))
    n = _total(np.where(said, x, 0.0), code, len(groups)) if isinstance(measure, Share) else sums.n
    mature = _ripe(ledger, at, measure, code, rows)
    quality = qualities(ledger, measure, code, by, groups, left_out)
    beside = _beside(ledger, measure, code, len(groups))
    found = (
        KpiRow(
            dict(zip(by, words, strict=True)),
            *_with_interval(measure, sums, group, level, round(float(n[group]))),
            mature=float(mature[group]),
            quality=quality[group],
            detail=beside[group] | effect(measure, sums, group, by, words, left_out),
        )
        for group, words in enumerate(groups)
    )
    return KpiReport(measure, tuple(found))


def _with_interval(
    measure: Measure, sums: Sums, group: int, level: float, n: int
) -> tuple[float | None, int, Interval | None]:
    value, interval = _figure(measure, sums, group, level)
    return value, n, interval


def _ripe(ledger: Counted, at: int, measure: Measure, code: Int64Array, rows: Int64Array) -> Float64Array:
    """The share of each group's attempts whose conversions can't come any more."""
    if measure.of not in CONVERSIONS:
        return np.ones(rows.size)
    return np.where(rows > 0, _shares(ledger.ripe(at), code, rows), 1.0)


def _quantities(ledger: Counted | Staffing, measure: Measure) -> tuple[Float64Array, Float64Array]:
    y = ledger.quantity(measure.of)
    return y, np.ones(y.size) if measure.per == "units" else ledger.quantity(measure.per)


def unit_sums(
    ledger: Counted | Staffing, measure: Measure, code: Int64Array, groups: int, said: BoolArray
) -> Sums:
    """Sum the rows of each unit first, then the units of each group: units are what varies independently."""
    y, x = _quantities(ledger, measure)
    kept = np.flatnonzero(said & ((x != 0) | (y != 0)))
    if measure.over == "attempt":
        return Sums.of(code[kept], groups, y[kept], x[kept])
    unit = ledger.units(measure.over)[kept]
    units = int(unit.max(initial=0)) + 1
    named, place = _dense(code[kept] * units + unit, groups * units)
    y_unit, x_unit = (_total(column[kept], place, named.size) for column in (y, x))
    if measure.per == "units":
        x_unit = np.ones(named.size)
    return Sums.of(named // units, groups, y_unit, x_unit)


def _figure(measure: Measure, sums: Sums, group: int, level: float) -> tuple[float | None, Interval | None]:
    figure = sums.figures(group)
    if isnan(figure.value):
        return None, None
    if isinstance(measure, Share):
        interval = wilson(float(sums.y[group]), float(sums.x[group]), level)
    else:
        interval = around(figure, level)
    return figure.value * measure.scale, _scaled(interval, measure.scale)


def _scaled(interval: Interval, scale: float) -> Interval | None:
    if isnan(interval.low):
        return None
    return Interval(interval.low * scale, interval.high * scale, interval.level)


def _beside(ledger: Counted, measure: Measure, code: Int64Array, groups: int) -> list[dict[str, float]]:
    """What is worth seeing beside each group's figure."""
    if measure.of in CONVERSIONS:
        gross = measure.of.replace("net", "gross")
        net_of, gross_of = (_total(ledger.quantity(name), code, groups) for name in (measure.of, gross))
        return [{"net": float(net), "gross": float(all_)} for net, all_ in zip(net_of, gross_of, strict=True)]
    if measure.unit != "seconds":
        return [{} for _ in range(groups)]
    kept = np.flatnonzero(ledger.quantity(measure.per) > 0)
    kept = kept[np.argsort(code[kept], kind="stable")]
    cuts = np.searchsorted(code[kept], np.arange(1, groups))
    return [_spread(values) for values in np.split(ledger.quantity(measure.of)[kept], cuts)]


def _total(column: Float64Array, code: Int64Array, groups: int) -> Float64Array:
    return np.bincount(code, column, groups).astype(np.float64)


def _shares(hits: BoolArray, code: Int64Array, rows: Int64Array) -> Float64Array:
    """The share of each group's rows; 0 where it has none."""
    return np.asarray(_total(hits.astype(np.float64), code, rows.size) / np.maximum(rows, 1))


def _spread(values: Float64Array) -> dict[str, float]:
    if values.size == 0:
        return {}
    median, p90 = np.quantile(values, [0.5, 0.9])
    return {"median": float(median), "p90": float(p90)}


def of_leads(
    waits: Waits, told: int, left_out: LeftOut, measure: Measure, by: Sequence[str], level: float = 0.95
) -> KpiReport:
    """A KPI of leads by groups; `told` attempts are known beside those that are left out."""
    groups, code = grouped([waits.group(name) for name in by], len(waits.received))
    rows = []
    for number, words in enumerate(groups):
        mine = (code == number) & waits.valid
        reached = mine & waits.reached
        kept = reached if isinstance(measure, Wait) else mine
        y = waits.waited_s if isinstance(measure, Wait) else waits.reached.astype(np.float64)
        sums = Sums.of(
            np.zeros(np.count_nonzero(kept), np.int64), 1, y[kept], np.ones(np.count_nonzero(kept))
        )
        value, interval = _figure(measure, sums, 0, level)
        quality = {
            "invalid": _share(~waits.valid, code == number),
            **of_told(left_out, told),
        }
        beside = _of_wait(waits, mine) if isinstance(measure, Wait) else {}
        words_of = dict(zip(by, words, strict=True))
        rows.append(KpiRow(words_of, value, int(sums.n[0]), interval, 1.0, quality, beside))
    return KpiReport(measure, tuple(rows))


def of_agents(presence: Presence, measure: Measure, by: Sequence[str], level: float = 0.95) -> KpiReport:
    """A KPI of agents by groups."""
    staffing = Staffing(presence)
    groups, code = grouped([staffing.group(name) for name in by], len(presence))
    said = np.ones(len(presence), np.bool_)
    sums = unit_sums(staffing, measure, code, len(groups), said)
    rows = (
        KpiRow(
            dict(zip(by, words, strict=True)),
            *_with_interval(measure, sums, group, level, round(float(sums.n[group]))),
            mature=1.0,
            quality={"missing": _share(presence.unended, code == group)},
            detail={"hours": float(sums.x[group])},
        )
        for group, words in enumerate(groups)
    )
    return KpiReport(measure, tuple(rows))


def _of_wait(waits: Waits, mine: BoolArray) -> dict[str, float]:
    """Medians that leads still waiting can't flatter, by wall clock and business hours, and shares."""
    waited, reached, worked = waits.waited_s[mine], waits.reached[mine], waits.received.open_s[mine]
    within = {
        f"within_{minutes}_min": 100 * float(np.mean(reached & (waited <= 60 * minutes)))
        for minutes in (1, 5, 60)
        if waited.size
    }
    known = ~np.isnan(worked)
    told = {
        "median": kaplan_meier_median(waited, reached),
        "business_mean": float(worked[known & reached].mean()) if np.any(known & reached) else None,
        "business_median": kaplan_meier_median(worked[known], reached[known]),
    }
    return {"leads": float(waited.size), **{n: v for n, v in told.items() if v is not None}, **within}


def kaplan_meier(waited: Float64Array, happened: BoolArray) -> tuple[Float64Array, Float64Array]:
    """Times, ascending, and the share that is still waiting after each (Kaplan, Meier 1958)."""
    times, place = np.unique(waited, return_inverse=True)
    events = np.bincount(place, happened, times.size)
    at_risk = waited.size - np.concatenate([[0], np.cumsum(np.bincount(place, minlength=times.size))[:-1]])
    return times, np.cumprod(1 - events / np.maximum(at_risk, 1))


def kaplan_meier_median(waited: Float64Array, happened: BoolArray) -> float | None:
    """The least time by which half have been reached, the waiting counted as censored; None if never half."""
    times, waiting = kaplan_meier(waited, happened)
    below = np.flatnonzero(waiting <= 0.5 + 1e-12)
    return float(times[below[0]]) if below.size else None


def grouped(words: Sequence[Coded], rows: int) -> tuple[list[tuple[str | None, ...]], Int64Array]:
    """The groups that occur, in the order of their words (unknown last), and each row's."""
    groups: list[tuple[str | None, ...]] = [()]
    code = np.zeros(rows, np.int64)
    for word in words:
        order = sorted(range(len(word.levels)), key=word.levels.__getitem__)
        names, span = [*(word.levels[place] for place in order), None], len(order) + 1
        rank = np.empty(span, np.int64)
        rank[order], rank[-1] = np.arange(len(order)), len(order)
        found, code = _dense(code * span + rank[word.codes], len(groups) * span)
        groups = [(*groups[key // span], names[key % span]) for key in found.tolist()]
    return groups, code


def _dense(key: Int64Array, span: int) -> tuple[Int64Array, Int64Array]:
    """The keys in [0, span) that occur, ascending, and each row's place among them."""
    if span > MOST_MARKED:
        found, place = np.unique(key, return_inverse=True)
        return found, place.reshape(-1)
    occurs = np.bincount(key, minlength=span) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[key]


def _share(hits: BoolArray, mine: BoolArray) -> float:
    rows = np.count_nonzero(mine)
    return float(np.count_nonzero(hits & mine) / rows) if rows else 0.0
