"""Phrases: the JSON of a reason around its effect, each kept once; a loop puts reasons together from them."""

from collections.abc import Sequence
from itertools import accumulate, count
from math import isnan
from threading import Lock
from typing import NamedTuple

import numpy as np
import orjson

from features import Feature
from features.columns import Columns
from features.groups import Group
from features.kernel import (
    Float64Array,
    Int16Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt32Array,
    kernel,
    own,
    part,
)
from features.wording import UNKNOWN, speaker

OTHER = "other"

MOST_PHRASES = 50_000
"""So many ready phrases are kept of a bundle's features, then they are made anew."""

CUTS = 6
"""Where a phrase's head begins and ends, where its tail kept, raises and lowers begin, and the tail ends."""

OPEN, CLOSE, COMMA, MINUS = b"[],-"

NO_REASON, MISSING = -1, 0x7FC00000
"""The name of no phrase, and the bits of NaN: everything else has no value."""


class Tail(NamedTuple):
    """The JSON of a reason behind its effect."""

    kept: bytes
    raises: bytes
    lowers: bytes


class Pieces(NamedTuple):
    """Reasons of several leads in a row, as they are told and as they go on record."""

    told: bytes
    kept: bytes
    ends: Int64Array
    """(leads, 2): where each lead's end in both."""


class Phrases:
    """All that was said of a bundle's features, as one text.

    A phrase's name is the place of its feature and below it the 32 bits of its value: most values are those
    of many leads. The place behind the last feature is that of everything else.
    """

    def __init__(self, features: Sequence[Feature], groups: Sequence[Group], code: Int64Array) -> None:
        self._groups = [groups[group] for group in code.tolist()]
        self._begins = [_begin(name) for name in (*(feature.name for feature in features), OTHER)]
        self._levels = [*(getattr(feature, "levels", None) for feature in features), None]
        self._say = [speaker(feature) for feature in features]
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._numbers = dict[int, int]()
        """By name the number of each phrase."""
        self._tails: dict[tuple[int, str], tuple[int, ...]] = {}
        """By a feature's place and what its value says: many values say the same."""
        self._text, self._cuts = Columns({"byte": np.uint8}), Columns({"cut": np.int32})
        self._end, self._new = 0, list[bytes]()
        """Where the text will end with what is new."""
        self._longest = 0
        """No phrase takes more bytes."""

    def put_together(self, names: Int64Array, effects: Float64Array) -> Pieces:
        """The reasons of leads, by the names of their phrases, -1 none, and effects, both (leads, most)."""
        numbers = orjson.dumps(effects.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)
        digits, ends = own(np.frombuffer(numbers, np.uint8)), np.zeros((len(names), 2), np.int64)
        with self._lock:
            phrase = self._numbered(names.ravel())
            text, cuts = self._text["byte"], self._cuts["cut"].reshape(-1, CUTS)
            room = self._longest * phrase.size + digits.size + 2 * len(names)
            told, kept = np.empty(room, np.uint8), np.empty(room, np.uint8)
            put_together(phrase.reshape(names.shape), digits, text, cuts, told, kept, ends)
        said, noted = ends[-1].tolist() if len(names) else (0, 0)
        return Pieces(told[:said].tobytes(), kept[:noted].tobytes(), ends)

    def _numbered(self, names: Int64Array) -> Int64Array:
        """The number of each one's phrase, below 0 where there is no name."""
        if len(self._numbers) > MOST_PHRASES:
            self._forget()
        wanted, known = names.tolist(), self._numbers
        if new := {name for name in wanted if name >= 0 and name not in known}:
            self._phrase(np.array(sorted(new)))
        return np.array([known.get(name, NO_REASON) for name in wanted], np.int64)

    def _phrase(self, names: Int64Array) -> None:
        """Make phrases that nobody asked for yet."""
        values = names.astype(np.uint32).view(np.float32).astype(np.float64)
        digits = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
        places, seen = (names >> 32).tolist(), values.tolist()
        tails = np.array(list(map(self._tail_of, places, seen)))
        heads = np.array(self._add(*map(self._head_of, places, seen, digits)))
        cuts = np.column_stack([heads[:-1], heads[1:], tails])
        self._numbers |= zip(names.tolist(), count(len(self._numbers)), strict=False)
        self._cuts.append(cut=cuts.ravel())
        self._text.append(byte=np.frombuffer(b"".join(self._new), np.uint8))
        self._new.clear()
        self._longest = max(self._longest, int((cuts[:, 1] - cuts[:, 0] + cuts[:, -1] - cuts[:, 2]).max()))

    def _head_of(self, place: int, value: float, number: bytes) -> bytes:
        """With the value as a number, or the word of a category; `null` where nothing is known."""
        levels = self._levels[place]
        if levels is not None and not isnan(value):
            number = orjson.dumps(str(levels[int(value)]))
        return b'%s%s,"effect":' % (self._begins[place], number)

    def _tail_of(self, place: int, value: float) -> tuple[int, ...]:
        """Where the text has what a value says."""
        what = UNKNOWN if isnan(value) else self._say[place](value)
        found = self._tails.get((place, what))
        if found is None:
            found = self._tails[place, what] = self._add(*self._tail(place, what))
        return found

    def _tail(self, place: int, what: str) -> Tail:
        if place == len(self._groups):
            return tail_of(OTHER, "Everything else together")
        group = self._groups[place]
        return tail_of(group.name, f"{group.title} ({what})")

    def _add(self, *texts: bytes) -> tuple[int, ...]:
        """Where texts begin behind what is there, and where the last one ends."""
        cuts = (*accumulate(map(len, texts), initial=self._end),)
        self._end = cuts[-1]
        self._new += texts
        return cuts


