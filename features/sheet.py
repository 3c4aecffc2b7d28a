"""Sheet: the readings of one kind of actor as arrays: what the sweep over its tape fills in."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .facts import QUANTITIES
from .kernel import Float32Array, Float64Array, Int64Array
from .notes import THOUSANDTH
from .reading import Reading
from .spec import Spec
from .tape import per_half_life

LINE = 16
"""So many columns lie in a cache line."""

SUM, RATE, FADED, FADED_RATE, SINCE, UNTIL = range(6)


class Sheet(NamedTuple):
    """Readings as arrays, one item a column, in the order of the output's columns."""

    op: Int64Array
    of: Int64Array
    per: Int64Array
    """-1: none."""
    span: Int64Array
    """Place of its window or half-life."""
    unit_of: Float64Array
    """What one of the state's whole numbers is worth."""
    unit_per: Float64Array
    prior_rate: Float64Array
    prior_size: Float64Array
    column: Int64Array
    """Where in the output."""
    unseen: Float32Array
    """What it says of an actor without a past."""
    windows: Int64Array
    rates: Float64Array
    fours: Int64Array
    """The first of four sums over one window that are neighbours in the state and in the output."""
    singles: Int64Array
    """All other columns."""
    stretches: Int64Array
    """(first column, its place in the output, how many): neighbours in the output."""
    lines: Int64Array
    """Columns of which one lies in each cache line that a moment's row is written to."""


def sheet_of(spec: Spec, readings: Sequence[Reading], columns: Sequence[int]) -> Sheet:
    """The readings as the sweep wants them."""
    windows = sorted({reading.within for reading in readings})
    halves = sorted({half for _, half in spec.fades})
    lines = [
        (*_line(spec, reading, windows, halves), *_units(reading), *reading.prior, column)
        for reading, column in zip(readings, columns, strict=True)
    ]
    lines.sort(key=lambda line: line[-1])
    table = np.array(lines, np.float64).reshape(-1, 9)
    op, of, per, span, column = (table[:, place].astype(np.int64) for place in (0, 1, 2, 3, 8))
    unit_of, unit_per, rate, size = (table[:, place].copy() for place in (4, 5, 6, 7))
    with np.errstate(invalid="ignore"):
        prior = np.where(size > 0, rate * size / size, np.nan)
    fours, singles = _fours_and_singles([(op, of, span) for op, of, _, span, *_ in lines])
    return Sheet(
        op, of, per, span, unit_of, unit_per, rate, size, column,
        unseen=np.select([op >= SINCE, (op == SUM) | (op == FADED)], [np.nan, 0.0], prior).astype(np.float32),
        windows=np.array(windows, np.int64),
        rates=np.array([per_half_life(half) for half in halves], np.float64),
        fours=fours, singles=singles, stretches=_stretches(column), lines=_a_line_apart(columns),
    )  # fmt: skip


def _fours_and_singles(columns: Sequence[tuple[int, int, int]]) -> tuple[Int64Array, Int64Array]:
    """Where four columns (operation, place in the state, window) in a row are neighbours, and the others."""
    fours: list[int] = []
    singles: list[int] = []
    c = 0
    while c < len(columns):
        op, of, span = columns[c]
        four = op == SUM and list(columns[c : c + 4]) == [(SUM, of + k, span) for k in range(4)]
        (fours if four else singles).append(c)
        c += 4 if four else 1
    return np.array(fours, np.int64), np.array(singles, np.int64)


def _stretches(column: Int64Array) -> Int64Array:
    """Ascending columns of the output, cut where one is left out."""
    first = np.flatnonzero(np.diff(column, prepend=-2) != 1)
    return np.column_stack([first, column[first], np.diff(first, append=column.size)])


def _a_line_apart(columns: Sequence[int]) -> Int64Array:
    """The first column, the next ones that lie a line of float32 behind, and the last."""
    found: list[int] = []
    for column in sorted(columns):
        if not found or column >= found[-1] + LINE or column == max(columns):
            found.append(column)
    return np.array(found, np.int64)


def _line(spec: Spec, reading: Reading, windows: list[int], halves: list[int]) -> tuple[int, int, int, int]:
    """(operation, column of `of`, of `per`, window or half-life)."""
    if reading.edge is not None:
        return SINCE, spec.column((reading.of, reading.edge)), -1, 0
    if reading.until:
        return UNTIL, spec.column(reading.of), -1, 0
    if reading.half_life is not None:
        of = spec.fade_at(reading.of, reading.half_life)
        per = spec.fade_at(reading.per, reading.half_life) if reading.per else -1
        return FADED_RATE if reading.per else FADED, of, per, halves.index(reading.half_life)
    per = spec.column(reading.per) if reading.per else -1
    return RATE if reading.per else SUM, spec.column(reading.of), per, windows.index(reading.within)


def _units(reading: Reading) -> tuple[float, float]:
    return tuple(1.0 / THOUSANDTH if name in QUANTITIES else 1.0 for name in (reading.of, reading.per))  # type: ignore[return-value]
