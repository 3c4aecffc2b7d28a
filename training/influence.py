"""Influence: which groups of features move a head, from the exact shares of its latest calls."""

from dataclasses import dataclass

import numpy as np

from features.groups import Group, grouped
from features.kernel import Float64Array

from .report import Trained

CALLS = 1_000
"""So many of the latest examples are asked, evenly among the later half."""


@dataclass(frozen=True)
class Influence:
    """Groups of features, the strongest first."""

    groups: tuple[Group, ...]
    effects: Float64Array
    """Of each call (row) and group, in log-odds."""
    leading: tuple[str, ...]
    """The feature of each group that moves most."""
    height: Float64Array
    """How high each call's value of that feature ranks, 0 to 1; NaN where it is missing."""

    @property
    def strength(self) -> Float64Array:
        """Mean absolute effect of each group."""
        return np.asarray(np.abs(self.effects).mean(axis=0))


def influence(one: Trained) -> Influence:
    """What moves a head lately; groups without any effect are left out."""
    half = np.arange(len(one.examples) // 2, len(one.examples))
    values = one.matrix.values[half[:: max(1, half.size // CALLS)]]
    _, shares = one.fitted.model.explain(values, 1)
    groups, code = grouped(one.matrix.names)
    effects = np.column_stack([shares[:, code == place].sum(axis=1) for place in range(len(groups))])
    strength = np.abs(effects).mean(axis=0)
    order = [place for place in np.argsort(-strength, kind="stable").tolist() if strength[place] > 0]
    moves = np.abs(shares).mean(axis=0)
    leading = [int(np.argmax(np.where(code == place, moves, -1.0))) for place in order]
    return Influence(
        tuple(groups[place] for place in order),
        effects[:, order],
        tuple(one.matrix.names[place] for place in leading),
        np.column_stack([_height(values[:, place]) for place in leading]) if leading else np.empty((0, 0)),
    )


def _height(column: np.typing.NDArray[np.float32]) -> Float64Array:
    """The rank of each value among those that are known, 0 to 1."""
    known = ~np.isnan(column)
    found = np.full(column.size, np.nan)
    _, place = np.unique(column[known], return_inverse=True)
    found[known] = place / max(1, int(place.max(initial=0)))
    return found
