"""Cells: leads sorted into cells of site and kind, and how many are in each, kept as leads move about."""

import numpy as np

from features.kernel import BoolArray, Int32Array, Int64Array, kernel

BLOCK = 4096
"""Leads are counted by so many at a time, so that whoever looks for a few skips the others."""

NOWHERE = -1
"""The cell of a lead that isn't there."""


class Cells:
    """The cell of each lead, by its slot, and the leads of each cell, by block and in all."""

    def __init__(self, cell: Int32Array, cells: int) -> None:
        """Count leads anew."""
        self.cell = cell
        self.blocks = np.zeros((cells, -(-cell.size // BLOCK)), np.int32)
        self.totals = np.zeros(cells, np.int64)
        count(cell, self.blocks, self.totals)

    def only(self, wanted: BoolArray) -> "Cells":
        """The same leads with only some of them there."""
        return Cells(np.where(wanted, self.cell, np.int32(NOWHERE)), self.totals.size)

    def make_room(self, slots: int, cells: int) -> None:
        """Room for more leads, who aren't there yet, and cells; twice as much as is needed."""
        if slots > self.cell.size:
            self.cell = np.append(self.cell, np.full(2 * slots - self.cell.size, NOWHERE, np.int32))
        blocks = -(-self.cell.size // BLOCK)
        if cells > self.totals.size or blocks > self.blocks.shape[1]:
            had, cells = self.totals.size, 2 * cells if cells > self.totals.size else self.totals.size
            self.blocks = np.pad(self.blocks, ((0, cells - had), (0, blocks - self.blocks.shape[1])))
            self.totals = np.pad(self.totals, (0, cells - had))

    def move(self, slots: Int64Array, to: Int64Array) -> None:
        """Put leads into other cells."""
        move(slots, to, self.cell, self.blocks, self.totals)

    def number(self, cells: Int64Array) -> int:
        """How many leads are in these cells."""
        return int(self.totals[cells].sum())

    def among(self, cells: Int64Array) -> Int64Array:
        """The slots of all leads in any of these cells, ascending."""
        out = np.empty(self.number(cells), np.int64)
        if out.size:
            gather(self.cell, self.wanted(cells), self._by_block(cells), out)
        return out

    def numbered(self, cells: Int64Array, numbers: Int64Array) -> Int64Array:
        """Some of them, numbered from 0 in the order of their slots."""
        out = np.empty(numbers.size, np.int64)
        find(self.cell, self.wanted(cells), self._by_block(cells).cumsum(), numbers, out)
        return out

    def _by_block(self, cells: Int64Array) -> Int64Array:
        """How many leads of these cells are in each block."""
        out = np.zeros(self.blocks.shape[1], np.int64)
        add_up(self.blocks, cells, out)
        return out

    def wanted(self, cells: Int64Array) -> BoolArray:
        """By cell whether it is one of these; the last place is NOWHERE's."""
        wanted = np.zeros(self.totals.size + 1, np.bool_)
        wanted[cells] = True
        return wanted


@kernel
def count(cell: Int32Array, blocks: Int32Array, totals: Int64Array) -> None:
    """Add each lead to its cell and block."""
    for slot in range(cell.size):
        if cell[slot] >= 0:
            blocks[cell[slot], slot // BLOCK] += 1
            totals[cell[slot]] += 1


@kernel
def move(slots: Int64Array, to: Int64Array, cell: Int32Array, blocks: Int32Array, totals: Int64Array) -> None:
    """Take each lead out of its cell and put it into another."""
    for i in range(slots.size):
        block, old = slots[i] // BLOCK, cell[slots[i]]
        if old >= 0:
            blocks[old, block] -= 1
            totals[old] -= 1
        if to[i] >= 0:
            blocks[to[i], block] += 1
            totals[to[i]] += 1
        cell[slots[i]] = to[i]


@kernel
def add_up(blocks: Int32Array, cells: Int64Array, out: Int64Array) -> None:
    """Add the leads of some cells to `out`, by block."""
    for i in range(cells.size):
        for block in range(out.size):
            out[block] += blocks[cells[i], block]


@kernel
def gather(cell: Int32Array, wanted: BoolArray, by_block: Int64Array, out: Int64Array) -> None:
    """Fill `out` with the slots of the leads in wanted cells, ascending."""
    found = 0
    for block in range(by_block.size):
        if by_block[block]:
            for slot in range(block * BLOCK, min((block + 1) * BLOCK, cell.size)):
                if wanted[cell[slot]]:
                    out[found] = slot
                    found += 1


@kernel
def find(cell: Int32Array, wanted: BoolArray, ends: Int64Array, numbers: Int64Array, out: Int64Array) -> None:
    """Fill `out` with the slots of the leads of those numbers among the wanted; `ends` counts up by block."""
    for i in range(numbers.size):
        block = np.searchsorted(ends, numbers[i], side="right")
        left = numbers[i] - (ends[block - 1] if block > 0 else 0)
        slot = block * BLOCK
        while left > 0 or not wanted[cell[slot]]:
            left -= wanted[cell[slot]]
            slot += 1
        out[i] = slot
