"""Remarks: why a lead has its score, and its best window; made ahead for those who are first in line."""

from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from features import Past
from features.kernel import Int64Array

from .models import Models
from .ranking.reasons import Reasons
from .scores import ScoreSheet
from .standing import Standing
from .week_ahead import Window

UNSCORED = 0
"""The print of features that nobody saw."""

MOST_KEPT = 20_000
"""Of more remarks than this those made first give way."""


@dataclass(frozen=True)
class Remark:
    """What is said of a lead beside its score."""

    reasons: Reasons
    window: Window | None

    def serves(self, at: int) -> bool:
        """Whether its window isn't over."""
        return self.window is None or self.window.end > at

    def by(self, at: int) -> "Remark":
        """The same with what is left of its window."""
        if self.window is None or self.window.start >= at:
            return self
        return replace(self, window=replace(self.window, start=at))


class Remarks:
    """A remark speaks of exactly what the model saw when it gave the lead its score, and serves as long."""

    def __init__(self, sheet: ScoreSheet) -> None:
        self._sheet = sheet
        self._version: str | None = None
        self._kept: dict[int, tuple[int, Remark]] = {}
        """By the lead's row: the print of the features that it speaks of, and what it says."""

    def of(self, models: Models, past: Past, rows: Int64Array, standing: Standing, at: int) -> list[Remark]:
        """The remark of each lead: kept where it still serves, made where not."""
        found = self._found(models, rows, at)
        missing = np.array([one is None for one in found], np.bool_)
        made = iter(self._make(models, past, rows[missing], standing.take(missing), at))
        return [(one or next(made)).by(at) for one in found]

    def lacking(self, models: Models, rows: Int64Array, at: int) -> Int64Array:
        """Those of some leads whose remark would have to be made."""
        return rows[np.array([one is None for one in self._found(models, rows, at)], np.bool_)]

    def _found(self, models: Models, rows: Int64Array, at: int) -> list[Remark | None]:
        if self._version != models.version:
            self._version = models.version
            self._kept.clear()
        found = []
        for row, seen in zip(rows.tolist(), self._prints(rows), strict=True):
            told, remark = self._kept.get(row, (UNSCORED, None))
            serves = remark is not None and told == seen != UNSCORED and remark.serves(at)
            found.append(remark if serves else None)
        return found

    def _prints(self, rows: Int64Array) -> list[int]:
        return [int(seen) for seen in self._sheet.prints_of(rows)]

    def _make(
        self, models: Models, past: Past, rows: Int64Array, standing: Standing, at: int
    ) -> list[Remark]:
        """Make and keep remarks of what each lead's score was made from; those made first give way."""
        if not rows.size:
            return []
        told = models.remarks(past, rows, self._sheet.saw(rows), standing, at)
        made = [Remark(reasons, window) for reasons, window in told]
        for row, seen, remark in zip(rows.tolist(), self._prints(rows), made, strict=True):
            self._kept.pop(row, None)
            self._kept[row] = seen, remark
        for row in list(islice(self._kept, max(len(self._kept) - MOST_KEPT, 0))):
            del self._kept[row]
        return made
