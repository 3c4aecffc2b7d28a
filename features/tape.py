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

from .entries import (
    HEAD,
    TAKEN_BACK,
    Blocks,
    Entries,
    News,
    Program,
    is_ascending,
    lay_out,
    note_again,
    place_all,
    place_behind,
    relocate,
    run,
    run_faded,
)
from .facts import BIT, Facts
from .instants import NEVER
from .kernel import Int64Array, plain

THOUSANDTH = 1000.0

STRETCH = 1_000_000
"""So many facts of a first load are noted at a time: the memory that it takes beside the tape."""

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

    def news(self, rows: slice | Int64Array, group: Int64Array, spec: "Spec") -> News:
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
        """The columns of the state: sums, latest and earliest times of a mark, latest words, own words."""
        lasts = tuple(edge for edge in self.edges if edge[1] == "last")
        firsts = tuple(edge for edge in self.edges if edge[1] == "first")
        return self.sums, lasts, firsts, self.words, self.copies

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
    used: int = 0
    """Entries lie below this; relocated actors leave holes."""
    facts: int = 0
    """So many facts were followed."""
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        self.program = program_of(self.spec)

    @classmethod
    def empty(cls, spec: Spec) -> "Tape":
        """A tape without actors."""
        return cls(spec, no_blocks(0), room_for(0, spec))

    @property
    def groups(self) -> int:
        """How many actors there is place for."""
        return int(self.blocks.first.size)

    def follow(self, told: Told, groups: int) -> None:
        """Write the facts behind those followed so far."""
        self._grow_groups(groups)
        if self.used and self.facts < len(told):
            self._write_behind(told)
        elif self.facts < len(told):
            self._write_all(told)
        self.facts = len(told)

    def _grow_groups(self, groups: int) -> None:
        if groups > self.groups:
            new = no_blocks(groups - self.groups)
            self.blocks = Blocks(*(np.concatenate(pair) for pair in zip(self.blocks, new, strict=True)))

    def _write_all(self, told: Told) -> None:
        """The first facts: each actor's entries side by side, no room behind; noted a stretch at a time."""
        everything = slice(0, len(told))
        group, seen = told.groups(everything), told.seen(everything)
        order = None if is_ascending(seen) else np.argsort(seen, kind="stable")
        self.used = lay_out(group, self.blocks)
        self.entries = room_for(self.used, self.spec)
        for start in range(0, len(told), STRETCH):
            rows = slice(start, min(start + STRETCH, len(told)))
            these = np.arange(rows.start, rows.stop) if order is None else order[rows]
            news = told.news(rows if order is None else these, group[these], self.spec)
            place_all(news, these, self.blocks, self.entries)
        touched = np.flatnonzero(self.blocks.size)
        self._run(touched, np.zeros(touched.size, np.int64))

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
        oldest = place_behind(group, seen, touched, size, self.facts, self.blocks, self.entries)
        rows = slice(oldest, len(told))
        news = told.news(rows, told.groups(rows), self.spec)
        note_again(touched, size, oldest, news, self.blocks, self.entries)
        self._run(touched, size)

    def _run(self, touched: Int64Array, since: Int64Array) -> None:
        run(touched, since, self.program, self.blocks, self.entries)
        if self.spec.fades:
            run_faded(touched, since, self.program, self.blocks, self.entries)

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
    return Program(
        begins=HEAD + np.cumsum([0, *map(len, spec.sections)]),
        total=np.array([-1] * HEAD + total, np.int64),
        fade_half=np.array([halves.index(half) for _, half in spec.fades], np.int64),
        rates=np.array([per_half_life(half) for half in halves], np.float64),
    )


def per_half_life(half_life: int) -> float:
    """Half-lives per microsecond; 0 never fades."""
    return 0.0 if half_life == NEVER else 1.0 / half_life


def no_blocks(groups: int) -> Blocks:
    """So many actors without a past."""
    return Blocks(*(np.zeros(groups, np.int64) for _ in Blocks._fields))


def room_for(entries: int, spec: Spec) -> Entries:
    """Unwritten entries."""
    width = HEAD + len(spec.columns)
    return Entries(np.empty((entries, width), np.int64), np.empty((entries, len(spec.fades)), np.float64))


def news_of(facts: Facts, group: Int64Array, spec: Spec, words: Mapping[str, Int64Array]) -> News:
    """What facts bring to each column of a spec; `words` holds those that aren't the facts' own."""
    adds = np.empty((len(facts), len(spec.columns)), np.int64)
    for place, column in enumerate(spec.columns):
        adds[:, place] = _added(facts, column, spec, words)
    weights = np.empty((len(facts), len(spec.fades)), np.float64)
    for place, (name, _) in enumerate(spec.fades):
        weights[:, place] = weight_of(facts, name)
    return News(plain(group), plain(facts.seen), plain(facts.time), adds, weights)


def _added(facts: Facts, column: Column, spec: Spec, words: Mapping[str, Int64Array]) -> Int64Array | int:
    """What facts bring to one column."""
    if not isinstance(column, str):
        return _edge_of(facts, *column)
    if column in spec.sums:
        return weight_of(facts, column)
    said = words.get(column, facts.words.get(column))
    if said is None:
        return -1
    return said if column in spec.copies else np.where(facts.sign > 0, said, -1)


def weight_of(facts: Facts, name: str) -> Int64Array:
    """What each fact counts: 1 with a mark, a quantity in thousandths; negative where it takes back."""
    if name in BIT:
        return np.where(facts.bits & BIT[name], facts.sign, np.int8(0)).astype(np.int64)
    if name not in facts.quantities:
        return np.zeros(len(facts), np.int64)
    thousandths = np.rint(np.nan_to_num(facts.quantities[name]) * THOUSANDTH).astype(np.int64)
    return np.asarray(thousandths * facts.sign)


def _edge_of(facts: Facts, mark: str, which: str) -> Int64Array:
    """The time of each fact that bears a mark; what changes nothing where it doesn't."""
    latest = which == "last"
    times = np.where(facts.sign > 0, facts.time, TAKEN_BACK)
    return np.where(facts.bits & BIT[mark], times, -NEVER if latest else NEVER)
