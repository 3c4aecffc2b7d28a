"""Asked: moments in the order in which a sweep answers them, by actor and time; facts are arranged alike."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .entries import is_ascending
from .kernel import Int64Array, kernel


class Asked(NamedTuple):
    """Moments by actor, and inside an actor by time; or facts, by since when they are seen.

    Those of the i-th actor are `start[i + 1]` to `start[i + 2]`. In front stand the rows that name nobody,
    behind those of actors without a place on the tape.
    """

    row: Int64Array
    """The row of the output, or of the facts."""
    at: Int64Array
    start: Int64Array
    first: int = 0
    """The code of the first actor with a place."""
    codes: Int64Array = np.empty(0, np.int64)
    """The codes of the actors and one above all, where they aren't neighbours."""

    def of(self, first: int, end: int) -> "Asked":
        """Those of some of the actors; with the first and the last of all go those who have no place."""
        start, places = self.start, self.start.size - 3
        low = int(start[first + 1]) if first > 0 else 0
        high = int(start[end + 1]) if end < places else self.row.size
        some = start[first : end + 3] - low
        some[0], some[-1] = max(some[0], 0), min(some[-1], high - low)
        row, at = np.ascontiguousarray(self.row[low:high]), np.ascontiguousarray(self.at[low:high])
        return Asked(row, at, some, self.first + first, self.codes[first : end + 1])


def cut(start: Int64Array, most: int) -> list[tuple[int, int]]:
    """Ranges of actors with about `most` rows each, more only where one actor has more."""
    start, ends = start[1:-1], [0]
    while ends[-1] < start.size - 1:
        end = int(np.searchsorted(start, start[ends[-1]] + most, side="right")) - 1
        ends.append(max(end, ends[-1] + 1))
    return list(pairwise(ends)) or [(0, 0)]


def arrange(group: Int64Array, at: Int64Array, groups: int) -> Asked:
    """Sort rows by actor and time, those of one actor and instant in their order."""
    start = np.zeros(groups + 3, np.int64)
    if is_arranged(group, at):
        start[1:] = np.searchsorted(group, np.arange(groups + 2) - 1, side="right")
        start[-1] = group.size
        return Asked(np.arange(group.size), at, start)
    by_time = np.empty(0, np.int64) if is_ascending(at) else np.argsort(at, kind="stable")
    row = np.empty(group.size, np.int64)
    count_rows(group, start)
    sort_by_group(group, by_time, start.copy(), row)
    return Asked(row, at[row], start)


@kernel
def is_arranged(group: Int64Array, at: Int64Array) -> bool:
    """Whether rows stand by actor already, and inside an actor by time."""
    for i in range(1, group.size):
        if group[i] < group[i - 1] or (group[i] == group[i - 1] and at[i] < at[i - 1]):
            return False
    return True


@kernel
def count_rows(group: Int64Array, start: Int64Array) -> None:
    """Where the rows of each actor begin, if they stand side by side, those that name nobody in front."""
    groups = start.size - 3
    for i in range(group.size):
        start[min(group[i], groups) + 2] += 1
    for g in range(1, start.size):
        start[g] += start[g - 1]


@kernel
def sort_by_group(group: Int64Array, by_time: Int64Array, free: Int64Array, out: Int64Array) -> None:
    """Counting sort of rows that stand in the order of time (or of `by_time`), stable."""
    groups = free.size - 3
    for i in range(group.size):
        row = by_time[i] if by_time.size else i
        g = min(group[row], groups) + 1
        out[free[g]] = row
        free[g] += 1
