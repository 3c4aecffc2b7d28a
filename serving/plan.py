"""Plan: how a campaign wants to be called, read once from its stored settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from features.instants import DAY, SECOND
from features.kernel import Float64Array

from .ranking.policy import LEAST_TEMPERATURE, Experiment, Policy
from .rule import Caps
from .tally import RECENT


@dataclass(frozen=True)
class Plan:
    """A campaign's caps and queueing policy; the defaults are those of a campaign first named by a lead."""

    caps: Caps = field(default_factory=Caps)
    policy: Policy = field(default_factory=Policy)
    objective: str = "value"
    """What an agent's hour is for: `value`, or `conversions`, all of them alike."""

    abandon_cap: float | None = 0.03
    """The share of live answers that may be abandoned; None where each agent dials one lead at a time."""

    def worth(self, value: Float64Array) -> Float64Array:
        """What sales count for that are expected to bring so much."""
        return np.ones(value.size) if self.objective == "conversions" else value

    @classmethod
    def of(cls, settings: Mapping[str, object], at: int) -> "Plan":
        """Read settings as they hold at an instant; what they don't say keeps its default."""
        caps = cast("Mapping[str, float]", settings.get("caps") or {})
        known, usual, cap = Caps(), Policy(), _number(settings, "abandon_cap", 0.03)
        return cls(
            Caps(
                per_day=min(int(caps.get("per_day", known.per_day)), RECENT),
                lifetime=int(caps.get("lifetime", known.lifetime)),
                min_gap=int(caps.get("min_gap_s", known.min_gap / SECOND) * SECOND),
                max_age=int(_number(settings, "max_age_days", known.max_age / DAY) * DAY),
            ),
            Policy(
                holdout=_number(settings, "holdout", usual.holdout),
                uniform=_number(settings, "uniform", usual.uniform),
                temperature=max(_number(settings, "temperature", usual.temperature), LEAST_TEMPERATURE),
                fairness_floor=_number(settings, "fairness_floor", usual.fairness_floor),
                baseline_order=str(settings.get("baseline_order") or usual.baseline_order),
                experiment=next(
                    (one for one in experiments_of(settings) if one.since <= at < one.until), None
                ),
                timing=bool(settings.get("timing")),
                side=str(settings.get("side") or ""),
            ),
            objective=str(settings.get("objective") or "value"),
            abandon_cap=None if settings.get("mode") in ("power", "preview") else cap,
        )


def experiments_of(settings: Mapping[str, object]) -> list[Experiment]:
    """All experiments that a campaign had or is to have, in the order in which they were asked for."""
    told = cast("Sequence[Mapping[str, object]]", settings.get("experiments") or ())
    return [Experiment.read(one) for one in told]


def _number(settings: Mapping[str, object], name: str, default: float) -> float:
    found = settings.get(name)
    return float(cast("float", found)) if found is not None else default
