"""Remarks: why a lead has its score, and its best window; made ahead for those who are first in line."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features import Past
from features.instants import NEVER
from features.kernel import BoolArray, Int64Array

from .models import Models
from .ranking.reasons import MOST, Reasons, Strongest, told
from .ring import Kept, Ring
from .scores import ScoreSheet
from .standing import Standing
from .week_ahead import GRADES, NONE, Interval, Window

UNSCORED = 0
"""The print of features that nobody saw."""

MOST_KEPT = 200_000
"""Of more remarks than this those made first give way; each takes 136 bytes, and 4 by lead."""

EVIDENCE = (*(name for name, _ in GRADES), NONE)

KIND = np.dtype(
    [
        ("print", np.int64), ("start", np.int64), ("end", np.int64),
        ("p_answer", np.float64), ("low", np.float64), ("high", np.float64),
        ("effect", np.float64, (MOST,)), ("row", np.int32), ("place", np.int16, (MOST,)),
        ("evidence", np.int8),
    ],
    align=True,
)  # fmt: skip
"""A remark in numbers: the print of the features that it speaks of, the best window, which ends NEVER where
there is none, and what moved the lead most."""


class Remarked(NamedTuple):
    """What is said of some leads beside their scores, equally long."""

    reasons: list[Reasons]
    windows: list[Window | None]


class Remarks:
    """A remark speaks of exactly what the model saw when it gave the lead its score, and serves as long."""

    def __init__(self, sheet: ScoreSheet) -> None:
        self._sheet = sheet
        self._version: str | None = None
        self._kept = Ring(KIND, MOST_KEPT)

    def of(self, models: Models, past: Past, rows: Int64Array, standing: Standing, at: int) -> Remarked:
        """The remarks on some leads: kept where they still serve, made where not."""
        found, serves = self._found(models, rows, at)
        saw = self._sheet.saw(rows)
        if not serves.all():
            some = np.flatnonzero(~serves)
            made = models.remarks(past, rows[some], saw.take(some), standing.take(some), at)
            found[some] = self._keep(rows[some], *made)
        reasons = told(saw.features, saw.values, Strongest(found["place"], found["effect"]))
        return Remarked(reasons, windows_of(found, at))

    def lacking(self, models: Models, rows: Int64Array, at: int) -> Int64Array:
        """Those of some leads whose remark would have to be made."""
        return rows[~self._found(models, rows, at)[1]]

    def _found(self, models: Models, rows: Int64Array, at: int) -> tuple[Kept, BoolArray]:
        """What is kept of some leads, and whether it serves."""
        if self._version != models.version:
            self._version, self._kept = models.version, Ring(KIND, MOST_KEPT)
        (found, kept), seen = self._kept.of(rows), self._sheet.prints_of(rows)
        return found, kept & (found["print"] == seen) & (seen != UNSCORED) & (found["end"] > at)

    def _keep(self, rows: Int64Array, strongest: Strongest, windows: Sequence[Window | None]) -> Kept:
        """Keep remarks of what each lead's score was made from."""
        made = np.zeros(rows.size, KIND)
        made["row"], made["print"] = rows, self._sheet.prints_of(rows)
        made["place"], made["effect"] = strongest
        write(windows, made)
        self._kept.keep(made[made["print"] != UNSCORED])
        return made


def write(windows: Sequence[Window | None], out: Kept) -> None:
    """Fill the window of each remark."""
    out["end"] = NEVER
    for i, window in enumerate(windows):
        if window is not None:
            out["start"][i], out["end"][i], out["p_answer"][i] = window.start, window.end, window.p_answer
            out["low"][i], out["high"][i] = window.interval.low, window.interval.high
            out["evidence"][i] = EVIDENCE.index(window.evidence)


def windows_of(remarks: Kept, at: int) -> list[Window | None]:
    """The best window of each, or what is left of it at an instant."""
    found: list[Window | None] = [None] * len(remarks)
    some = np.flatnonzero(remarks["end"] < NEVER).tolist()
    for i, one in zip(some, remarks[some].tolist() if some else (), strict=True):
        _, start, end, p_answer, low, high, *_, evidence = one
        found[i] = Window(max(start, at), end, p_answer, Interval(low, high), EVIDENCE[evidence])
    return found
