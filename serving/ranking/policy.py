"""Policy: how a campaign wants its queue, and the arms among which its leads and agent seconds are shared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from features.instants import NEVER
from features.kernel import BoolArray

HELD = "holdout"
"""The arm that keeps a campaign's old order, and the experiment that deals leads to it."""

BY_SCORE = "model"
"""The order of an arm that the model ranks; the others are named in `orders.ORDERS`."""


LEAST_TEMPERATURE = 1e-6
"""So low that the draw keeps to the order."""


@dataclass(frozen=True)
class Arm:
    """Leads that are called in one order, with agent seconds of their own."""

    name: str
    share: float
    """Of the leads that are dealt to arms, and of the agent seconds spent on them."""
    order: str = BY_SCORE
    temperature: float = 0.2
    """Of its draw, where the model ranks it."""
    timing: bool = False
    """Whether its draw is by an index that knows better hours to come, where the model ranks it."""


@dataclass(frozen=True)
class Experiment:
    """Arms that share, in [since, until), all leads of a campaign that the holdout doesn't keep."""

    name: str
    arms: tuple[Arm, ...]
    holdout: float = 0.1
    """Its share of all leads while this runs."""
    since: int = 0
    until: int = NEVER

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Experiment":
        """What `asdict` made of one."""
        return cls(**{**told, "arms": tuple(Arm(**arm) for arm in told["arms"])})


@dataclass(frozen=True)
class Policy:
    """How a campaign wants its queue: shares as fractions, the draw's temperature, the old order's name."""

    holdout: float = 0.1
    uniform: float = 0.01
    temperature: float = 0.2
    baseline_order: str = "newest"
    fairness_floor: float = 0.02
    """Share of the model arms' dials, at least, that never-tried leads of each source get; 0: no floor."""
    experiment: Experiment | None = None
    timing: bool = False
    """Whether the model's arms wait for better hours."""
    side: str = ""
    """The side of a switchback that the day is, `name:on` or `name:off`; empty where none runs."""

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Policy":
        """What `asdict` made of one; who knew no experiments had none."""
        found = told.get("experiment")
        return cls(**{**told, "experiment": None if found is None else Experiment.read(found)})

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """By number, with shares of all leads: the model's, the holdout; in an experiment its first arm, the
        holdout, its others, under names that no other experiment has.
        """
        kept, free = Arm(HELD, self.holdout, self.baseline_order), 1 - self.holdout
        if self.experiment is None:
            return Arm("model", free, temperature=self.temperature, timing=self.timing), kept
        first, *others = (
            replace(
                arm,
                name=f"{self.experiment.name}:{arm.name}",
                share=free * arm.share,
                temperature=max(arm.temperature, LEAST_TEMPERATURE),
                timing=self.timing,
            )
            for arm in self.experiment.arms
        )
        return first, kept, *others

    @cached_property
    def drawn(self) -> tuple[int, ...]:
        """The numbers of the arms that the model ranks."""
        return tuple(number for number, arm in enumerate(self.arms) if arm.order == BY_SCORE)

    @cached_property
    def ranked(self) -> BoolArray:
        """By number whether the model ranks the arm."""
        return np.array([arm.order == BY_SCORE for arm in self.arms], np.bool_)

    def asked(self, n: int, number: int) -> int:
        """How many of `n` leads are asked of an arm that isn't the holdout: so deep its draw goes.

        An experiment's arms draw as floors of their sizes would: a small one goes no deeper than a large one.
        """
        if self.experiment is None:
            return n
        return ceil(n * self.experiment.arms[max(number - 1, 0)].share)
