"""Tape: what each actor's past said after every piece of news, kept as running sums that only grow.

An actor's entries stand in the order in which they could be seen, so what a moment sees is always a beginning
of them, however late the news came, and a vector is a difference of two entries. The same loop writes a tape
from a whole log and event by event: what serving keeps is what training reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .entries import (
    COPY,
    FIRST,
    LAST,
    MARK,
    QUANTITY,
    WORD,
    Blocks,
    Entries,
    News,
    Program,
    is_ascending,
    lay_out,
    place_all,
    place_behind,
    relocate,
    run,
)
from .facts import BIT, QUANTITIES, Facts
from .instants import NEVER
from .kernel import Int64Array, plain

THOUSANDTH = 1000.0


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

    def sum_at(self, name: str) -> int:
        """The state's column of a running sum."""
        return self.sums.index(name)

    def edge_at(self, mark: str, which: str) -> int:
        """The state's column of an edge."""
        return len(self.sums) + self.edges.index((mark, which))

    def word_at(self, name: str) -> int:
        """The state's column of the latest word."""
        return len(self.sums) + len(self.edges) + self.words.index(name)

    def copy_at(self, name: str) -> int:
        """The state's column of each entry's own word."""
        return len(self.sums) + len(self.edges) + len(self.words) + self.copies.index(name)

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

    def follow(self, news_from: Callable[[int], News], facts: int, groups: int) -> None:
        """Write the facts behind those followed, up to `facts`; `news_from(row)` reads them from a row on."""
        self._grow_groups(groups)
        if facts == self.facts:
            return
        news = news_from(self.facts)
        if self.used:
            self._write_behind(news, news_from)
        else:
            self._write_all(news)
        self.facts = facts

    def _grow_groups(self, groups: int) -> None:
        if groups > self.groups:
            new = no_blocks(groups - self.groups)
            self.blocks = Blocks(*(np.concatenate(pair) for pair in zip(self.blocks, new, strict=True)))

    def _write_all(self, news: News) -> None:
        """A first stretch of news: every actor's entries side by side, without room behind."""
        order = in_order_of(news.seen)
        self.used = lay_out(news.group, self.blocks)
        self.entries = room_for(self.used, self.spec)
        place_all(news, order, self.facts, self.blocks, self.entries)
        touched = np.flatnonzero(self.blocks.size)
        self._run(touched, np.zeros(touched.size, np.int64), news, self.facts)

    def _write_behind(self, news: News, news_from: Callable[[int], News]) -> None:
        """More news: actors without room move to the end first."""
        touched, added = np.unique(news.group[news.group >= 0], return_counts=True)
        size = self.blocks.size[touched]
        full = size + added > self.blocks.room[touched]
        wanted = 2 * (size + added)[full] + 6
        self._reserve(self.used + int(wanted.sum()))
        self.used = relocate(touched[full], wanted, self.used, self.blocks, self.entries)
        changed = size.copy()
        oldest = place_behind(news, touched, changed, self.facts, self.blocks, self.entries)
        if oldest < self.facts:
            news = news_from(oldest)
        self._run(touched, changed, news, min(oldest, self.facts))

    def _run(self, touched: Int64Array, since: Int64Array, news: News, base: int) -> None:
        run(touched, since, base, news, self.program, self.blocks, self.entries)

    def _reserve(self, size: int) -> None:
        if size > self.entries.row.size:
            larger = room_for(max(size, 2 * self.entries.row.size), self.spec)
            for name in Entries._fields:
                getattr(larger, name)[: self.used] = getattr(self.entries, name)[: self.used]
            self.entries = larger


def program_of(spec: Spec) -> Program:
    """The spec as arrays."""
    halves = sorted({half for _, half in spec.fades})
    quantities = quantities_of(spec)
    sums = [(*_source(name, quantities), -1) for name in spec.sums]
    edges = [(LAST if which == "last" else FIRST, BIT[mark], spec.sum_at(mark)) for mark, which in spec.edges]
    words = [(WORD, place, -1) for place in range(len(spec.words))]
    copies = [(COPY, len(spec.words) + place, -1) for place in range(len(spec.copies))]
    fades = [_source(name, quantities) for name, _ in spec.fades]
    kind, source, total = _columns([*sums, *edges, *words, *copies], 3)
    fade_kind, fade_source = _columns(fades, 2)
    return Program(
        kind, source, total, fade_kind, fade_source,
        np.array([halves.index(half) for _, half in spec.fades], np.int64),
        np.array([per_half_life(half) for half in halves], np.float64),
    )  # fmt: skip


def quantities_of(spec: Spec) -> tuple[str, ...]:
    """The quantities that a spec sums, in the order in which `News.thousandths` holds them."""
    asked = {*spec.sums, *(name for name, _ in spec.fades)}
    return tuple(name for name in QUANTITIES if name in asked)


def per_half_life(half_life: int) -> float:
    """Half-lives per microsecond; 0 never fades."""
    return 0.0 if half_life == NEVER else 1.0 / half_life


def _source(name: str, quantities: tuple[str, ...]) -> tuple[int, int]:
    return (MARK, BIT[name]) if name in BIT else (QUANTITY, quantities.index(name))


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> list[Int64Array]:
    table = np.array(rows, np.int64).reshape(-1, width)
    return [table[:, place].copy() for place in range(width)]


def no_blocks(groups: int) -> Blocks:
    """So many actors without a past."""
    return Blocks(*(np.zeros(groups, np.int64) for _ in Blocks._fields))


def room_for(entries: int, spec: Spec) -> Entries:
    """Unwritten entries."""
    width = len(spec.sums) + len(spec.edges) + len(spec.words) + len(spec.copies)
    return Entries(
        np.empty(entries, np.int32),
        np.empty(entries, np.int64),
        np.empty(entries, np.int64),
        np.empty(entries, np.int32),
        np.empty((entries, width), np.int64),
        np.empty((entries, len(spec.fades)), np.float64),
    )


def news_of(facts: Facts, group: Int64Array, spec: Spec, words: dict[str, Int64Array]) -> News:
    """The facts as the loops of a spec read them; `words` holds those that aren't the facts' own."""
    size = len(facts)
    thousandths = np.zeros((size, len(quantities_of(spec))), np.int64)
    for place, name in enumerate(quantities_of(spec)):
        if name in facts.quantities:
            thousandths[:, place] = np.rint(np.nan_to_num(facts.quantities[name]) * THOUSANDTH)
    said = np.full((size, len(spec.words) + len(spec.copies)), -1, np.int64)
    for place, name in enumerate((*spec.words, *spec.copies)):
        found = words.get(name, facts.words.get(name))
        if found is not None:
            said[:, place] = found
    sign = np.require(facts.sign, np.int8, ("C", "W"))
    return News(
        plain(group), plain(facts.time), plain(facts.seen), plain(facts.bits), sign, thousandths, said
    )


def in_order_of(seen: Int64Array) -> Int64Array:
    """The rows by `seen`, equal ones in their order."""
    if is_ascending(seen):
        return np.empty(0, np.int64)
    return np.argsort(seen, kind="stable")
