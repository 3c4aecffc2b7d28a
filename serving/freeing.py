"""Freeing: when the next lead that is held back may be called, found without looking at all of them."""

import numpy as np

from features.instants import NEVER
from features.kernel import Int32Array, Int64Array, kernel

from .cells import BLOCK


class Freeing:
    """By site and block of leads an instant up to which none of them frees up that is held back now."""

    def __init__(self) -> None:
        self._soonest = np.empty((0, 0), np.int64)

    def make_room(self, sites: int, blocks: int) -> None:
        """Room for more leads and sites."""
        more = max(sites - self._soonest.shape[0], 0), max(blocks - self._soonest.shape[1], 0)
        if any(more):
            self._soonest = np.pad(self._soonest, ((0, more[0]), (0, more[1])), constant_values=NEVER)

    def hold(self, slots: Int64Array, site: Int64Array, until: Int64Array) -> None:
        """Leads of these sites are held back until then, 0 not at all."""
        held = until > 0
        np.minimum.at(self._soonest, (site[held], slots[held] // BLOCK), until[held])

    def first(
        self, until: Int64Array, site: Int64Array, cell: Int32Array, opens: Int64Array, at: int, before: int
    ) -> int:
        """The least instant after `at` at which a lead that is held back and its site may both allow a call.

        By slot `until` when a lead is held back, its `site`, and its `cell`, negative where it isn't there;
        by site when it `opens`. What isn't `before` that instant is of no use, and not looked for.
        """
        return int(next_until(until, site, cell, opens, at, before, self._soonest))


@kernel
def next_until(
    until: Int64Array,
    site: Int64Array,
    cell: Int32Array,
    opens: Int64Array,
    at: int,
    before: int,
    soonest: Int64Array,
) -> int:
    """`Freeing.first`; blocks that can't have it are skipped, `soonest` is made exact in the others."""
    found = before
    for block in range(soonest.shape[1]):
        may = False
        for place in range(opens.size):
            may = may or max(soonest[place, block], opens[place]) < found
        if may:
            soonest[:, block] = NEVER
            for slot in range(block * BLOCK, min((block + 1) * BLOCK, until.size)):
                if until[slot] > at:
                    place = site[slot]
                    soonest[place, block] = min(soonest[place, block], until[slot])
                    if cell[slot] >= 0:
                        found = min(found, max(until[slot], opens[place]))
    return found
