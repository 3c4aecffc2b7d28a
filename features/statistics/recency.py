"""How long ago an actor's last or first marked fact was, and how long until the instant that one named."""

from dataclasses import dataclass
from typing import ClassVar

from ..past import By
from ..reading import Reading


@dataclass(frozen=True)
class Recency:
    """Hours since the last fact marked `of`; NaN where there was none."""

    name: str
    by: By
    of: str = "calls"
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """The latest time."""
        return Reading(self.of, edge="last")


@dataclass(frozen=True)
class Tenure:
    """Hours since the first fact marked `of`; NaN where there was none."""

    name: str
    by: By
    of: str = "calls"
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """The earliest time."""
        return Reading(self.of, edge="first")


@dataclass(frozen=True)
class Promise:
    """Hours until the instant that the actor's latest fact named as `of`; negative once it has passed."""

    name: str
    by: By
    of: str = "promise"
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """The latest word."""
        return Reading(self.of, until=True)


KINDS = (Recency, Tenure, Promise)