@kernel
def name_all(place: Int16Array, words: UInt32Array, out: Int64Array) -> None:
    """Fill `out` with the names of phrases: of features by place, -1 none, and what each said, bit by bit."""
    for i in range(place.shape[0]):
        for j in range(place.shape[1]):
            feature = np.int64(place[i, j])
            word = np.int64(words[i, feature]) if 0 <= feature < words.shape[1] else MISSING
            out[i, j] = feature << 32 | word if feature >= 0 else NO_REASON


@kernel
def put_together(
    phrase: Int64Array,
    digits: UInt8Array,
    text: UInt8Array,
    cuts: Int32Array,
    told: UInt8Array,
    kept: UInt8Array,
    ends: Int64Array,
) -> None:
    """Fill `told` and `kept` with a JSON list of each lead's reasons, and `ends` with where it ends.

    A reason is the head of its phrase, its effect, one of the JSON list `digits`, and a tail; -1 is none.
    """
    said, noted, read = 0, 0, 1
    for lead in range(phrase.shape[0]):
        told[said] = kept[noted] = OPEN
        said, noted, first = said + 1, noted + 1, said
        for which in range(phrase.shape[1]):
            end = read
            while digits[end] != COMMA and digits[end] != CLOSE:
                end += 1
            if phrase[lead, which] >= 0:
                if said > first + 1:
                    told[said] = kept[noted] = COMMA
                    said, noted = said + 1, noted + 1
                cut, way = cuts[phrase[lead, which]], 4 if digits[read] == MINUS else 3
                said = copy(text, cut[0], cut[1], told, said)
                said = copy(digits, read, end, told, said)
                said = copy(text, cut[way], cut[way + 1], told, said)
                noted = copy(text, cut[0], cut[1], kept, noted)
                noted = copy(digits, read, end, kept, noted)
                noted = copy(text, cut[2], cut[3], kept, noted)
            read = end + 1
        told[said] = kept[noted] = CLOSE
        said, noted = said + 1, noted + 1
        ends[lead, 0], ends[lead, 1] = said, noted


@part
def copy(source: UInt8Array, start: int, stop: int, out: UInt8Array, at: int) -> int:
    """Write a piece of a text into another; return where it ends there.

    By slices: counted from their begin, bytes go many at a time.
    """
    piece, size = source[start:stop], stop - start
    room = out[at : at + size]
    for i in range(size):
        room[i] = piece[i]
    return at + size


def _begin(feature: str) -> bytes:
    return b'{"feature":%s,"value":' % orjson.dumps(feature)


def tail_of(group: str, what: str) -> Tail:
    """The JSON behind an effect of a group, of which a sentence is told that begins like that."""
    kept = b',"group":' + orjson.dumps(group)
    raises, lowers = (b'%s,"text":%s}' % (kept, orjson.dumps(f"{what} {way} it")) for way in _WAYS)
    return Tail(kept + b"}", raises, lowers)


_WAYS = "raises", "lowers"
