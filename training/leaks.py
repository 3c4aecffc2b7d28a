"""Leaks: does one column tell the outcome of later calls too well to have been known before them?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features import FeatureMatrix
from features.kernel import BoolArray, Float32Array, Float64Array, Int64Array

from .dataset import Examples
from .errors import SuspiciousFeatures
from .evaluate import BLOCK

MOST_ROWS = 200_000
"""Of more examples so many are looked at, evenly over time."""
TAUGHT = 2 / 3
"""The share of the examples, oldest first, that orders a column's levels; the rest judges that order."""
LEVELS = 64
"""A number is cut at quantiles into one level less than this, a category keeps its own; the last: missing."""
DRAWS, LOW, LEAST_BLOCKS = 400, 0.025, 20
"""Bootstrap of blocks of calls: the lower end of a 95 % interval must be too good."""
PRIOR = 10.0
"""A level's share of marked examples is shrunk to the floor's as if it had been seen so often more."""
SCARCE = 3.0
"""The lower end is drawn to 0.5 as if so many more calls of the rarer kind told nothing: few win by luck."""
TOO_GOOD = 0.80
"""AUC among calls of the same time: the true chances of the tests' floors reach .74 and .78."""
TOO_GOOD_MISSING = 0.75
"""The same, of whether the column is missing: who is asked what should not tell what becomes of the call."""
TOO_SURE, SURE_BELOW, SURE_SD = 0.95, 0.7, 3.0
"""Share marked at one value, less three standard errors, where fewer than the second bear the mark at all."""
TOO_LONG, LEAST_TALKS = 0.5, 100
"""Correlation of ranks with how long the very call was talked: what is known before it stays below .2."""


@dataclass(frozen=True)
class Scan:
    """What each column tells of the last third of a head's examples, all by itself."""

    names: tuple[str, ...]
    auc: Float64Array
    """Among calls of the same time, of the column's levels in the order that the first part gave them."""
    auc_least: Float64Array
    """The lower end of its interval."""
    missing: Float64Array
    """The same AUC of whether the column is missing."""
    missing_least: Float64Array
    sure: Float64Array
    """The largest share of marked examples at one level, at least, in both parts."""
    talk: Float64Array
    """Correlation of ranks with the talk time of the very call; 0 where too few calls were talked."""

    @cached_property
    def suspicious(self) -> Mapping[str, str]:
        """Each column that tells too much, and what it tells."""
        told = {name: self._reasons(place) for place, name in enumerate(self.names)}
        return {name: ", ".join(reasons) for name, reasons in told.items() if reasons}

    def _reasons(self, place: int) -> list[str]:
        tests = (
            (self.auc_least, TOO_GOOD, self.auc, "ranks later calls by itself: AUC {:.3f}"),
            (
                self.missing_least,
                TOO_GOOD_MISSING,
                self.missing,
                "where it is missing ranks them: AUC {:.3f}",
            ),
            (self.sure, TOO_SURE, self.sure, "one value bears the mark in {:.1%} of calls at least"),
            (self.talk, TOO_LONG, self.talk, "repeats the call's own talk time: correlation {:.3f}"),
        )
        return [said.format(shown[place]) for least, much, shown, said in tests if least[place] > much]

    def table(self) -> str:
        """All columns in Markdown, the most telling first."""
        columns = (self.auc, self.auc_least, self.missing, self.sure, self.talk)
        lines = [
            "| feature | AUC alone | at least | AUC of missing | surest value | talk time | suspicious |",
            "|---|---|---|---|---|---|---|",
        ]
        for place in np.argsort(-self.auc, kind="stable").tolist():
            figures = " | ".join(f"{column[place]:.3f}" for column in columns)
            name = self.names[place]
            lines.append(f"| {name} | {figures} | {self.suspicious.get(name, '')} |")
        return "\n".join([*lines, ""])


def demand_honest(scan: Scan, head: str, passed: Collection[str]) -> None:
    """`SuspiciousFeatures` if a column tells too much and wasn't let pass by its name."""
    found = {name: why for name, why in scan.suspicious.items() if name not in passed}
    if found:
        raise SuspiciousFeatures(head=head, **found)


def scan(
    matrix: FeatureMatrix, examples: Examples, rng: np.random.Generator, ignores: tuple[str, ...] = ()
) -> Scan:
    """Ask each column by itself about the last third of the examples; those that the head ignores aren't."""
    size = len(examples)
    rows = np.unique(np.linspace(0, size - 1, min(size, MOST_ROWS)).astype(np.int64))
    asked = [place for place, name in enumerate(matrix.names) if not name.startswith(ignores)]
    judge = _Judge.of(examples.take(rows), rng)
    found = np.empty((len(asked), 6))
    for row, place in enumerate(asked):
        values = matrix.values[rows, place]
        found[row] = judge.told(levels_of(values, judge.cut, matrix.features[place].categorical))
    return Scan(tuple(matrix.names[place] for place in asked), *found.T)


