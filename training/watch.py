"""Watch: is the floor still what the champion was taught? Each check with its figure and its limit."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from features import Feature
from features.instants import DAY
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array
from features.statistics.attribute import Category
from features.store.served_calls import ServedCalls
from features.store.served_matrices import ServedMatrix

from .bundle import Bundle
from .by_day import LEAST_LEADS, WEEK, ByDay, Column, first_of_leads, head_days, weeks_of
from .drift import Days, days_of, psi, psi_limit, shift
from .reference import Shares

BEFORE = 28
"""The days before the last ones are the measure of them."""
WINDOWS = (1, 3, 7)
"""So many last days are asked whether heads still keep their promises."""
NEW_SHARE, NEW_CALLS = 0.01, 20
"""A channel that the training didn't know is told from this share of three days' calls on, and so many."""
LEAST_DAYS = 10
"""Days with calls that must lie before the last ones."""
LEAST_INFORMATION = 20.0
"""Sum of p (1 - p) of the calls of a window, about as many marks: fewer say nothing."""
FALSE_ALARM = 0.005
"""How likely all checks of a day together are to alarm if nothing changed, by their own reckoning: a quarter
of it for promises, for rates, for promises by channel, for features."""
LAG = 0.5


NO_METRIC = re.compile(r"[^\w .:-]")
"""What the name of a metric may not hold; attributes are named by their owners."""
Heads = Mapping[str, tuple[Float64Array, Float64Array]]
"""Each head's chances of the served calls, and their labels."""


@dataclass(frozen=True)
class Check:
    """One question to the last days."""

    kind: str
    """`calibration`: by how many log-odds promises are missed, against the days before. `rate`: by how many
    the rate itself differs. `feature`: PSI. `new channel`: share of the calls."""
    of: str
    """The head, and of which channel's calls; the feature."""
    days: int
    figure: float
    limit: float
    rows: int

    @property
    def drifted(self) -> bool:
        """Beyond its limit."""
        return abs(self.figure) > self.limit

    @property
    def sentence(self) -> str:
        """For people."""
        unit = {"feature": "PSI", "new channel": "share"}.get(self.kind, "log-odds")
        return f"{self.kind} of {self.of}, {self.days} d: {unit} {self.figure:+.3f}, limit {self.limit:.3f}"


@dataclass(frozen=True)
class Watched:
    """What a look at the floor found."""

    until: int
    """The end of the last whole day that was looked at."""
    bundle: str
    checks: tuple[Check, ...]
    untold: tuple[str, ...]
    """What could not be asked, and why."""
    by_day: Mapping[str, Mapping[int, float]]
    """Figures by the day (since 1970-01-01, UTC) on which they end, under the names of their charts."""
    drawn: ByDay = field(compare=False)
    """The same, as it is drawn."""

    @property
    def drifted(self) -> tuple[Check, ...]:
        """The checks beyond their limits."""
        return tuple(check for check in self.checks if check.drifted)


def look(champion: Bundle, calls: ServedCalls, vectors: Sequence[ServedMatrix], at: int) -> Watched:
    """Ask the last whole days before `at` against the four weeks before them."""
    until = at // DAY * DAY
    heads = {"answer": (calls.p_answer, calls.answered), "conversion": (calls.p_convert, calls.sold)}
    days = {name: days_of(calls.at, label, said) for name, (said, label) in heads.items()}
    seen = _columns_of(champion, vectors)
    promised = promises(days, until)
    promised += rates(days, promised, until) + promises(_by_channel(calls, heads), until)
    promised += new_channels(champion, calls, until)
    fallen = list(fallen_otherwise(seen, until))
    untold = [] if promised else [f"fewer than {LEAST_DAYS} days of served calls before the last ones"]
    untold += (
        [] if fallen else ["no reference, or too few vectors: a sample of leads is logged with decisions"]
    )
    by_day = by_day_of(champion, calls, heads, seen)
    checks = (*promised, *fallen)
    return Watched(until, champion.version, checks, tuple(untold), curves_of(by_day), by_day)


def _by_channel(calls: ServedCalls, heads: Heads) -> dict[str, Days]:
    """Each head's days of each channel's calls: what changes in one drowns among all."""
    channel, found = np.array(calls.channel), {}
    for word in sorted(set(calls.channel)):
        own = channel == word
        for name, (said, label) in heads.items():
            found[f"{name} of {word}"] = days_of(calls.at[own], label[own], said[own])
    return found


def _until(days: Days, until: int) -> Days:
    last = until // DAY
    return days.take((days.day < last) & (days.day >= last - BEFORE - WEEK))


def promises(heads: Mapping[str, Days], until: int) -> list[Check]:
    """Whether promises are missed otherwise than before, over each window."""
    return _shifts("calibration", heads, until)


def rates(heads: Mapping[str, Days], promised: Sequence[Check], until: int) -> list[Check]:
    """Whether marks come at another rate than before, where promises are missed to the same side as well.

    A rate moves with whom the queue picks, and promises with it. Where the floor itself has changed, a head
    that follows its level lags behind: it misses by less than the rate moved, but to that side. Half of a
    promise's own limit, some two errors, is enough to tell.
    """
    flat = {name: _at_one_rate(days) for name, days in heads.items() if days.day.size}
    missed = {(one.of, one.days): one.figure / one.limit for one in promised}
    found = _shifts("rate", flat, until)
    return [one for one in found if missed.get((one.of, one.days), 0.0) * np.sign(one.figure) > LAG]


def _at_one_rate(days: Days) -> Days:
    """The same marks, beside the promise of the mean of all days."""
    rate = float(days.marked.sum() / days.calls.sum())
    return replace(days, expected=days.calls * rate, information=days.calls * rate * (1 - rate))


