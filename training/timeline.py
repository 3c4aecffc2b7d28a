"""Timeline: how a head fared from one stretch of judged calls to the next, and from fold to fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array, Int64Array

from .amounts import AMOUNT_MEASURES
from .gate import TOLD
from .report import Trained
from .tracking import Curve

CALLS, MOST = 200, 30
"""A stretch has at least about so many judged calls, and there are no more stretches than that."""
SAID, TRUE = "Mean said", "Mean that came true"
SHOWN = {"binary": ("auc", "log_loss", "ece", "top_half_gain"), "amount": tuple(AMOUNT_MEASURES)}


@dataclass(frozen=True)
class Timeline:
    """Stretches of judged calls in the order of time."""

    at: Int64Array
    """The last call of each."""
    calls: Int64Array
    said: Float64Array
    """Mean probability or amount."""
    came_true: Float64Array
    """Share marked, or mean amount seen."""
    measures: dict[str, Float64Array]
    """Those of `SHOWN`, NaN where a stretch can't tell."""

    def curves(self) -> dict[str, Curve]:
        """As metrics, by names for people; steps are the stretches, times those of their calls."""
        told = {TOLD[key].title: values for key, values in self.measures.items()}
        told |= {TRUE: self.came_true, SAID: self.said}
        return {name: Curve(values, self.at) for name, values in told.items()}


def by_stretch(one: Trained) -> Timeline:
    """Stretches of equally many judged calls."""
    judged = one.chance.size
    cuts = np.array_split(np.arange(judged), int(np.clip(judged // CALLS, 1, MOST)))
    return _timeline(one, [rows for rows in cuts if rows.size])


def by_fold(one: Trained) -> Timeline:
    """One stretch per fold."""
    fold = one.fitted.unseen.fold
    return _timeline(one, [np.flatnonzero(fold == place) for place in np.unique(fold)])


def _timeline(one: Trained, stretches: Sequence[Int64Array]) -> Timeline:
    at, label, chance = one.examples.at[one.fitted.unseen.rows], one.label, one.chance
    measures = {
        key: np.array([TOLD[key].of(label[rows], chance[rows]) for rows in stretches])
        for key in SHOWN[one.head.objective]
    }
    seen = np.exp(label) if one.head.objective == "amount" else label
    return Timeline(
        np.array([at[rows[-1]] for rows in stretches], np.int64),
        np.array([rows.size for rows in stretches], np.int64),
        np.array([chance[rows].mean() for rows in stretches]),
        np.array([seen[rows].mean() for rows in stretches]),
        measures,
    )
