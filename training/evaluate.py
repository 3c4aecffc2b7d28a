"""How good probabilities are: do they rank, are they honest, and what does a list in their order gain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from features.kernel import Float64Array, Int64Array

BINS = 15
"""Bins of the calibration error, each of equally many calls."""
BLOCK = 250
"""Calls of about the same time: so many in a row."""
LEAST_BLOCKS, MOST_BLOCKS = 20, 200
"""Few calls are cut finer and many coarser: an interval needs blocks, and every pair of them takes time."""
EDGE = 1e-6
"""Log loss reads probabilities inside [EDGE, 1 - EDGE]."""


def auc(label: Float64Array, chance: Float64Array) -> float:
    """Area under the ROC curve: how often a marked call outranks another, ties half (Mann, Whitney 1947)."""
    marked, rest = label.sum(), label.size - label.sum()
    if not marked or not rest:
        return float("nan")
    ranks = _middle_ranks(chance)
    return float((ranks[label == 1].sum() - marked * (marked + 1) / 2) / (marked * rest))


def auc_at_a_time(label: Float64Array, chance: Float64Array) -> float:
    """Mean AUC of each `BLOCK` calls in a row (in the order of time): the order among calls that compete.

    The plain AUC also rewards telling good weeks from bad ones, which no queue can choose between.
    """
    cuts = np.arange(BLOCK, label.size, BLOCK)
    found = np.array([auc(*both) for both in zip(np.split(label, cuts), np.split(chance, cuts), strict=True)])
    told = found[~np.isnan(found)]
    return float(told.mean()) if told.size else float("nan")


def average_precision(label: Float64Array, chance: Float64Array) -> float:
    """Mean precision at each marked call, ties taken together: sum of (R_n - R_n-1) P_n."""
    if not label.any():
        return float("nan")
    order = np.argsort(-chance, kind="stable")
    last = np.append(np.flatnonzero(np.diff(chance[order])), label.size - 1)
    marked = np.cumsum(label[order])[last]
    precision = marked / (last + 1)
    return float(np.diff(marked, prepend=0.0) @ precision / label.sum())


def brier(label: Float64Array, chance: Float64Array) -> float:
    """Mean squared distance of probability and outcome (Brier 1950)."""
    return float(np.mean((chance - label) ** 2))


def log_losses(label: Float64Array, chance: Float64Array) -> Float64Array:
    """Negative log likelihood of each call."""
    inside = np.clip(chance, EDGE, 1 - EDGE)
    return np.asarray(-np.where(label == 1, np.log(inside), np.log1p(-inside)))


def log_loss(label: Float64Array, chance: Float64Array) -> float:
    """Mean negative log likelihood."""
    return float(np.mean(log_losses(label, chance)))


def calibration_error(label: Float64Array, chance: Float64Array) -> float:
    """ECE: mean |share marked - mean probability| over bins of equally many calls (Naeini et al. 2015)."""
    gaps = [abs(label[rows].mean() - chance[rows].mean()) * rows.size for rows in bins_of(chance)]
    return float(sum(gaps) / label.size)


def bins_of(chance: Float64Array, count: int = BINS) -> list[Int64Array]:
    """The rows of each bin of equally many calls, lowest probabilities first."""
    order = np.argsort(chance, kind="stable")
    return [rows for rows in np.array_split(order, count) if rows.size]


def alift(label: Float64Array, chance: Float64Array) -> float:
    """Area under the gains curve: AUC (1 - r) + r / 2 at base rate r, so not comparable across base rates."""
    rate = float(label.mean())
    return auc(label, chance) * (1 - rate) + rate / 2


def gain(label: Float64Array, chance: Float64Array, share: float) -> float:
    """Share of the marked calls in the best `share` of the list; ties at the cut count in proportion."""
    if not label.any():
        return float("nan")
    wanted = share * label.size
    cut = np.sort(chance)[::-1][max(int(np.ceil(wanted)) - 1, 0)]
    above, level = chance > cut, chance == cut
    tied = label[level].sum() * (wanted - above.sum()) / level.sum()
    return float((label[above].sum() + tied) / label.sum())


def lift_at_10(label: Float64Array, chance: Float64Array) -> float:
    """How many times more marked calls the best tenth of the list holds than a random tenth."""
    return gain(label, chance, 0.1) / 0.1


def top_half_gain(label: Float64Array, chance: Float64Array) -> float:
    """Which share of the marked calls the better half of the list holds."""
    return gain(label, chance, 0.5)


@dataclass(frozen=True)
class Measure:
    """A figure of merit: what people call it, in full and at the head of a column; whether more is better.

    One that `ranks` reads only the order, so that it judges keys as well as probabilities.
    """

    title: str
    short: str
    of: Callable[[Float64Array, Float64Array], float]
    more_is_better: bool
    ranks: bool = True


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "auc": Measure("AUC", "AUC", auc, True),
        "auc_at_a_time": Measure("AUC among 250 calls in a row", "in 250", auc_at_a_time, True),
        "average_precision": Measure("Average precision", "AP", average_precision, True),
        "brier": Measure("Brier score", "Brier", brier, False, ranks=False),
        "log_loss": Measure("Log loss", "loss", log_loss, False, ranks=False),
        "ece": Measure("Calibration error ECE", "ECE", calibration_error, False, ranks=False),
        "alift": Measure("ALIFT", "ALIFT", alift, True),
        "lift_at_10": Measure("Lift at 10 percent", "lift", lift_at_10, True),
        "top_half_gain": Measure("Gain of the top half", "half", top_half_gain, True),
    }
)


def evaluate(label: Float64Array, chance: Float64Array) -> dict[str, float]:
    """All measures by key; NaN where a label never varies."""
    return {key: measure.of(label, chance) for key, measure in MEASURES.items()}


def evaluate_order(label: Float64Array, key: Float64Array) -> dict[str, float]:
    """The same of keys that are no probabilities: NaN where a measure needs those."""
    blank = float("nan")
    return {name: measure.of(label, key) if measure.ranks else blank for name, measure in MEASURES.items()}


@dataclass(frozen=True)
class Resampling:
    """Draws of blocks of consecutive calls, with replacement, the same for all who are compared.

    Calls of one time are alike: single calls drawn would look surer than they are.
    """

    block: Int64Array
    """Which block each call is in."""
    times: Float64Array
    """How often each draw (row) holds each block (column)."""

    @classmethod
    def drawn(cls, calls: int, draws: int, rng: np.random.Generator) -> "Resampling":
        """So many draws from calls in the order of time."""
        count = min(max(calls // BLOCK, LEAST_BLOCKS), MOST_BLOCKS, calls)
        sizes = [part.size for part in np.array_split(np.arange(calls), count)]
        chosen = rng.integers(0, count, (draws, count)) + count * np.arange(draws)[:, None]
        times = np.bincount(chosen.ravel(), minlength=draws * count).reshape(draws, count)
        return cls(np.repeat(np.arange(count), sizes), times.astype(np.float64))

    def means(self, values: Float64Array) -> Float64Array:
        """The mean of each draw's calls."""
        sums, sizes = self._per_block(values), self._per_block(np.ones(values.size))
        return np.asarray((self.times @ sums) / (self.times @ sizes))

    def aucs(self, label: Float64Array, chance: Float64Array) -> Float64Array:
        """The AUC of each draw's calls, NaN where they are all alike: sums over pairs of blocks."""
        marked, rest = self.times @ self._per_block(label), self.times @ self._per_block(1 - label)
        wins = ((self.times @ self._wins(label, chance)) * self.times).sum(axis=1)
        pairs = marked * rest
        return np.asarray(np.where(pairs > 0, wins / np.maximum(pairs, 1), np.nan))

    def _per_block(self, values: Float64Array) -> Float64Array:
        return np.asarray(np.bincount(self.block, values, self.times.shape[1]), np.float64)

    def _wins(self, label: Float64Array, chance: Float64Array) -> Float64Array:
        """How often the marked calls of a block (row) outrank the others of another (column), ties half."""
        count, own, rank = self.times.shape[1], label == 1, _middle_ranks(chance)
        wins = np.empty((count, count))
        for other in range(count):
            rest = np.sort(rank[(self.block == other) & ~own])
            beaten = np.searchsorted(rest, rank[own], "left") + np.searchsorted(rest, rank[own], "right")
            wins[:, other] = np.bincount(self.block[own], beaten / 2, count)
        return wins


def _middle_ranks(values: Float64Array) -> Float64Array:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place], np.float64)
