"""Untried: the never-tried leads of a campaign that its model may call, counted by their source."""

import numpy as np

from features.kernel import BoolArray, Int64Array

from .cells import NOWHERE, Cells
from .numbering import Numbering

MOST_SOURCES = 64
"""A campaign's first sources are kept apart, so many of them; leads of others are not looked after."""


class Untried:
    """Cells of site and source; who isn't one of them is in none. Kept only where there is use for it."""

    def __init__(self, kept: bool, cells: Cells | None = None, numbers: Numbering | None = None) -> None:
        self._kept = kept
        self.cells = cells or Cells(np.empty(0, np.int32), 0)
        self._numbers = Numbering() if numbers is None else numbers
        """By code of a source its place in a site's cells."""

    def only(self, wanted: BoolArray) -> "Untried":
        """The same with only some leads there."""
        return Untried(self._kept, self.cells.only(wanted) if self._kept else None, self._numbers)

    def make_room(self, slots: int) -> None:
        """Room for more leads, who aren't there yet."""
        if self._kept:
            self.cells.make_room(slots, 0)

    def put(self, slots: Int64Array, site: Int64Array, origin: Int64Array, there: BoolArray) -> None:
        """Let leads of these sites and sources be there or not."""
        if not self._kept or not slots.size:
            return
        number = self._numbers.of(origin)
        self.cells.make_room(0, (int(site.max()) + 1) * MOST_SOURCES)
        there = there & (number < MOST_SOURCES)
        self.cells.move(slots, np.where(there, site * MOST_SOURCES + number, NOWHERE))

    def follow(self, other: "Untried", slots: Int64Array) -> None:
        """Let leads be where they are in another one."""
        if self._kept:
            self.cells.make_room(0, other.cells.totals.size)
            self.cells.move(slots, other.cells.cell[slots].astype(np.int64))

    def counts(self, sites: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Codes of the sources that have any at these sites, ascending, and how many."""
        by_site = self.cells.totals.reshape(-1, MOST_SOURCES)
        by_number = by_site[sites[sites < by_site.shape[0]]].sum(axis=0)
        codes = np.array(self._numbers.codes[:MOST_SOURCES], np.int64)
        some = np.flatnonzero(by_number[: codes.size])
        some = some[np.argsort(codes[some])]
        return codes[some], by_number[some]

    def numbered(self, sites: Int64Array, origin: int, numbers: Int64Array) -> Int64Array:
        """Some of a source's at these sites, numbered from 0 in the order of their slots."""
        cells = sites * MOST_SOURCES + self._numbers.of(np.array([origin]))
        return self.cells.numbered(cells[cells < self.cells.totals.size], numbers)
