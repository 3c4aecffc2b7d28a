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


_NOTHING: tuple[int, Remark | None] = UNSCORED, None


class Remarks:
    """A remark speaks of exactly what the model saw when it gave the lead its score, and serves as long."""

    def __init__(self, sheet: ScoreSheet) -> None:
        self._sheet = sheet
        self._version: str | None = None
        self._kept: dict[int, tuple[int, Remark]] = {}
        """By the lead's row: the print of the features that it speaks of, and what it says."""

    def of(self, models: Models, past: Past, rows: Int64Array, standing: Standing, at: int) -> list[Remark]:
        """The remark of each lead: kept where it still serves, made where not."""
        seen = self._prints(rows)
        found = self._found(models, rows, seen, at)
        if missing := [place for place, remark in enumerate(found) if remark is None]:
            some = np.array(missing)
            made = self._make(models, past, rows[some], standing.take(some), at)
            self._keep(rows[some].tolist(), [seen[place] for place in missing], made)
            for place, remark in zip(missing, made, strict=True):
                found[place] = remark
        return [remark.by(at) for remark in found if remark is not None]

    def lacking(self, models: Models, rows: Int64Array, at: int) -> Int64Array:
        """Those of some leads whose remark would have to be made."""
        found = self._found(models, rows, self._prints(rows), at)
        return rows[np.array([one is None for one in found], np.bool_)]

    def _found(self, models: Models, rows: Int64Array, prints: list[int], at: int) -> list[Remark | None]:
        if self._version != models.version:
            self._version = models.version
            self._kept.clear()
        found = []
        for row, seen in zip(rows.tolist(), prints, strict=True):
            told, remark = self._kept.get(row, _NOTHING)
            serves = remark is not None and told == seen != UNSCORED and remark.serves(at)
            found.append(remark if serves else None)
        return found

    def _prints(self, rows: Int64Array) -> list[int]:
        found: list[int] = self._sheet.prints_of(rows).tolist()
        return found

    def _make(
        self, models: Models, past: Past, rows: Int64Array, standing: Standing, at: int
    ) -> list[Remark]:
        """Make remarks of what each lead's score was made from."""
        told = models.remarks(past, rows, self._sheet.saw(rows), standing, at)
        return [Remark(reasons, window) for reasons, window in told]

    def _keep(self, rows: list[int], prints: list[int], made: list[Remark]) -> None:
        """Keep remarks; those made first give way."""
        for row, seen, remark in zip(rows, prints, made, strict=True):
            self._kept.pop(row, None)
            self._kept[row] = seen, remark
        for row in list(islice(self._kept, max(len(self._kept) - MOST_KEPT, 0))):
            del self._kept[row]
