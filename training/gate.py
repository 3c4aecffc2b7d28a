"""The gate: a head's race against every rival and the champion; a bundle that loses for sure is kept out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from features.kernel import Float64Array

from .amounts import AMOUNT_MEASURES, deviances, evaluate_amounts
from .evaluate import MEASURES, Measure, Resampling, auc, evaluate, evaluate_order, log_losses
from .honesty import Honesty

LEVEL = 0.95
"""Of all comparisons of a head that are made at once, together."""
RESAMPLES = 4_000
LEAST_MARKED = 10
"""A comparison needs this many calls with the mark and as many without."""
LEAST_AMOUNTS = 20
"""Or so many amounts."""
NO_MARGIN: Mapping[str, float] = MappingProxyType({"auc": 0.0, "log_loss": 0.0, "deviance": 0.0})
MARGIN: Mapping[str, float] = MappingProxyType({"auc": 0.005, "log_loss": 0.001, "deviance": 0.001})
"""So much worse than the champion is still a tie: what nobody would notice keeps no newer bundle out."""
DEARER = 1.5
"""A bundle that only ties with the champion may cost so many times its work per scored row."""
CHEAP = 1_000.0
"""Look-ups per scored row, some microseconds: below this work nobody asks how much dearer a tie is."""
OURS, CHAMPION = "leadrank", "the champion"
WORDS = {"auc": "AUC", "log_loss": "log loss", "deviance": "deviance"}
ORDERS = ("auc", "deviance")
"""The measure of a kind of head by which its nearest rival is told."""
TOLD: Mapping[str, Measure] = MappingProxyType({**MEASURES, **AMOUNT_MEASURES})
RECORDED = ("auc", "top_half_gain", "log_loss", "ece", *AMOUNT_MEASURES)
"""The measures of everyone that become metrics of the run; its table has all."""


@dataclass(frozen=True)
class Opponent:
    """Somebody's probabilities of the judged calls, or keys that only order them."""

    name: str
    figures: Float64Array
    chances: bool = True

    def measured(self, label: Float64Array) -> dict[str, float]:
        """The measures by key, NaN where they need probabilities and there are none."""
        return (evaluate if self.chances else evaluate_order)(label, self.figures)


@dataclass(frozen=True)
class Comparison:
    """A measure of the bundle less that of another on the same calls, in the order of time."""

    head: str
    against: str
    measure: str
    """`auc` or `log_loss`; of amounts `deviance`."""
    calls: int
    difference: float
    low: float
    high: float
    """Ends of the paired interval: bootstrap of blocks of consecutive calls."""
    margin: float = 0.0
    """So much worse counts as a tie."""

    @property
    def lost(self) -> bool:
        """Worse by more than the margin, and not by chance."""
        return self._best < -self.margin

    @property
    def won(self) -> bool:
        """Better, and not by chance."""
        return self._worst > 0

    @property
    def sentence(self) -> str:
        """For people."""
        said = "loses to" if self.lost else "beats" if self.won else "ties with"
        return (
            f"{self.head} {said} {self.against}: {WORDS[self.measure]} {self.difference:+.4f} "
            f"({self.low:+.4f} to {self.high:+.4f}, {self.calls} calls)"
        )

    @property
    def ahead(self) -> float:
        """How much better the bundle is."""
        return self.difference if TOLD[self.measure].more_is_better else -self.difference

    @property
    def _best(self) -> float:
        """How much better it is at the interval's kinder end."""
        return self.high if TOLD[self.measure].more_is_better else -self.low

    @property
    def _worst(self) -> float:
        return self.low if TOLD[self.measure].more_is_better else -self.high


@dataclass(frozen=True)
class HeadRace:
    """A head, every rival and the champion on the calls of the last fold, which none of them had seen."""

    comparisons: tuple[Comparison, ...] = ()
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By learner, then by the keys of `TOLD`; without those that a learner can't be measured by."""
    honesty: tuple[Honesty, ...] = ()
    """Of the head itself, over all calls that the folds judged and over segments of them; of amounts none."""

    @property
    def nearest(self) -> Comparison | None:
        """The rival over whom the head is least ahead, or that is ahead of it."""
        orders = [c for c in self.comparisons if c.measure in ORDERS and c.against != CHAMPION]
        return min(orders, key=lambda comparison: comparison.ahead, default=None)

    @property
    def sentences(self) -> list[str]:
        """The nearest rival and the champion, for people."""
        told = [] if self.nearest is None else [f"nearest rival: {self.nearest.sentence}"]
        return told + [one.sentence for one in self.comparisons if one.against == CHAMPION]

    @property
    def lost(self) -> tuple[Comparison, ...]:
        """The comparisons that keep a bundle out."""
        return tuple(comparison for comparison in self.comparisons if comparison.lost)

    @property
    def broken(self) -> tuple[Honesty, ...]:
        """Where its probabilities can't be believed: that keeps a bundle out as well."""
        return tuple(one for one in self.honesty if one.broken)


