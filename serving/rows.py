"""Rows: sets of leads as ascending arrays, each once."""

from collections.abc import Sequence

import numpy as np

from features.kernel import Int64Array, kernel


def union(parts: Sequence[Int64Array]) -> Int64Array:
    """All of at least one part; for a few leads `np.unique` takes several times as long."""
    together = np.concatenate(parts)
    together.sort()
    return together[: squeeze(together)]


@kernel
def squeeze(ascending: Int64Array) -> int:
    """Move each to the front once; return how many there are."""
    found = 0
    for i in range(ascending.size):
        if not found or ascending[i] != ascending[found - 1]:
            ascending[found] = ascending[i]
            found += 1
    return found


@kernel
def sift(
    rows: Int64Array, mine: Int64Array, campaigns: Int64Array, campaign: int, out: Int64Array
) -> tuple[int, int]:
    """Fill `out[0]` with the places in `mine` of those there, `out[1]` with the campaign's others; how many.

    `mine` ascends; `campaigns`: by row.
    """
    known = new = 0
    for row in rows:
        place = np.searchsorted(mine, row)
        if place < mine.size and mine[place] == row:
            out[0, known] = place
            known += 1
        elif campaigns[row] == campaign:
            out[1, new] = row
            new += 1
    return known, new
