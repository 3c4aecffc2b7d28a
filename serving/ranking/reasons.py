"""Reasons: the few groups of features that moved a lead's odds most, in plain words, the rest as one sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import orjson

from features import Feature
from features.groups import Group, grouped
from features.kernel import Float32Array, Float64Array, Int16Array, Int64Array, kernel, own
from features.statistics.attribute import Attribute

from .phrases import Phrases, name_all

MOST = 8
NONE = -1


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


class Reasons(NamedTuple):
    """A lead's reasons, strongest first, as ready JSON: queues tell thousands that nobody takes apart."""

    told: bytes = b"[]"
    """All of it, as an answer tells it."""
    on_record: bytes = b"[]"
    """What is kept with a decision: the sentences can be told again."""

    @property
    def listed(self) -> tuple[Reason, ...]:
        """One by one."""
        return tuple(Reason(**one) for one in orjson.loads(self.told))


class Strongest(NamedTuple):
    """What moved each of some leads most, strongest first, both of shape (leads, MOST)."""

    place: Int16Array
    """Of the feature that leads its group; the one behind the last is everything else's; -1 no reason."""
    effect: Float64Array
    """Of the whole group; 0 without a reason."""

    @classmethod
    def nothing(cls, leads: int) -> "Strongest":
        """No reasons."""
        return cls(np.full((leads, MOST), NONE, np.int16), np.zeros((leads, MOST)))


@dataclass(frozen=True)
class Grouping:
    """A bundle's features by what they are about."""

    features: tuple[Feature, ...]
    groups: tuple[Group, ...]
    code: Int64Array
    """The group of each feature."""

    @cached_property
    def phrases(self) -> Phrases:
        """What was said of them."""
        return Phrases(self.features, self.groups, self.code)

    def strongest(self, effects: Float64Array) -> Strongest:
        """At most MOST groups of each row; a row's effects sum to those given."""
        shape = effects.shape[0], len(self.groups)
        sums, leading, rest = np.empty(shape), np.empty(shape, np.int64), np.empty(shape)
        found = Strongest.nothing(shape[0])
        sum_groups(own(effects), self.code, sums, leading)
        choose(sums, leading, np.empty(shape[1], np.int64), *found, rest)
        left = rest.sum(axis=1)
        more = np.flatnonzero(left)
        found.place[more, -1], found.effect[more, -1] = self.code.size, left[more]
        return found

    def told(self, values: Float32Array, found: Strongest) -> list[Reasons]:
        """The reasons of each row, of which a model saw these values."""
        names = np.empty(found.place.shape, np.int64)
        name_all(own(found.place), own(values).view(np.uint32), names)
        told, kept, ends = self.phrases.put_together(names, found.effect)
        cuts = pairwise([[0, 0], *ends.tolist()])
        return [Reasons(told[said:end], kept[noted:last]) for (said, noted), (end, last) in cuts]


@kernel
def sum_groups(effects: Float64Array, code: Int64Array, sums: Float64Array, leading: Int64Array) -> None:
    """Fill each group's effect, and the feature that moved it most its way, both of shape (rows, groups)."""
    for row in range(effects.shape[0]):
        sums[row, :] = 0.0
        leading[row, :] = -1
        for place in range(code.size):
            sums[row, code[place]] += effects[row, place]
        for place in range(code.size):
            group = code[place]
            sign, first = np.sign(sums[row, group]), leading[row, group]
            if first < 0 or effects[row, place] * sign > effects[row, first] * sign:
                leading[row, group] = place


@kernel
def choose(
    sums: Float64Array,
    leading: Int64Array,
    order: Int64Array,
    place: Int16Array,
    effect: Float64Array,
    rest: Float64Array,
) -> None:
    """Fill `place` and `effect` with each row's strongest groups, `rest` with the sums from there on, else 0.

    All groups that moved anything where there is room for them, otherwise one less than there is room for. Of
    equally strong ones the first comes first. `order` is room to sort one row's groups.
    """
    for row in range(sums.shape[0]):
        moved = 0
        for group in range(sums.shape[1]):
            rank, own_sum = group, abs(sums[row, group])
            while rank > 0 and abs(sums[row, order[rank - 1]]) < own_sum:
                order[rank] = order[rank - 1]
                rank -= 1
            order[rank] = group
            moved += sums[row, group] != 0.0
        shown = moved if moved <= place.shape[1] else place.shape[1] - 1
        for rank in range(sums.shape[1]):
            told, rest[row, rank] = sums[row, order[rank]], 0.0
            if rank < shown:
                place[row, rank], effect[row, rank] = leading[row, order[rank]], told
            else:
                rest[row, rank] = told


@lru_cache(maxsize=8)
def grouping(features: tuple[Feature, ...]) -> Grouping:
    """The groups of some features, in the order in which they first appear."""
    return Grouping(features, *grouped([feature.name for feature in features]))


def strongest(features: tuple[Feature, ...], effects: Float64Array) -> Strongest:
    """What moved each row most."""
    return grouping(features).strongest(effects)


def told(features: tuple[Feature, ...], values: Float32Array, found: Strongest) -> list[Reasons]:
    """The reasons of each row, of which a model saw these values."""
    return grouping(features).told(values, found)


def reasons_of(features: Sequence[Feature], values: Float32Array, effects: Float64Array) -> list[Reasons]:
    """The same of rows that are explained."""
    known = tuple(features)
    return told(known, values, strongest(known, effects))


def warm_up() -> None:
    """Compile the loops, or load them from numba's cache."""
    reasons_of((Attribute("none", "none"),), np.ones((1, 1), np.float32), np.ones((1, 1)))
