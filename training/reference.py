"""Reference: what a training saw, as a few shares, so that a later day can be compared without its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.instants import DAY
from features.kernel import Float32Array, Float64Array, Int64Array

BINS = 10
"""A number has so many bins of about equally many values, and one for missing ones."""
MOST_CODES = 12
"""A category has a bin for each of its first codes, one for the others together, one for missing."""
RECENT = 28 * DAY
"""The reference is the last so much of the training: what was long ago is no measure of today."""
WEEK = 7 * DAY
Json = Any
"""What `json` reads."""
BINS_SAID = 10
"""Bins of a calibration: equally many calls, lowest probabilities first."""


@dataclass(frozen=True)
class Wobble:
    """How much more the weeks of a column differ from each other than independent draws would."""

    times: float
    """The variance of counts over a multinomial one's; at least 1."""
    freedom: int
    """Degrees of freedom of that estimate; 0 where there was but one week."""


STEADY = Wobble(1.0, 1_000_000)
"""Known to be independent draws."""


@dataclass(frozen=True)
class Shares:
    """How a column falls: `share[k]` from edge k - 1 up to (and without) edge k; the last is missing."""

    edges: tuple[float, ...]
    share: tuple[float, ...]
    wobble: Wobble

    def counts(self, column: Float32Array | Float64Array) -> Float64Array:
        """How many values fall into each bin."""
        return counted(column, self.edges)


@dataclass(frozen=True)
class Said:
    """A head on calls that its judged models had not seen."""

    rate: float
    """The share that bears the mark."""
    scores: Shares
    """Of its probabilities."""
    said: tuple[float, ...]
    shown: tuple[float, ...]
    """Mean probability and share marked of bins of equally many calls."""


@dataclass(frozen=True)
class Reference:
    """The columns of a training in their order, by their shares; and each head's own."""

    rows: int
    columns: tuple[Shares, ...]
    heads: Mapping[str, Said]
    channels: tuple[str, ...] = ()
    """The channels by which the leads of its attempts had come."""

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Json) -> "Reference":
        """What `as_json` wrote."""
        heads = {
            name: Said(one["rate"], _shares(one["scores"]), tuple(one["said"]), tuple(one["shown"]))
            for name, one in told["heads"].items()
        }
        columns = tuple(map(_shares, told["columns"]))
        return cls(told["rows"], columns, heads, tuple(told["channels"]))


def _shares(told: Json) -> Shares:
    return Shares(tuple(told["edges"]), tuple(told["share"]), Wobble(**told["wobble"]))


def counted(column: Float32Array | Float64Array, edges: Sequence[float]) -> Float64Array:
    """How many values fall between the edges, and last how many are missing."""
    place = np.searchsorted(np.asarray(edges), column, side="right")
    place = np.where(np.isnan(column), len(edges) + 1, place)
    return np.bincount(place, minlength=len(edges) + 2).astype(np.float64)


def edges_of(column: Float32Array | Float64Array, categorical: bool) -> tuple[float, ...]:
    """Where the bins of a column begin."""
    known = column[~np.isnan(column)]
    if not known.size:
        return ()
    if categorical:
        return tuple(float(code) + 0.5 for code in range(min(int(known.max()), MOST_CODES)))
    inner = np.quantile(known, np.arange(1, BINS) / BINS)
    return tuple(float(edge) for edge in np.unique(inner))


def shares_of(column: Float32Array | Float64Array, at: Int64Array, categorical: bool) -> Shares:
    """A column's bins and shares; `at` (ascending) tells the weeks whose differences are its wobble."""
    edges = edges_of(column, categorical)
    counts = counted(column, edges)
    share = tuple((counts / max(counts.sum(), 1.0)).tolist())
    return Shares(edges, share, wobble(column, at, edges))


def wobble(column: Float32Array | Float64Array, at: Int64Array, edges: Sequence[float]) -> Wobble:
    """Pearson's chi-square of weeks by bins, per degree of freedom."""
    week = (at - at[:1]) // WEEK
    table = np.array([counted(column[week == one], edges) for one in np.unique(week)])
    table = table[:, table.sum(axis=0) > 0] if table.size else table.reshape(0, 0)
    freedom = max(table.shape[0] - 1, 0) * max(table.shape[1] - 1, 0)
    if not freedom:
        return Wobble(1.0, 0)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return Wobble(max(1.0, float(np.sum((table - expected) ** 2 / expected)) / freedom), freedom)


def said_of(label: Float64Array, chance: Float64Array, at: Int64Array) -> Said:
    """A head's rate, scores and calibration on judged calls, at least one."""
    bins = np.array_split(np.argsort(chance, kind="stable"), min(BINS_SAID, chance.size))
    return Said(
        float(label.mean()),
        shares_of(chance, at, categorical=False),
        tuple(float(chance[rows].mean()) for rows in bins),
        tuple(float(label[rows].mean()) for rows in bins),
    )
