"""Handed: with what chance the leads of calls were drawn from the pool, where the service handed them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .calls import Moments
from .kernel import Float64Array


@dataclass(frozen=True)
class Handed:
    """The chance of each call that a decision led to, by its lead's id and its beginning."""

    chance: Mapping[tuple[str, int], float] = field(default_factory=dict)

    def at(self, moments: Moments, lead_id: Sequence[str]) -> Float64Array:
        """The chance of each moment's call; NaN where no decision led to it."""
        asked = zip(moments.lead.tolist(), moments.at.tolist(), strict=True)
        return np.array([self.chance.get((lead_id[row], at), np.nan) for row, at in asked], np.float64)
