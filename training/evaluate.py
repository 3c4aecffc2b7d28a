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
    """A figure of merit: what people call it, in full and at the head of a column; whether more is better."""

    title: str
    short: str
    of: Callable[[Float64Array, Float64Array], float]
    more_is_better: bool


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "auc": Measure("AUC", "AUC", auc, True),
        "auc_at_a_time": Measure("AUC among 250 calls in a row", "in 250", auc_at_a_time, True),
        "average_precision": Measure("Average precision", "AP", average_precision, True),
        "brier": Measure("Brier score", "Brier", brier, False),
        "log_loss": Measure("Log loss", "loss", log_loss, False),
        "ece": Measure("Calibration error ECE", "ECE", calibration_error, False),
        "alift": Measure("ALIFT", "ALIFT", alift, True),
        "lift_at_10": Measure("Lift at 10 percent", "lift", lift_at_10, True),
        "top_half_gain": Measure("Gain of the top half", "half", top_half_gain, True),
    }
)


def evaluate(label: Float64Array, chance: Float64Array) -> dict[str, float]:
    """All measures by key; NaN where a label never varies."""
    return {key: measure.of(label, chance) for key, measure in MEASURES.items()}


def _middle_ranks(values: Float64Array) -> Float64Array:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place], np.float64)
