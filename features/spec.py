"""Spec: what a tape keeps of each actor."""

from dataclasses import dataclass
from functools import cached_property

from .entries import HEAD
from .facts import QUANTITIES

Column = str | tuple[str, str]
"""A mark, quantity or word; or an edge: (mark, `last` or `first`)."""


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
        """The columns of the state: counts of marks, sums of quantities, edges, latest words, own words."""
        marks = tuple(name for name in self.sums if name not in QUANTITIES)
        lasts = tuple(edge for edge in self.edges if edge[1] == "last")
        firsts = tuple(edge for edge in self.edges if edge[1] == "first")
        return marks, self.quantities, lasts, firsts, self.words, self.copies

    @property
    def quantities(self) -> tuple[str, ...]:
        """The quantities that it sums or fades, in the order in which notes hold them."""
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
