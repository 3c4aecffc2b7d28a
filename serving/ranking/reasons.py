"""Reasons: the few groups of features that moved a lead's odds most, in plain words, the rest as one sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import orjson

from features import Feature
from features.groups import Group, grouped
from features.kernel import Float32Array, Float64Array, Int64Array
from features.wording import worded

MOST = 8
OTHER = "other"


@dataclass(frozen=True)
class Reason:
    """One group's share of a lead's log-odds; `other` gathers the rest and has no value."""

    feature: str
    """The feature of the group that moved it most in the group's own direction, and what that one said."""
    value: float | str | None
    effect: float
    """Of the whole group."""
    group: str
    text: str


class Reasons(tuple[Reason, ...]):  # noqa: SLOT001  # what is made of them is kept with them
    """A lead's reasons, strongest first; their JSON is made once, however often they are told."""

    @cached_property
    def told(self) -> bytes:
        """All of it, as an answer tells it."""
        return orjson.dumps([vars(one) for one in self])

    @cached_property
    def on_record(self) -> bytes:
        """What is kept with a decision: the sentences can be told again."""
        return orjson.dumps([{name: vars(one)[name] for name in _KEPT} for one in self])


_KEPT = ("feature", "value", "effect", "group")


@dataclass(frozen=True)
class Grouping:
    """A bundle's features by what they are about."""

    features: tuple[Feature, ...]
    groups: tuple[Group, ...]
    code: Int64Array
    """The group of each feature."""

    def reasons(self, values: Float32Array, effects: Float64Array, most: int = MOST) -> list[Reasons]:
        """At most `most` reasons of each row, strongest first; a row's effects sum to those given."""
        sums, leading = self._summed(effects)
        order = np.argsort(-np.abs(sums), axis=1, kind="stable")
        return [self._of_one(*row, most) for row in zip(values, sums, leading, order, strict=True)]

    def _summed(self, effects: Float64Array) -> tuple[Float64Array, Int64Array]:
        """Each group's effect, and the feature that moved it most in that direction, shape (rows, groups)."""
        sums = np.empty((effects.shape[0], len(self.groups)))
        leading = np.empty(sums.shape, np.int64)
        for group in range(len(self.groups)):
            members = np.flatnonzero(self.code == group)
            own = effects[:, members]
            sums[:, group] = own.sum(axis=1)
            leading[:, group] = members[np.argmax(own * np.sign(sums[:, group])[:, None], axis=1)]
        return sums, leading

    def _of_one(
        self, values: Float32Array, sums: Float64Array, leading: Int64Array, order: Int64Array, most: int
    ) -> Reasons:
        order = order[sums[order] != 0]
        shown = order if order.size <= most else order[: most - 1]
        told = tuple(
            self._told(group, values, leading[group], float(sums[group])) for group in shown.tolist()
        )
        left = float(sums[order[shown.size :]].sum())
        if not left:
            return Reasons(told)
        return Reasons((*told, Reason(OTHER, None, left, OTHER, _sentence("Everything else together", left))))

    def _told(self, code: int, values: Float32Array, place: int, effect: float) -> Reason:
        group, feature, value = self.groups[code], self.features[place], float(values[place])
        text = _sentence(f"{group.title} ({worded(feature, value)})", effect)
        return Reason(feature.name, _plain(feature, value), effect, group.name, text)


@lru_cache(maxsize=8)
def grouping(features: tuple[Feature, ...]) -> Grouping:
    """The groups of some features, in the order in which they first appear."""
    return Grouping(features, *grouped([feature.name for feature in features]))


def reasons_of(features: Sequence[Feature], values: Float32Array, effects: Float64Array) -> list[Reasons]:
    """The reasons of each row."""
    return grouping(tuple(features)).reasons(values, effects)


def _sentence(what: str, effect: float) -> str:
    return f"{what} {'raises' if effect > 0 else 'lowers'} it"


def _plain(feature: Feature, value: float) -> float | str | None:
    """A number, or the word of a category; None where nothing is known."""
    if np.isnan(value):
        return None
    levels = getattr(feature, "levels", None)
    return value if levels is None else str(levels[int(value)])
