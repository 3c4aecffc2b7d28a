"""Rate and Load: how often an actor's facts bear a mark, and how many lately; both fade with age."""

from dataclasses import dataclass
from typing import ClassVar

from ..instants import NEVER
from ..past import By
from ..reading import Reading


@dataclass(frozen=True)
class Rate:
    """(marks `of` + p·n) / (marks `per` + n) with `prior=(p, n)`; a fact's weight halves every `half_life`.

    Shrinkage as in a beta-binomial model with prior mean p and prior strength n. `of` may be a quantity such
    as `talk_s`: then the rate is a mean. Where the agent isn't chosen yet (-1) it is the rate of all agents.
    """

    name: str
    by: By
    of: str
    prior: tuple[float, float]
    per: str = "calls"
    half_life: int = NEVER
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """Two sums and a prior; without a half-life the sums are whole."""
        half_life = None if self.half_life == NEVER else self.half_life
        return Reading(self.of, self.per, half_life=half_life, prior=self.prior)


@dataclass(frozen=True)
class Load:
    """Facts marked `of`, each with a weight that halves every `half_life`: how busy an actor is lately."""

    name: str
    by: By
    half_life: int
    of: str = "calls"
    categorical: ClassVar[bool] = False

    @property
    def reading(self) -> Reading:
        """One fading sum."""
        return Reading(self.of, half_life=self.half_life)


KINDS = (Rate, Load)
