"""Reasons: the few groups of features that moved a lead's odds most, in plain words, the rest as one sum."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import isnan
from typing import NamedTuple

import numpy as np
import orjson

from features import Feature
from features.groups import Group, grouped
from features.kernel import Float32Array, Float64Array, Int64Array, kernel
from features.wording import worded

MOST = 8
OTHER = "other"

MOST_PHRASES = 50_000
"""So many ready phrases are kept of a bundle's features, then they are made anew."""


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


@dataclass(frozen=True)
class Reasons:
    """A lead's reasons, strongest first, as ready JSON: queues tell thousands that nobody takes apart."""

    told: bytes = b"[]"
    """All of it, as an answer tells it."""
    on_record: bytes = b"[]"
    """What is kept with a decision: the sentences can be told again."""

    @cached_property
    def listed(self) -> tuple[Reason, ...]:
        """One by one."""
        return tuple(Reason(**one) for one in orjson.loads(self.told))


class Tail(NamedTuple):
    """The JSON of a reason behind its effect."""

    kept: str
    raises: str
    lowers: str


Phrase = tuple[str, Tail]
"""The JSON of a reason before its effect and behind it."""


@dataclass(frozen=True)
class Grouping:
    """A bundle's features by what they are about."""

    features: tuple[Feature, ...]
    groups: tuple[Group, ...]
    code: Int64Array
    """The group of each feature."""
    phrases: dict[int, Phrase] = field(default_factory=dict)
    """By a feature's place and the 32 bits of its value: most values are those of many leads."""
    tails: dict[tuple[int, str], Tail] = field(default_factory=dict)
    """By a feature's place and what its value says: many values say the same."""

    def reasons(self, values: Float32Array, effects: Float64Array, most: int = MOST) -> list[Reasons]:
        """At most `most` reasons of each row, strongest first; a row's effects sum to those given."""
        if not effects.shape[0]:
            return []
        sums = np.empty((effects.shape[0], len(self.groups)))
        leading = np.empty(sums.shape, np.int64)
        sum_groups(np.ascontiguousarray(effects), self.code, sums, leading)
        order = np.argsort(-np.abs(sums), axis=1, kind="stable")
        sums = np.take_along_axis(sums, order, axis=1)
        moved = np.count_nonzero(sums, axis=1)
        shown = np.where(moved <= most, moved, most - 1)
        left = np.where(np.arange(sums.shape[1]) < shown[:, None], 0.0, sums).sum(axis=1)
        named = self._named(values, np.take_along_axis(leading, order, axis=1)[:, :most])
        numbers = _as_texts(np.column_stack([sums[:, :most], left]))
        return [
            _of_one(phrases, texts, count)
            for phrases, texts, count in zip(named, numbers, shown.tolist(), strict=True)
        ]

    def _named(self, values: Float32Array, places: Int64Array) -> list[list[Phrase]]:
        """The phrase of each row's features in these places."""
        if len(self.phrases) > MOST_PHRASES:
            self.phrases.clear()
            self.tails.clear()
        seen = np.ascontiguousarray(np.take_along_axis(values, places, axis=1))
        names, kept = (places << 32 | seen.view(np.uint32)).tolist(), self.phrases
        return [
            [kept.get(name) or self._phrased(name, value) for name, value in zip(row, told, strict=True)]
            for row, told in zip(names, seen.tolist(), strict=True)
        ]

    def _phrased(self, name: int, value: float) -> Phrase:
        feature = self.features[place := name >> 32]
        what = worded(feature, value)
        tail = self.tails.get((place, what))
        if tail is None:
            group = self.groups[self.code[place]]
            tail = self.tails[place, what] = _tail(group.name, f"{group.title} ({what})")
        found = self.phrases[name] = _head(feature.name, _plain(feature, value)), tail
        return found


def _as_texts(numbers: Float64Array) -> list[list[str]]:
    """A matrix as JSON writes its numbers."""
    rows = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode()[2:-2].split("],[")
    return [row.split(",") for row in rows]


def _of_one(phrases: list[Phrase], effects: list[str], shown: int) -> Reasons:
    """A row's reasons: `shown` phrases with their effects, then the sum of the rest, last of the effects."""
    parts = list(zip(phrases[:shown], effects, strict=False))  # the rest aren't shown
    if float(effects[-1]):
        parts.append((_REST, effects[-1]))
    told = [
        f"{head}{effect}{tail.lowers if effect[0] == '-' else tail.raises}" for (head, tail), effect in parts
    ]
    kept = [f"{head}{effect}{tail.kept}" for (head, tail), effect in parts]
    return Reasons(f"[{','.join(told)}]".encode(), f"[{','.join(kept)}]".encode())


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


def _head(feature: str, value: float | str | None) -> str:
    return f'{{"feature":{_json(feature)},"value":{_json(value)},"effect":'


def _tail(group: str, what: str) -> Tail:
    kept = f',"group":{_json(group)}'
    raises, lowers = (f'{kept},"text":{_json(f"{what} {way} it")}}}' for way in _WAYS)
    return Tail(kept + "}", raises, lowers)


def _json(value: float | str | None) -> str:
    return orjson.dumps(value).decode()


_WAYS = "raises", "lowers"
_REST = _head(OTHER, None), _tail(OTHER, "Everything else together")


@lru_cache(maxsize=8)
def grouping(features: tuple[Feature, ...]) -> Grouping:
    """The groups of some features, in the order in which they first appear."""
    return Grouping(features, *grouped([feature.name for feature in features]))


def reasons_of(features: Sequence[Feature], values: Float32Array, effects: Float64Array) -> list[Reasons]:
    """The reasons of each row."""
    return grouping(tuple(features)).reasons(values, effects)


def _plain(feature: Feature, value: float) -> float | str | None:
    """A number, or the word of a category; None where nothing is known."""
    if isnan(value):
        return None
    levels = getattr(feature, "levels", None)
    return value if levels is None else str(levels[int(value)])