@dataclass(frozen=True)
class Verdict:
    """Every head's race; a bundle passes if it lost nowhere, beats the champion or ties at no higher cost."""

    races: Mapping[str, HeadRace]
    work: tuple[float, float] | None = None
    """`Bundle.work` of this bundle and of the champion; None where none reigns in its own right."""
    veto: str = ""
    """What else keeps it out."""

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """All of them."""
        return tuple(comparison for race in self.races.values() for comparison in race.comparisons)

    @property
    def passed(self) -> bool:
        """Whether the bundle may become champion."""
        return not (self.veto or self.dearer or any(race.lost or race.broken for race in self.races.values()))

    @property
    def alias(self) -> str:
        """Under which the bundle is registered."""
        return "champion" if self.passed else "challenger"

    @property
    def dearer(self) -> str:
        """What a tie with the champion costs too much, for people; empty where it may be."""
        if self.work is None or any(one.won for one in self.comparisons if one.against == CHAMPION):
            return ""
        ours, theirs = self.work[0], max(self.work[1], 1.0)
        if ours <= max(DEARER * theirs, CHEAP):
            return ""
        return f"ties with the champion at {ours / theirs:.1f} times its work ({ours:.0f} look-ups a row)"

    @property
    def reason(self) -> str:
        """What keeps it out; where nothing does, each head's nearest rival and the champion."""
        lost = [c.sentence for c in self.comparisons if c.lost]
        broken = [one.sentence for race in self.races.values() for one in race.broken]
        told = [said for said in (self.veto, *lost, *broken, self.dearer) if said] or [
            sentence for race in self.races.values() for sentence in race.sentences
        ]
        return "; ".join(told) or "nothing to compare with yet"


def compare(
    head: str,
    label: Float64Array,
    chance: Float64Array,
    others: Sequence[Opponent],
    rng: np.random.Generator,
    margin: Mapping[str, float] = NO_MARGIN,
) -> tuple[Comparison, ...]:
    """Compare with each other on the same calls, in the order of time: by AUC, and by log loss if it can.

    None where the calls are too few to tell. The more comparisons, the wider each interval (Bonferroni).
    """
    if not others or min(label.sum(), label.size - label.sum()) < LEAST_MARKED:
        return ()
    draws = Resampling.drawn(label.size, RESAMPLES, rng)
    own = auc(label, chance), draws.aucs(label, chance), log_losses(label, chance)
    found: list[tuple[str, str, float, Float64Array]] = []
    for other in others:
        ahead = own[1] - draws.aucs(label, other.figures)
        found.append((other.name, "auc", own[0] - auc(label, other.figures), ahead))
        if other.chances:
            costs = own[2] - log_losses(label, other.figures)
            found.append((other.name, "log_loss", float(costs.mean()), draws.means(costs)))
    tail = (1 - LEVEL) / 2 / len(found)
    return tuple(
        Comparison(head, name, measure, label.size, difference, *_ends(drawn, tail), margin[measure])
        for name, measure, difference, drawn in found
    )


def compare_amounts(
    head: str,
    label: Float64Array,
    said: Float64Array,
    others: Sequence[Opponent],
    rng: np.random.Generator,
    margin: Mapping[str, float] = NO_MARGIN,
) -> tuple[Comparison, ...]:
    """The same of amounts, labelled by their logarithms: who says their means better."""
    if not others or label.size < LEAST_AMOUNTS:
        return ()
    draws, own = Resampling.drawn(label.size, RESAMPLES, rng), deviances(label, said)
    tail = (1 - LEVEL) / 2 / len(others)
    costs = [(other.name, own - deviances(label, other.figures)) for other in others]
    return tuple(
        Comparison(
            head, name, "deviance", label.size, float(cost.mean()), *_ends(draws.means(cost), tail),
            margin["deviance"],
        )
        for name, cost in costs
    )  # fmt: skip


def _ends(drawn: Float64Array, tail: float) -> tuple[float, float]:
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def measured(
    label: Float64Array, chance: Float64Array, others: Sequence[Opponent]
) -> dict[str, dict[str, float]]:
    """What everyone's figures are worth on the same calls: ours first, without what can't be told."""
    return _finite({one.name: one.measured(label) for one in (Opponent(OURS, chance), *others)})


def measured_amounts(
    label: Float64Array, said: Float64Array, others: Sequence[Opponent]
) -> dict[str, dict[str, float]]:
    """The same of amounts."""
    everyone = (Opponent(OURS, said), *others)
    return _finite({one.name: evaluate_amounts(label, one.figures) for one in everyone})


def _finite(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {
        name: {key: value for key, value in told.items() if np.isfinite(value)}
        for name, told in found.items()
    }


def metrics_of(head: str, race: HeadRace) -> dict[str, float]:
    """The race as metrics of a run, each measure a group of its own with one figure a learner."""
    told = {
        f"{head} race {TOLD[key].title}/{name}": value
        for name, measures in race.measures.items()
        for key, value in measures.items()
        if key in RECORDED
    }
    for one in race.comparisons:
        told[f"{head} race ahead in {WORDS[one.measure]}/{one.against}"] = one.difference
    nearest = race.nearest
    return told if nearest is None else told | {f"{head}/Ahead of the nearest rival": nearest.ahead}


def measures_of(race: HeadRace) -> Mapping[str, Measure]:
    """What its learners are measured by: its first is what their order goes by."""
    return AMOUNT_MEASURES if "deviance" in race.measures.get(OURS, {}) else MEASURES


def markdown(head: str, race: HeadRace) -> str:
    """A head's race: a table, blank where a learner has no such figure, then who was nearest."""
    columns = measures_of(race)
    titles, order = [measure.short for measure in columns.values()], WORDS[next(iter(columns))]
    lines = [f"| {head} | {' | '.join(titles)} | ours less its {order} |", "|---" * (len(titles) + 2) + "|"]
    ahead = {one.against: one for one in race.comparisons if one.measure in ORDERS}
    for name, measures in race.measures.items():
        figures = [f"{measures[key]:.4f}" if key in measures else "" for key in columns]
        one = ahead.get(name)
        lead = "" if one is None else f"{one.difference:+.4f} ({one.low:+.4f} to {one.high:+.4f})"
        lines.append(f"| {name} | {' | '.join(figures)} | {lead} |")
    return "\n".join([*lines, "", *(f"{sentence}\n" for sentence in race.sentences)])
