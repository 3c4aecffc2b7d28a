"""A hash table: whole numbers as names, numbered in order of appearance, found many at a time."""

import numpy as np

from features.columns import Columns
from features.kernel import Int32Array, Int64Array, kernel, part

UNKNOWN = EMPTY = -1

FEWEST = 1024
"""Slots of an empty table; a power of two, as every table's."""


class HashTable:
    """Names from 0 upwards, and each one's number; at most half of the table's slots are taken."""

    def __init__(self) -> None:
        self._names = Columns({"name": np.int64})
        self._make_table(FEWEST)

    def __len__(self) -> int:
        return len(self._names)

    def of(self, names: Int64Array) -> Int64Array:
        """The number of each name; UNKNOWN where it has none, as names below 0."""
        found = np.empty(names.size, np.int64)
        find(names, self._slots, self._numbers, found)
        return found

    def add(self, names: Int64Array) -> None:
        """Number new names, each once."""
        first = len(self)
        self._names.append(name=names)
        if 2 * len(self) > self._slots.size:
            self._make_table(1 << (4 * len(self)).bit_length())
            first = 0
        enter(self._names["name"], first, self._slots, self._numbers)

    def _make_table(self, size: int) -> None:
        self._slots, self._numbers = np.full(size, EMPTY), np.empty(size, np.int32)


@kernel
def find(names: Int64Array, slots: Int64Array, numbers: Int32Array, out: Int64Array) -> None:
    """Fill `out` with the number of each name, UNKNOWN where it has none."""
    for i in range(names.size):
        out[i] = UNKNOWN
        if names[i] >= 0:
            slot = slot_of(names[i], slots)
            if slots[slot] == names[i]:
                out[i] = numbers[slot]


@kernel
def enter(names: Int64Array, first: int, slots: Int64Array, numbers: Int32Array) -> None:
    """Give each name from the first one on its place as its number."""
    for i in range(first, names.size):
        slot = slot_of(names[i], slots)
        slots[slot], numbers[slot] = names[i], i


@part
def slot_of(name: int, slots: Int64Array) -> int:
    """Where a name is, or the empty slot where it would be: the first from a slot that looks random on."""
    mixed = (name & 0xFFFFFFFF) * 0x5BD1E995 + (name >> 32) * 0x9E3779B1
    slot = (mixed ^ (mixed >> 31)) & (slots.size - 1)
    while slots[slot] != name and slots[slot] != EMPTY:
        slot = (slot + 1) & (slots.size - 1)
    return slot