def _shifts(kind: str, heads: Mapping[str, Days], until: int) -> list[Check]:
    chance = FALSE_ALARM / 4 / max(len(heads) * len(WINDOWS), 1)
    asked = [(name, _until(days, until), window) for name, days in heads.items() for window in WINDOWS]
    return [
        _shift(kind, name, days, window, until, chance)
        for name, days, window in asked
        if _tells(days, until // DAY - window)
    ]


def _tells(days: Days, first: int) -> bool:
    """Whether there is enough before and after the first day of a window."""
    enough = days.information[days.day >= first].sum() >= LEAST_INFORMATION
    return bool(enough and np.count_nonzero(days.day < first) >= LEAST_DAYS)


def _shift(kind: str, name: str, days: Days, window: int, until: int, chance: float) -> Check:
    first = until // DAY - window
    found = shift(days, first)
    calls = int(days.calls[days.day >= first].sum())
    return Check(kind, name, window, found.by, found.limit(chance), calls)


def new_channels(champion: Bundle, calls: ServedCalls, until: int) -> list[Check]:
    """Which channels leads come by now that no lead of the training came by."""
    if champion.reference is None:
        return []
    lately = (calls.at >= until - 3 * DAY) & (calls.at < until)
    count = Counter(word for word, asked in zip(calls.channel, lately, strict=True) if asked)
    limit = max(NEW_SHARE, NEW_CALLS / max(count.total(), 1))
    return [
        Check("new channel", word, 3, n / count.total(), limit, n)
        for word, n in sorted(count.items())
        if word not in champion.reference.channels
    ]


def _columns_of(champion: Bundle, vectors: Sequence[ServedMatrix]) -> list[Column]:
    reference = champion.reference
    if reference is None:
        return []
    pairs = zip(champion.features, reference.columns, strict=True)
    return [_column(feature, shares, reference.rows, vectors) for feature, shares in pairs]


def _column(feature: Feature, shares: Shares, taught: int, vectors: Sequence[ServedMatrix]) -> Column:
    """The feature in the vectors that hold it, in the champion's own codes."""
    parts = [(one, values) for one in vectors if (values := _read(feature, one)) is not None]
    values = np.concatenate([np.empty(0, np.float32), *(values for _, values in parts)])
    lead = np.concatenate([np.empty(0, np.int64), *(one.lead for one, _ in parts)])
    at = np.concatenate([np.empty(0, np.int64), *(one.at for one, _ in parts)])
    return Column(feature, shares, taught, values, lead, at)


def _read(feature: Feature, served: ServedMatrix) -> Float32Array | None:
    """The feature's values there, words in the feature's own codes; None where it meant something else."""
    for place, theirs in enumerate(served.features):
        if theirs == feature:
            return np.asarray(served.values[:, place])
        if isinstance(theirs, Category) and isinstance(feature, Category) and theirs.name == feature.name:
            codes = {word: code for code, word in enumerate(feature.levels)}
            table = np.array([*(codes.get(word, np.nan) for word in theirs.levels), np.nan], np.float32)
            code = np.nan_to_num(served.values[:, place], nan=len(theirs.levels)).astype(np.int64)
            return table[code]
    return None


def fallen_otherwise(columns: Sequence[Column], until: int) -> Iterator[Check]:
    """Whether features fall otherwise than before, and than the champion was taught: both, or it is no drift.

    Against the time before alone a champion that was taught the change would alarm still; against what it was
    taught alone, a queue that works in another order than the floor that taught it.
    """
    chance = FALSE_ALARM / 4 / max(len(columns), 1)
    lately, start = until - WEEK * DAY, until - (WEEK + BEFORE) * DAY
    for one in columns:
        now = first_of_leads(one.lead, one.at, lately, until)
        before = first_of_leads(one.lead, one.at, start, lately)
        if min(now.size, before.size) < LEAST_LEADS:
            continue
        counts = one.counts(now)
        asked = [
            (psi(than, counts), psi_limit(than, counts, chance, one.shares.wobble))
            for than in (one.counts(before), one.taught)
        ]
        figure, limit = min(asked, key=lambda told: told[0] / told[1])
        yield Check("feature", one.feature.name, WEEK, figure, limit, int(now.size))


def by_day_of(champion: Bundle, calls: ServedCalls, heads: Heads, columns: Sequence[Column]) -> ByDay:
    """How far each day lies from the champion's training."""
    told = {
        name: head_days(calls.at, label, said, champion.reference, name)
        for name, (said, label) in heads.items()
    }
    chance = FALSE_ALARM / 4 / max(len(columns), 1)
    fallen = tuple(
        one.fallen(weeks_of(one.lead, one.at, np.unique(one.at // DAY).tolist()), chance) for one in columns
    )
    return ByDay(f"the training of {champion.version}", fallen, told)


def curves_of(found: ByDay) -> dict[str, dict[int, float]]:
    """As metrics: of each head the share marked, promised, and by how many log-odds it was missed; PSIs."""
    told: dict[str, dict[int, float]] = {}
    for name, one in found.heads.items():
        days = one.days
        told |= {
            f"{name}/Share marked": _curve(days.day, days.marked / days.calls),
            f"{name}/Share promised": _curve(days.day, days.expected / days.calls),
            f"{name}/Missed by in log-odds": _curve(days.day, days.missed),
        }
        if one.scored.size:
            told[f"{name}/PSI of its chances"] = _curve(one.scored, one.psi)
    return told | {
        f"PSI/{NO_METRIC.sub('_', one.feature.name)}": _curve(one.day, one.psi) for one in found.columns
    }


def _curve(day: Int64Array, values: Float64Array) -> dict[int, float]:
    kept: BoolArray = np.isfinite(values)
    return {int(one): float(value) for one, value in zip(day[kept], values[kept], strict=True)}