@dataclass(frozen=True)
class _Judge:
    cut: int
    """The first row that judges."""
    marked: BoolArray
    length: Float64Array
    """Rank of each call's talk time."""
    talked: BoolArray
    block: Int64Array
    """Of each judging row."""
    weights: Float64Array
    """How often each draw takes each block; at first all once."""

    @classmethod
    def of(cls, examples: Examples, rng: np.random.Generator) -> "_Judge":
        cut = round(len(examples) * TAUGHT)
        rows = len(examples) - cut
        blocks = min(rows, max(LEAST_BLOCKS, rows // BLOCK))
        drawn = rng.multinomial(blocks, np.full(blocks, 1 / blocks), DRAWS)
        order = np.sort(examples.talk_s)
        sides = [np.searchsorted(order, examples.talk_s, side) for side in ("left", "right")]
        return cls(
            cut,
            examples.label == 1,
            (sides[0] + sides[1]) / 2,
            examples.talk_s > 0,
            np.arange(rows) * blocks // rows,
            np.vstack([np.ones(blocks), drawn]),
        )

    def told(self, level: Int64Array) -> Float64Array:
        """The figures of one column, in the order of `Scan`."""
        before = counts_of(level[: self.cut], self.marked[: self.cut], np.zeros(self.cut, np.int64), 1)[0]
        after = counts_of(level[self.cut :], self.marked[self.cut :], self.block, self.weights.shape[1])
        base = before[1].sum() / before.sum()
        share = (before[1] + PRIOR * base) / (before.sum(0) + PRIOR)
        areas = area(after[:, :, np.argsort(share, kind="stable")], self.weights)
        gone = np.stack([after[:, :, :-1].sum(2), after[:, :, -1]], axis=2)
        absent = area(gone if share[-1] >= base else gone[:, :, ::-1], self.weights)
        scarce = min(self.marked[self.cut :].sum(), (~self.marked[self.cut :]).sum())
        trust = scarce / (scarce + SCARCE)
        ends = [*_ends(areas, trust), *_ends(absent, trust)]
        return np.array([*ends, _surest(before, after.sum(0)), self._length(level)])

    def _length(self, level: Int64Array) -> float:
        """How well the levels' mean ranks of talk time in the first part tell those of the rest."""
        early, late = np.flatnonzero(self.talked[: self.cut]), np.flatnonzero(self.talked)
        late = late[early.size :]
        if min(early.size, late.size) < LEAST_TALKS:
            return 0.0
        size = np.bincount(level[early], minlength=LEVELS)
        total = np.bincount(level[early], self.length[early], LEVELS)
        middle = self.length[early].mean()
        guess = ((total + PRIOR * middle) / (size + PRIOR))[level[late]]
        actual = self.length[late]
        if min(guess.std(), actual.std()) < 1e-6:
            return 0.0
        return float(np.corrcoef(guess, actual)[0, 1])


def levels_of(values: Float32Array, cut: int, categorical: bool) -> Int64Array:
    """Each row's level: a number's between quantiles of the first `cut` rows; missing is the last level."""
    missing = np.isnan(values)
    if categorical:
        return np.where(missing, LEVELS - 1, np.where(missing, 0, values).astype(np.int64))
    known = np.sort(values[:cut][~missing[:cut]])
    ends = np.linspace(0, known.size - 1, LEVELS - 1).astype(np.int64)[:-1]
    edges = np.unique(known[ends]) if known.size else known
    return np.where(missing, LEVELS - 1, np.searchsorted(edges, values))


def counts_of(level: Int64Array, marked: BoolArray, block: Int64Array, blocks: int) -> Float64Array:
    """Examples of shape (blocks, 2, LEVELS): by block, first those without the mark, by level."""
    cell = (block * 2 + marked) * LEVELS + level
    return np.bincount(cell, minlength=blocks * 2 * LEVELS).reshape(blocks, 2, LEVELS).astype(np.float64)


def area(counts: Float64Array, weights: Float64Array) -> Float64Array:
    """AUC over the pairs of calls of a block, levels worst first, ties half; one for each row of weights.

    Pairs of one block only: what merely tells good weeks from bad ones knows nothing of a call.
    """
    rest, marked = counts[:, 0], counts[:, 1]
    below = np.cumsum(rest, axis=1) - rest / 2
    won, pairs = weights @ (below * marked).sum(1), weights @ (rest.sum(1) * marked.sum(1))
    return np.where(pairs > 0, won / np.maximum(pairs, 1), 0.5)


def _ends(areas: Float64Array, trust: float) -> tuple[float, float]:
    return float(areas[0]), 0.5 + trust * (float(np.quantile(areas[1:], LOW)) - 0.5)


def _surest(before: Float64Array, after: Float64Array) -> float:
    if max(part[1].sum() / part.sum() for part in (before, after)) > SURE_BELOW:
        return 0.0
    return float(np.minimum(share_at_least(*before), share_at_least(*after)).max())


def share_at_least(rest: Float64Array, marked: Float64Array) -> Float64Array:
    """The share of marked examples less `SURE_SD` standard errors (Wilson 1927), of each level."""
    size, square = np.maximum(rest + marked, 1), SURE_SD**2
    share = marked / size
    spread = SURE_SD * np.sqrt(share * (1 - share) / size + square / (4 * size**2))
    return np.asarray((share + square / (2 * size) - spread) / (1 + square / size))
