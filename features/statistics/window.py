"""Trailing windows: how many, how much and how often within a time before the moment."""

from dataclasses import dataclass
from typing import ClassVar

from ..past import By
from ..reading import Reading


@dataclass(frozen=True)
class Count:
    """Facts marked `of` in `[at - within, at)`; 0 for an actor without a past, NaN where nobody is named."""

    name: str
    by: By
    within: int
    of: str = "calls"
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """A sum of marks."""
        return Reading(self.of, within=self.within)


@dataclass(frozen=True)
class Sum:
    """The sum of a quantity over the facts in `[at - within, at)`, in its own unit."""

    name: str
    by: By
    within: int
    of: str
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """A sum of thousandths."""
        return Reading(self.of, within=self.within)


@dataclass(frozen=True)
class Share:
    """(marks `of` + p·n) / (marks `per` + n) in `[at - within, at)`; `prior=(p, n)`: a rate or a mean."""

    name: str
    by: By
    within: int
    of: str
    prior: tuple[float, float]
    per: str = "calls"
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """Two sums and a prior."""
        return Reading(self.of, self.per, self.within, prior=self.prior)


KINDS = (Count, Sum, Share)
