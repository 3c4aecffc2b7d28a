"""Tape: what each actor's past said after every piece of news, kept as running sums that only grow.

An actor's entries stand in the order in which they could be seen, so what a moment sees is always a beginning
of them, however late the news came, and a vector is a difference of two entries. The same loop writes a tape
from a whole log and event by event: what serving keeps is what training reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from .asked import Asked, arrange
from .entries import (
    HEAD,
    LATE,
    NOTHING,
    ROW,
    SEEN,
    Blocks,
    Entries,
    News,
    Program,
    entries_since,
    note_all,
    place_behind,
    relocate,
)
from .facts import BIT, QUANTITIES, Facts
from .instants import NEVER
from .kernel import Int64Array, plain
from .running import run, run_edges_again

THOUSANDTH = 1000.0

STRETCH = 32_768
"""So many facts are noted at a time: their entries stay in the cache."""

Column = str | tuple[str, str]
"""A mark, quantity or word; or an edge: (mark, `last` or `first`)."""


class Told(Protocol):
    """Facts as a tape follows them: of a row, or a slice or array of rows."""

    def __len__(self) -> int:
        """How many there are."""

    def seen(self, rows: slice) -> Int64Array:
        """Since when a moment sees them."""

    def groups(self, rows: slice) -> Int64Array:
        """The actor of each, -1 for none."""

    def news(self, rows: Int64Array, spec: "Spec") -> News:
        """What they bring to each column."""


@dataclass(frozen=True)
class Spec:
    """What a tape keeps of each actor: the columns of its running state."""

    by: str
    sums: tuple[str, ...] = ()
    """Marks and quantities whose sums run."""
    fades: tuple[tuple[str, int], ...] = ()
    """(mark or quantity, half-life): sums that halve once per half-life, grouped by half-life."""
    edges: tuple[tuple[str, str], ...] = ()
    """(mark, `last` or `first`): the time of the latest or earliest fact that bears it; its sum runs too."""
    words: tuple[str, ...] = ()
    """Words of which the latest stands."""
    copies: tuple[str, ...] = ()
    """Words kept of each entry."""

    @cached_property
    def sections(self) -> tuple[tuple[Column, ...], ...]:
        """The columns of the state: sums, latest and earliest times of a mark, latest words, own words.

        Quantities that fade are summed as well: there a fact notes its own.
        """
        lasts = tuple(edge for edge in self.edges if edge[1] == "last")
        firsts = tuple(edge for edge in self.edges if edge[1] == "first")
        sums = dict.fromkeys((*self.sums, *self.quantities))
        return tuple(sums), lasts, firsts, self.words, self.copies

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that it sums, in the order in which the news hold them."""
        asked = {*self.sums, *(name for name, _ in self.fades)}
        return tuple(name for name in QUANTITIES if name in asked)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All sections, one after the other."""
        return tuple(column for section in self.sections for column in section)

    def column(self, of: Column) -> int:
        """An entry's column of a running sum, an edge, a word or a copy."""
        return HEAD + self.columns.index(of)

    def fade_at(self, name: str, half_life: int) -> int:
        """The column of a fading sum."""
        return self.fades.index((name, half_life))


