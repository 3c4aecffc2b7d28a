"""Blocks: rows scored by bit vectors, some thousand of them side by side through all trees."""

from typing import NamedTuple

import numpy as np

from features.kernel import Float32Array, Float64Array, Int32Array, UInt8Array, UInt32Array, kernel

from .bitvectors import INSIDE, Bitvectors, Columns, Cuts
from .forest import MOST_CODES, MOST_LEAVES, NO_MORE_THAN_ZERO, SET

BLOCK = 2_048
"""Rows that are scored together: their bytes stay in the processor's nearest caches."""
ALL = np.uint8(255)
TINY = np.float32(NO_MORE_THAN_ZERO)
INFINITE = 0x7F800000
"""Infinity's key; those beyond, on both sides, are of what is no number."""


class Room(NamedTuple):
    """What a block of rows becomes on its way to scores."""

    number: Float32Array
    key: Int32Array
    """The same memory."""
    below: UInt32Array
    octet: UInt8Array
    bit: UInt8Array
    codes: UInt8Array
    """(columns, rows)"""
    inside: UInt8Array
    bits: UInt8Array
    """(bytes of leaves, rows)"""
    byte: UInt8Array
    leaf: UInt8Array


def room_for(vectors: Bitvectors, rows: int) -> Room:
    """As much as so many rows need, in equal blocks."""
    width = -(-rows // -(-rows // BLOCK))
    number = np.empty(width, np.float32)
    octet, bit, inside, byte, leaf = (np.empty(width, np.uint8) for _ in range(5))
    codes = np.empty((vectors.columns.feature.size, width), np.uint8)
    bits = np.empty((MOST_LEAVES // 8, width), np.uint8)
    below = np.empty(width, np.uint32)
    return Room(number, number.view(np.int32), below, octet, bit, codes, inside, bits, byte, leaf)


@kernel
def score(values: Float32Array, vectors: Bitvectors, room: Room, out: Float64Array) -> None:
    """Fill `out` with the sum of each row's leaves, tree after tree."""
    starts, width = vectors.leaf_starts, room.number.size
    for begin in range(0, out.size, width):
        block = out[begin : begin + width]
        encode(values[begin : begin + width], vectors.columns, room)
        block[:] = 0
        for t in range(starts.size - 1):
            bits = room.bits[: (starts[t + 1] - starts[t] + 7) // 8]
            cut(vectors.cuts, t, room, block.size, bits)
            first_left(bits, room.byte, room.leaf)
            add(room.leaf, vectors.value[starts[t] : starts[t + 1]], block)


@kernel
def encode(values: Float32Array, columns: Columns, room: Room) -> None:
    """Fill `room.codes` with a byte for each row and column."""
    rows, last = values.shape[0], -1
    for c in range(columns.feature.size):
        feature, kind, codes = columns.feature[c], columns.kind[c], room.codes[c, :rows]
        size, first, is_set = columns.size[c], columns.first[c], kind >= SET
        if 2 * feature + is_set != last:
            last = 2 * feature + is_set
            if is_set:
                split(values[:, feature], room.octet, room.bit)
            else:
                order(values[:, feature], room.number, room.key)
                count_below(room.key, columns.thresholds[first : first + 2 * size], size, room.below[:rows])
        if is_set:
            pick(room.octet, room.bit, np.uint8(kind - SET), codes)
        else:
            not_exceeded(room.key, room.below, size, columns.if_missing[c], codes)


@kernel
def split(value: Float32Array, octet: UInt8Array, bit: UInt8Array) -> None:
    """Codes as a bit among eight, and which eight; bit 0 for what is no code. Codes are cut towards zero."""
    for r in range(value.size):
        known = value[r] > -1 and value[r] < MOST_CODES
        code = np.int32(value[r] if known else np.float32(0))
        octet[r] = code >> 3
        bit[r] = np.int32(known) << (code & 7)


@kernel
def pick(octet: UInt8Array, bit: UInt8Array, wanted: np.uint8, out: UInt8Array) -> None:
    """Fill `out` with the bits of one octet."""
    for r in range(out.size):
        out[r] = bit[r] if octet[r] == wanted else np.uint8(0)


@kernel
def order(value: Float32Array, number: Float32Array, out: Int32Array) -> None:
    """Integers in the order of the values, as `in_order` has them; tiny ones are zeros. Both share memory."""
    for r in range(value.size):
        number[r] = np.float32(0) if abs(value[r]) <= TINY else value[r]
    for r in range(value.size):
        out[r] ^= (out[r] >> 31) & np.int32(0x7FFFFFFF)


@kernel
def count_below(key: Int32Array, table: Int32Array, size: int, out: UInt32Array) -> None:
    """Fill `out` with how many of the table's first `size` keys are less; all rows take a step together."""
    out[:] = 0
    power = 0
    while 2 << power <= size:
        power += 1
    while power >= 0:
        ahead(key, table, np.uint32(power), out)
        power -= 1


@kernel
def ahead(key: Int32Array, table: Int32Array, power: np.uint32, out: UInt32Array) -> None:
    """Go 2^power places further where those keys are less: by a shift, since a branch would be a guess."""
    last = (np.uint32(1) << power) - np.uint32(1)
    for r in range(out.size):
        less = table[np.uint32(out[r] + last)] < key[r]
        out[r] += np.uint32(np.uint32(less) << power)


@kernel
def not_exceeded(
    key: Int32Array, below: UInt32Array, size: int, if_missing: np.uint8, out: UInt8Array
) -> None:
    """Fill `out` with how many of `size` thresholds each value does not exceed."""
    for r in range(out.size):
        missing = key[r] > INFINITE or key[r] < -INFINITE - 1
        out[r] = if_missing if missing else np.uint8(size - below[r])


@kernel
def cut(cuts: Cuts, t: int, room: Room, rows: int, bits: UInt8Array) -> None:
    """Fill `bits` with the leaves of tree t that no failed test takes from a row."""
    bits[:] = ALL
    for c in range(cuts.starts[t], cuts.starts[t + 1]):
        if cuts.pieces[c] < cuts.pieces[c + 1]:
            room.inside[:] = 0
            for p in range(cuts.pieces[c], cuts.pieces[c + 1]):
                join(room.codes[cuts.piece_column[p], :rows], cuts.piece[p], room.inside)
        column = cuts.column[c]
        codes = room.inside[:rows] if column == INSIDE else room.codes[column, :rows]
        take(codes, cuts.floor[c], cuts.keep[c], bits[cuts.place[c]])


@kernel
def join(codes: UInt8Array, piece: np.uint8, out: UInt8Array) -> None:
    """Mark in `out` the rows whose bit is in a piece of a set."""
    for r in range(codes.size):
        out[r] |= codes[r] & piece


@kernel
def take(codes: UInt8Array, floor: np.uint8, keep: np.uint8, out: UInt8Array) -> None:
    """Take from `out`, where the code is less than the floor, all bits but some."""
    for r in range(codes.size):
        out[r] &= keep if codes[r] < floor else ALL


@kernel
def first_left(bits: UInt8Array, byte: UInt8Array, out: UInt8Array) -> None:
    """Fill `out` with the place of each row's first bit."""
    byte[:], out[:] = 0, 0
    for place in range(bits.shape[0] - 1, -1, -1):
        prefer(bits[place], np.uint8(8 * place), byte, out)
    for r in range(out.size):
        low = byte[r] & np.uint8(~byte[r] + np.uint8(1))
        out[r] += ((low & 0xAA) > 0) + 2 * ((low & 0xCC) > 0) + 4 * ((low & 0xF0) > 0)


@kernel
def prefer(here: UInt8Array, base: np.uint8, byte: UInt8Array, out: UInt8Array) -> None:
    """Where a byte has bits, take it and its place instead of a later one."""
    for r in range(here.size):
        later = np.uint8(0) if here[r] > 0 else ALL
        out[r] = (out[r] & later) | (base & ~later)
        byte[r] = (byte[r] & later) | here[r]


@kernel
def add(leaf: UInt8Array, value: Float64Array, out: Float64Array) -> None:
    """Add the value of each row's leaf."""
    for r in range(out.size):
        out[r] += value[leaf[r]]
