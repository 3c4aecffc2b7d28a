"""Tape: what each actor's past said after every piece of news, kept as running sums that only grow.

An actor's entries stand in the order in which they could be seen, so what a moment sees is always a beginning
of them, however late the news came, and a vector is a difference of two entries. The same loop writes a tape
from a whole log and event by event: what serving keeps is what training reads.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .entries import (
    HEAD,
    LATE,
    NOTHING,
    ROW,
    Blocks,
    Entries,
    Program,
    entries_since,
    place_behind,
    relocate,
)
from .facts import BIT
from .instants import NEVER
from .kernel import Int64Array
from .notes import Told, sorted_notes
from .running import run, run_edges_again
from .spec import Spec

MANY = 8
"""An actor of at least so many entries is dear to move: it gets room for more."""


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
    spare: Blocks | None = None
    """Those of `blocks` with room for more actors behind them, once there was need of it."""

    @classmethod
    def empty(cls, spec: Spec) -> "Tape":
        """A tape without actors."""
        return cls(spec, no_blocks(0), room_for(NOTHING + 1, spec))

    @property
    def program(self) -> Program:
        """The spec as arrays."""
        return program_of(self.spec)

    @property
    def groups(self) -> int:
        """How many actors there is place for."""
        return int(self.blocks.first.size)

    def of(self, first: int, end: int) -> "Tape":
        """Some of its actors, to be read and not followed."""
        blocks = Blocks(*(column[first:end] for column in self.blocks))
        return replace(self, blocks=blocks)

    def some(self, actors: Int64Array) -> "Tape":
        """The same of any actors, in the order given."""
        return replace(self, blocks=Blocks(*(column[actors] for column in self.blocks)))

    def follow(self, told: Told, groups: int) -> None:
        """Write the facts behind those followed so far."""
        self._grow_groups(groups)
        if self.facts == 0 < len(told):
            notes = sorted_notes(told, self.spec, groups)
            sizes = notes.sizes(0, groups)
            blocks = side_by_side(sizes, with_room_for_more(sizes))
            self._reserve(2 * _used(blocks))  # pages that nobody writes take no memory
            self._write(notes.of(0, groups), blocks)
        elif self.facts < len(told):
            self._write_behind(told)
        self.facts = len(told)

    def write(self, notes: Int64Array, sizes: Int64Array) -> None:
        """The first facts, sorted by actor: so many entries of each, side by side, without room for more."""
        self._write(notes, side_by_side(sizes, sizes))

    def _write(self, notes: Int64Array, blocks: Blocks) -> None:
        self.blocks, self.spare, self.used = blocks, None, NOTHING + 1
        self._reserve(_used(blocks))
        self.used = _used(blocks)
        touched = np.flatnonzero(blocks.size)
        self._run(touched, np.zeros(touched.size, np.int64), notes)

    def lean(self) -> "Tape":
        """The same tape without unwritten room at its end."""
        entries = Entries(self.entries.state[: self.used], self.entries.faded[: self.used])
        return replace(self, entries=entries, spare=None)

    def _grow_groups(self, groups: int) -> None:
        """Let there be so many actors: they come one by one, so that room is made for an eighth more."""
        if groups <= self.groups:
            return
        if self.spare is None or self.spare.first.size < groups:
            new = no_blocks(groups + groups // 8 - self.groups)
            self.spare = Blocks(*(np.concatenate(pair) for pair in zip(self.blocks, new, strict=True)))
        self.blocks = Blocks(*(column[:groups] for column in self.spare))

    def _write_behind(self, told: Told) -> None:
        """More facts: actors without room move to the end first, and late facts move others."""
        rows = slice(self.facts, len(told))
        group, seen = told.groups(rows), told.seen(rows)
        named = np.flatnonzero(group >= 0)
        touched, place, added = np.unique(group[named], return_inverse=True, return_counts=True)
        size = self.blocks.size[touched]
        full = size + added > self.blocks.room[touched]
        wanted = (size + added)[full] * 3 // 2 + 2
        self._reserve(self.used + int(wanted.sum()))
        self.used = relocate(touched[full], wanted, self.used, self.blocks, self.entries)
        state = self.entries.state
        place_behind(self.facts + named, seen[named], touched[place], place, size, self.blocks, state)
        entries = np.empty(int(np.sum(self.blocks.size[touched] - size)), np.int64)
        entries_since(touched, size, self.blocks, entries)
        self._run(touched, size, told.notes(state[entries, ROW], self.spec))

    def _run(self, touched: Int64Array, since: Int64Array, notes: Int64Array) -> None:
        run(touched, since, notes, self.program, self.blocks, self.entries)
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


@lru_cache(maxsize=1024)
def program_of(spec: Spec) -> Program:
    """The spec as arrays, worked out once: they are only read."""
    halves = sorted({half for _, half in spec.fades})
    total = [-1 if isinstance(column, str) else spec.column(column[0]) for column in spec.columns]
    marks = [name if isinstance(name, str) else name[0] for name in spec.columns]
    fades = [BIT.get(name) or -HEAD - spec.quantities.index(name) for name, _ in spec.fades]
    return Program(
        begins=HEAD + np.cumsum([0, *map(len, spec.sections)]),
        source=np.array([0] * HEAD + [BIT.get(name, 0) for name in marks], np.int64),
        total=np.array([-1] * HEAD + total, np.int64),
        fade_source=np.array(fades, np.int64),
        fade_half=np.array([halves.index(half) for _, half in spec.fades], np.int64),
        rates=np.array([per_half_life(half) for half in halves], np.float64),
    )


def per_half_life(half_life: int) -> float:
    """Half-lives per microsecond; 0 never fades."""
    return 0.0 if half_life == NEVER else 1.0 / half_life


def side_by_side(size: Int64Array, room: Int64Array) -> Blocks:
    """Actors of so many entries each, with so much room."""
    nothing = np.zeros(size.size, np.int64)
    return Blocks(NOTHING + 1 + np.cumsum(room) - room, size, room.copy(), nothing, nothing.copy())


def with_room_for_more(size: Int64Array) -> Int64Array:
    """A quarter more for actors of many entries, who are dear to move."""
    return np.asarray(np.where(size < MANY, size, size + size // 4 + 2))


def _used(blocks: Blocks) -> int:
    """Entries of actors that stand side by side lie below this."""
    return NOTHING + 1 + int(np.sum(blocks.room))


def no_blocks(groups: int) -> Blocks:
    """So many actors without a past."""
    return Blocks(*(np.zeros(groups, np.int64) for _ in Blocks._fields))


def room_for(entries: int, spec: Spec) -> Entries:
    """Unwritten entries, and what an actor says before any fact."""
    marks, amounts, lasts, firsts, *words = map(len, spec.sections)
    nothing = [0] * (HEAD + marks + amounts) + [-NEVER] * lasts + [NEVER] * firsts + [-1] * sum(words)
    state, faded = np.empty((entries, len(nothing)), np.int64), np.empty((entries, len(spec.fades)))
    state[NOTHING], state[NOTHING, LATE], faded[NOTHING] = nothing, -1, 0.0
    return Entries(state, faded)