@dataclass
class Tape:
    """The running state of one kind of actor; `follow` adds the facts behind the last one it has seen."""

    spec: Spec
    blocks: Blocks
    entries: Entries
    used: int = NOTHING + 1
    """Entries lie below this; relocated actors leave holes."""
    facts: int = 0
    """So many facts were followed."""
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        self.program = program_of(self.spec)

    @classmethod
    def empty(cls, spec: Spec) -> "Tape":
        """A tape without actors."""
        return cls(spec, no_blocks(0), room_for(NOTHING + 1, spec))

    @property
    def groups(self) -> int:
        """How many actors there is place for."""
        return int(self.blocks.first.size)

    def follow(self, told: Told, groups: int) -> None:
        """Write the facts behind those followed so far."""
        self._grow_groups(groups)
        if self.facts == 0 < len(told):
            everything = slice(0, len(told))
            self.write(told, arrange(told.groups(everything), told.seen(everything), groups))
        elif self.facts < len(told):
            self._write_behind(told)
        self.facts = len(told)

    def write(self, told: Told, facts: Asked) -> None:
        """The first facts: each actor's entries side by side, without room for more."""
        low, high = int(facts.start[1]), int(facts.start[-2])
        self.blocks, self.used = side_by_side(np.diff(facts.start[1:-1])), NOTHING + 1 + high - low
        if self.entries.state.shape[0] < self.used:
            self.entries = room_for(self.used, self.spec)
        state = self.entries.state
        for begin in range(low, high, STRETCH):
            some = slice(begin, min(begin + STRETCH, high))
            entries = np.arange(some.start, some.stop) + (NOTHING + 1 - low)
            state[entries[0] : entries[-1] + 1, ROW] = facts.row[some]
            state[entries[0] : entries[-1] + 1, SEEN] = facts.at[some]
            note_all(entries, told.news(facts.row[some], self.spec), self.program, state)
        touched = np.flatnonzero(self.blocks.size)
        self._run(touched, np.zeros(touched.size, np.int64))

    def _grow_groups(self, groups: int) -> None:
        if groups > self.groups:
            new = no_blocks(groups - self.groups)
            self.blocks = Blocks(*(np.concatenate(pair) for pair in zip(self.blocks, new, strict=True)))

    def _write_behind(self, told: Told) -> None:
        """More facts: actors without room move to the end first, and late facts move others."""
        rows = slice(self.facts, len(told))
        group, seen = told.groups(rows), told.seen(rows)
        touched, added = np.unique(group[group >= 0], return_counts=True)
        size = self.blocks.size[touched]
        full = size + added > self.blocks.room[touched]
        wanted = 2 * (size + added)[full] + 6
        self._reserve(self.used + int(wanted.sum()))
        self.used = relocate(touched[full], wanted, self.used, self.blocks, self.entries)
        state = self.entries.state
        count = place_behind(group, seen, self.facts, touched, size, self.blocks, state)
        entries = np.empty(count, np.int64)
        entries_since(touched, size, self.blocks, entries)
        note_all(entries, told.news(state[entries, ROW], self.spec), self.program, state)
        self._run(touched, size)

    def _run(self, touched: Int64Array, since: Int64Array) -> None:
        run(touched, since, self.program, self.blocks, self.entries)
        corrected = self.blocks.taken_back[touched] > 0
        if self.spec.edges and np.any(corrected):
            state = self.entries.state
            run_edges_again(touched[corrected], since[corrected], self.program, self.blocks, state)

    def _reserve(self, size: int) -> None:
        if size > self.entries.state.shape[0]:
            larger = room_for(max(size, 2 * self.entries.state.shape[0]), self.spec)
            for name in Entries._fields:
                getattr(larger, name)[: self.used] = getattr(self.entries, name)[: self.used]
            self.entries = larger


def program_of(spec: Spec) -> Program:
    """The spec as arrays."""
    halves = sorted({half for _, half in spec.fades})
    total = [-1 if isinstance(column, str) else spec.column(column[0]) for column in spec.columns]
    marks = [name if isinstance(name, str) else name[0] for name in spec.columns]
    fades = [BIT.get(name) or -spec.column(name) for name, _ in spec.fades]
    return Program(
        begins=HEAD + np.cumsum([0, *map(len, spec.sections)]),
        source=np.array([0] * HEAD + [BIT.get(name, 0) for name in marks], np.int64),
        total=np.array([-1] * HEAD + total, np.int64),
        slots=np.array([spec.column(name) for name in spec.quantities], np.int64),
        fade_source=np.array(fades, np.int64),
        fade_half=np.array([halves.index(half) for _, half in spec.fades], np.int64),
        rates=np.array([per_half_life(half) for half in halves], np.float64),
    )


def per_half_life(half_life: int) -> float:
    """Half-lives per microsecond; 0 never fades."""
    return 0.0 if half_life == NEVER else 1.0 / half_life


def side_by_side(size: Int64Array) -> Blocks:
    """Actors of so many entries each."""
    nothing = np.zeros(size.size, np.int64)
    return Blocks(NOTHING + 1 + np.cumsum(size) - size, size, size.copy(), nothing, nothing.copy())


def no_blocks(groups: int) -> Blocks:
    """So many actors without a past."""
    return Blocks(*(np.zeros(groups, np.int64) for _ in Blocks._fields))


def room_for(entries: int, spec: Spec) -> Entries:
    """Unwritten entries, and what an actor says before any fact."""
    sums, lasts, firsts, *words = map(len, spec.sections)
    nothing = [0] * (HEAD + sums) + [-NEVER] * lasts + [NEVER] * firsts + [-1] * sum(words)
    state, faded = np.empty((entries, len(nothing)), np.int64), np.empty((entries, len(spec.fades)))
    state[NOTHING], state[NOTHING, LATE], faded[NOTHING] = nothing, -1, 0.0
    return Entries(state, faded)


def news_of(facts: Facts, rows: Int64Array, spec: Spec, words: Mapping[str, Int64Array]) -> News:
    """What some facts bring to the columns of a spec; `words` holds those that aren't the facts' own."""
    time, bits = facts.time[rows], facts.bits[rows]
    thousandths = np.zeros((rows.size, len(spec.quantities)), np.int64)
    for place, name in enumerate(spec.quantities):
        if name in facts.quantities:
            thousandths[:, place] = np.rint(np.nan_to_num(facts.quantities[name][rows]) * THOUSANDTH)
    names = (*spec.words, *spec.copies)
    said = np.full((rows.size, len(names)), -1, np.int64)
    for place, name in enumerate(names):
        if name in words:
            said[:, place] = words[name]
        elif name in facts.words:
            said[:, place] = facts.words[name][rows]
    taken_back = facts.sign[rows] < 0
    bits[taken_back] = ~bits[taken_back]
    return News(plain(time), plain(bits), thousandths, said)
