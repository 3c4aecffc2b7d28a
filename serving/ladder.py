"""Ladder: leads in the order of their keys, kept as keys change: the first are found without sorting."""

import numpy as np

from features.columns import Columns
from features.kernel import BoolArray, Float64Array, Int32Array, Int64Array, kernel

from .cells import Cells

FEW = 256
"""So many leads may wait to be sorted in, or a WAIT-th of all: until then whoever asks looks at each."""

WAIT = 64

SPARSE = 8
"""A step down the order costs as much as looking at so many leads as they are stored: where a walk to the
last who is asked for is longer than that, all who are there are gathered and sorted."""


class Ladder:
    """Whose first key is least comes first, of equals the one whose second is, then the lower slot.

    Keys are float64: instants and counts are exact in it.
    """

    def __init__(self) -> None:
        self._keys = Columns(
            {"first": np.float64, "second": np.float64, "waits": np.bool_, "stands": np.bool_}
        )
        """By slot: its keys; whether it waits to be sorted in; whether its place in the order counts."""
        self._order = np.empty(0, np.int64)
        self._waiting = Columns({"slot": np.int64})

    def place(self, slots: Int64Array, first: Float64Array, second: Float64Array) -> None:
        """Let leads have these keys from now on; each slot is given once."""
        self._make_room(int(slots.max(initial=-1)) + 1)
        keys, new = self._keys, np.empty(slots.size, np.int64)
        kept = (keys["first"], keys["second"], keys["waits"], keys["stands"])
        self._waiting.append(slot=new[: put(slots, first, second, *kept, new)])
        if len(self._waiting) > max(FEW, self._order.size // WAIT):
            self._sort_in()

    def first(self, cells: Cells, wanted: Int64Array, most: int) -> Int64Array:
        """The first `most` leads of the wanted cells, in order; all leads there must have been placed."""
        if not most:
            return np.empty(0, np.int64)
        if self._order.size * most > cells.number(wanted) * (cells.cell.size // SPARSE):
            return self._sorted(cells.among(wanted))[:most]
        out, marks, first = np.empty(most, np.int64), cells.wanted(wanted), self._keys["first"]
        found = out[: walk(self._order, self._keys["stands"], cells.cell, marks, out)]
        last = first[found[-1]] if found.size == most else np.inf
        late = np.empty(len(self._waiting), np.int64)
        late = late[: overtake(self._waiting["slot"], first, last, cells.cell, marks, late)]
        return found if not late.size else self._sorted(np.concatenate([found, late]))[:most]

    def _sorted(self, slots: Int64Array) -> Int64Array:
        if not slots.size:
            return slots
        return slots[np.lexsort((slots, self._keys["second"][slots], self._keys["first"][slots]))]

    def _sort_in(self) -> None:
        """Put whoever waits in their places."""
        waiting, keys = self._waiting["slot"], self._keys
        kept = self._order[keys["stands"][self._order]]
        if waiting.size > kept.size // SPARSE:
            self._order = self._sorted(np.concatenate([kept, waiting]))
        else:
            merged = np.empty(kept.size + waiting.size, np.int64)
            merge(kept, self._sorted(waiting), keys["first"], keys["second"], merged)
            self._order = merged
        keys["waits"][waiting], keys["stands"][waiting] = False, True
        self._waiting.keep(np.zeros(waiting.size, np.bool_))

    def _make_room(self, slots: int) -> None:
        more = slots - len(self._keys)
        if more > 0:
            nothing, no = np.full(more, np.nan), np.zeros(more, np.bool_)
            self._keys.append(first=nothing, second=nothing, waits=no, stands=no)


@kernel
def put(
    slots: Int64Array,
    first: Float64Array,
    second: Float64Array,
    kept_first: Float64Array,
    kept_second: Float64Array,
    waits: BoolArray,
    stands: BoolArray,
    out: Int64Array,
) -> int:
    """Keep the keys of some leads; fill `out` with those that wait from now on, and return how many."""
    found = 0
    for i in range(slots.size):
        slot = slots[i]
        same = kept_first[slot] == first[i] and kept_second[slot] == second[i]
        if same and (waits[slot] or stands[slot]):
            continue
        kept_first[slot], kept_second[slot], stands[slot] = first[i], second[i], False
        if not waits[slot]:
            waits[slot] = True
            out[found] = slot
            found += 1
    return found


@kernel
def walk(order: Int64Array, stands: BoolArray, cell: Int32Array, wanted: BoolArray, out: Int64Array) -> int:
    """Fill `out` with the first leads in wanted cells, as many as there are; return how many."""
    found = 0
    for i in range(order.size):
        if found == out.size:
            break
        slot = order[i]
        if wanted[cell[slot]] and stands[slot]:
            out[found] = slot
            found += 1
    return found


@kernel
def overtake(
    waiting: Int64Array,
    first: Float64Array,
    last: float,
    cell: Int32Array,
    wanted: BoolArray,
    out: Int64Array,
) -> int:
    """Fill `out` with those of wanted cells who wait and whose first key is no larger than the `last`."""
    found = 0
    for i in range(waiting.size):
        slot = waiting[i]
        if first[slot] <= last and wanted[cell[slot]]:
            out[found] = slot
            found += 1
    return found


@kernel
def merge(
    kept: Int64Array, new: Int64Array, first: Float64Array, second: Float64Array, out: Int64Array
) -> None:
    """Merge two sorted lists of slots."""
    begin = 0
    for k in range(new.size):
        low, high, slot = begin, kept.size, new[k]
        while low < high:
            middle = (low + high) // 2
            other = kept[middle]
            if first[other] < first[slot] or (
                first[other] == first[slot]
                and (second[other] < second[slot] or (second[other] == second[slot] and other < slot))
            ):
                low = middle + 1
            else:
                high = middle
        out[begin + k : low + k] = kept[begin:low]
        out[low + k] = slot
        begin = low
    out[begin + new.size :] = kept[begin:]
