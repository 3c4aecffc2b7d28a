"""The gate: who may be published; a bundle that loses for sure to the champion or a rival may not."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.kernel import Float64Array

from .evaluate import log_losses

LEVEL = 0.95
RESAMPLES = 1_000
LEAST_MARKED = 10
"""A comparison needs this many calls with the mark and as many without."""


@dataclass(frozen=True)
class Comparison:
    """Mean log loss of the bundle less that of another on the same calls: above 0 the bundle is worse."""

    head: str
    against: str
    calls: int
    difference: float
    low: float
    high: float
    """Ends of the paired bootstrap interval at `LEVEL`."""

    @property
    def lost(self) -> bool:
        """Worse, and not by chance."""
        return self.low > 0

    @property
    def sentence(self) -> str:
        """For people."""
        said = "loses to" if self.lost else "beats" if self.high < 0 else "ties with"
        return (
            f"{self.head} {said} {self.against}: log loss {self.difference:+.4f} "
            f"({self.low:+.4f} to {self.high:+.4f}, {self.calls} calls)"
        )


@dataclass(frozen=True)
class Verdict:
    """What was compared; a bundle passes if it lost nowhere."""

    comparisons: tuple[Comparison, ...]

    @property
    def passed(self) -> bool:
        """Whether the bundle may become champion."""
        return not any(comparison.lost for comparison in self.comparisons)

    @property
    def reason(self) -> str:
        """The comparisons lost, or all of them where none was."""
        told = [c for c in self.comparisons if c.lost] or list(self.comparisons)
        return "; ".join(comparison.sentence for comparison in told) or "nothing to compare with yet"


def compare(
    head: str,
    label: Float64Array,
    chance: Float64Array,
    others: Mapping[str, Float64Array],
    rng: np.random.Generator,
) -> tuple[Comparison, ...]:
    """Compare with each other on the same calls, paired; none where the calls are too few to tell."""
    if not others or min(label.sum(), label.size - label.sum()) < LEAST_MARKED:
        return ()
    own = log_losses(label, chance)
    differences = np.column_stack([own - log_losses(label, other) for other in others.values()])
    means = np.array(
        [differences[rng.integers(0, label.size, label.size)].mean(axis=0) for _ in range(RESAMPLES)]
    )
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return tuple(
        Comparison(head, name, label.size, float(column.mean()), float(low[place]), float(high[place]))
        for place, (name, column) in enumerate(zip(others, differences.T, strict=True))
    )
