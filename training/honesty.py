"""Honesty: how far probabilities are from what came true, over all calls and each segment, beside chance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from features import FeatureMatrix
from features.kernel import BoolArray, Float64Array
from features.statistics.attribute import Category

from .evaluate import bins_of, calibration_error

TOLERATED, TOLERATED_OF_A_SEGMENT = 0.03, 0.06
"""So much more than chance explains is still honest: levels drift, and a segment's by themselves as well."""
SURE = 3.1
"""Standard deviations of chance: one honest judgement in a thousand reaches so far."""
LEAST_CALLS = 300
"""Of fewer calls nothing is said."""
MOST_WORDS = 12
"""A field with more words than these is no segment."""
ALL = "all calls"


@dataclass(frozen=True)
class Honesty:
    """The calibration error (ECE) of a head over some calls that it had not seen."""

    head: str
    segment: str
    calls: int
    came_true: float
    """Share of the calls."""
    said: float
    """Mean probability."""
    ece: float
    by_chance: float
    """The mean ECE of perfectly honest probabilities on as many calls: few calls never look honest."""
    at_most: float
    """What chance explains for sure, and what is tolerated: above it the gate lets no bundle pass."""

    @property
    def broken(self) -> bool:
        """Whether the probabilities can't be believed."""
        return self.ece > self.at_most

    @property
    def sentence(self) -> str:
        """For people."""
        verb = "is not honest" if self.broken else "is honest"
        return (
            f"{self.head} {verb} over {self.segment}: ECE {self.ece:.3f}, by chance {self.by_chance:.3f}, "
            f"at most {self.at_most:.3f} ({self.calls} calls)"
        )


def judged(
    head: str, label: Float64Array, chance: Float64Array, matrix: FeatureMatrix
) -> tuple[Honesty, ...]:
    """How honest a head is over all calls, then over each segment of `LEAST_CALLS` or more of them."""
    if label.size < LEAST_CALLS:
        return ()
    parts = [(ALL, np.ones(label.size, np.bool_), TOLERATED)]
    parts += [(name, rows, TOLERATED_OF_A_SEGMENT) for name, rows in segments(matrix)]
    return tuple(
        _of(head, name, label[rows], chance[rows], tolerated)
        for name, rows, tolerated in parts
        if np.count_nonzero(rows) >= LEAST_CALLS
    )


def segments(matrix: FeatureMatrix) -> Iterator[tuple[str, BoolArray]]:
    """The calls of each word of each field that has few of them, and of those without one."""
    for place, feature in enumerate(matrix.features):
        if isinstance(feature, Category) and len(feature.levels) <= MOST_WORDS:
            codes = matrix.values[:, place]
            yield from (
                (f"{feature.attribute} {word}", codes == code) for code, word in enumerate(feature.levels)
            )
            yield f"{feature.attribute} unknown", np.isnan(codes)


def chance_error(chance: Float64Array) -> tuple[float, float]:
    """Mean and standard deviation of the ECE that honest probabilities show.

    In each bin the calls that come true less those expected are about normal (a sum of coins), so its part
    of the ECE is half-normal. Consistency bars are made likewise (Bröcker and Smith 2007), by drawing.
    """
    spread = np.array([np.sqrt(np.sum(chance[rows] * (1 - chance[rows]))) for rows in bins_of(chance)])
    mean = np.sqrt(2 / np.pi) * spread.sum() / chance.size
    return float(mean), float(np.sqrt((1 - 2 / np.pi) * np.sum(spread**2)) / chance.size)


def _of(head: str, segment: str, label: Float64Array, chance: Float64Array, tolerated: float) -> Honesty:
    mean, spread = chance_error(chance)
    ece = calibration_error(label, chance)
    at_most = mean + SURE * spread + tolerated
    return Honesty(head, segment, label.size, float(label.mean()), float(chance.mean()), ece, mean, at_most)


def worst(found: Sequence[Honesty]) -> Honesty | None:
    """The segment that is furthest from honest, counted from what it may show at most."""
    parts = [one for one in found if one.segment != ALL]
    return max(parts, key=lambda one: one.ece - one.at_most, default=None)


def markdown(found: Sequence[Honesty]) -> str:
    """A table for people."""
    lines = [
        "| head | calls of | calls | came true | said | ECE | by chance | at most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        figures = (one.came_true, one.said, one.ece, one.by_chance, one.at_most)
        shown = " | ".join(f"{figure:.4f}" for figure in figures)
        lines.append(f"| {one.head} | {one.segment} | {one.calls} | {shown} |")
    return "\n".join(lines) + "\n"
