"""Lesson: what a head is taught, as arrays."""

from dataclasses import dataclass, replace

import numpy as np

from features import FeatureMatrix
from features.kernel import Float32Array, Float64Array, Int64Array

from .dataset import Examples
from .design import Design
from .head import TRUST, Head
from .margin import Anchor

MOST_RARE = 20.0
"""An example drawn with a smaller chance than one in so many counts as if drawn with that."""


@dataclass(frozen=True)
class Lesson:
    """What a head is taught: the columns at its examples' moments, their labels, and how much each weighs."""

    values: Float32Array
    categorical: tuple[bool, ...]
    at: Int64Array
    label: Float64Array
    weight: Float64Array
    trust: tuple[float, ...] = ()
    """The factor on each column's prior sd in the margin; none: 1 for all."""
    follows: tuple[int, ...] = ()
    """The columns whose log-odds the margin follows and that no tree reads."""
    signs: tuple[int, ...] = ()
    """1 for each column along which the mark only gets more likely, -1 less, else 0; none: 0 for all."""
    starts_from: int | None = None
    """The column whose logarithm an amount starts from."""
    drawn: Float64Array | None = None
    """With what chance a decision drew the lead of each example, NaN where none did; None: nobody knows."""

    @classmethod
    def of(
        cls,
        matrix: FeatureMatrix,
        examples: Examples,
        ignores: tuple[str, ...] = (),
        trusts: tuple[str, ...] = (),
        follows: tuple[str, ...] = (),
        rises: tuple[str, ...] = (),
        falls: tuple[str, ...] = (),
        trust: float = TRUST,
    ) -> "Lesson":
        """The lesson of computed features and their examples; what it `ignores` is missing everywhere."""
        named, kinds = matrix.names, tuple(feature.categorical for feature in matrix.features)
        ignored = [name.startswith(ignores) for name in named]
        return cls(
            np.where(ignored, np.float32(np.nan), matrix.values) if any(ignored) else matrix.values,
            kinds,
            examples.at,
            examples.label,
            examples.weight,
            trust=tuple(trust if name.startswith(trusts) else 1.0 for name in named),
            follows=tuple(place for place, name in enumerate(named) if name.startswith(follows)),
            signs=tuple(int(name.startswith(rises)) - int(name.startswith(falls)) for name in named),
        )

    @classmethod
    def for_head(
        cls, head: Head, matrix: FeatureMatrix, examples: Examples, pointless: tuple[str, ...] = ()
    ) -> "Lesson":
        """What a head is taught, without the features that are pointless here."""
        unheard = tuple(name for name in matrix.names if not head.hears(name))
        told = cls.of(
            matrix,
            examples,
            unheard + pointless,
            head.trusts,
            head.follows,
            head.rises,
            head.falls,
            head.trust,
        )
        anchored = head.anchor in matrix.names
        start = matrix.names.index(head.anchor) if anchored else None
        return replace(told, starts_from=start, drawn=examples.drawn)

    def take(self, rows: Int64Array) -> "Lesson":
        """The lesson of some rows."""
        return replace(
            self,
            values=self.values[rows],
            at=self.at[rows],
            label=self.label[rows],
            weight=self.weight[rows],
            drawn=None if self.drawn is None else self.drawn[rows],
        )

    @property
    def selected(self) -> bool:
        """Whether decisions drew some of the leads by chance."""
        return self.drawn is not None and bool(np.any(self.drawn < 1.0))

    def even(self) -> "Lesson":
        """The lesson as if all leads of the pools had been as likely to be drawn; done once, it is done.

        Inverse-propensity weights (Horvitz and Thompson 1952), truncated (Ionides 2008) and divided by their
        mean, so that drawn examples weigh 1 on average; examples without a decision weigh 1.
        """
        if self.drawn is None or not self.selected:
            return self
        known = ~np.isnan(self.drawn)
        rare = np.minimum(1.0 / self.drawn[known], MOST_RARE)
        weight = self.weight.copy()
        weight[known] *= rare / rare.mean()
        return replace(self, weight=weight, drawn=None)

    def design(self) -> Design:
        """The margin's columns."""
        return Design.of(self.values, self.categorical, self.trust, self.follows, self.signs)

    @property
    def anchor(self) -> Anchor | None:
        """Where an amount starts from: a column, and where that is missing the mean of such examples."""
        if self.starts_from is None:
            return None
        missing = np.isnan(self.values[:, self.starts_from])
        alike = self.label[missing] if missing.any() else self.label
        return Anchor(self.starts_from, float(alike.mean()))

    def fading(self, half_life: int | None) -> Float64Array:
        """The weights, halved once per half-life before the last row."""
        if half_life is None:
            return self.weight
        return np.asarray(self.weight * 0.5 ** ((self.at[-1] - self.at) / half_life))
