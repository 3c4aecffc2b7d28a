"""LeadTable: what is known of each lead besides its calls, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .kernel import Float64Array, Int64Array

FIELDS = ("campaign", "channel", "source", "list", "region", "zone")
"""The coded columns of every LeadTable."""


@dataclass(frozen=True)
class Coded:
    """A column of words as codes into `levels`; -1 where the word is unknown."""

    levels: tuple[str, ...]
    codes: Int64Array

    @classmethod
    def of(cls, words: Sequence[str | None], levels: tuple[str, ...] = ()) -> "Coded":
        """Code words in order of appearance behind the `levels` already given."""
        code = {level: number for number, level in enumerate(levels)}
        codes = [-1 if word is None else code.setdefault(word, len(code)) for word in words]
        return cls(tuple(code), np.array(codes, np.int64))

    def recode(self, levels: Sequence[str]) -> Int64Array:
        """For each of this column's levels its place in `levels`, or -1."""
        place = {level: number for number, level in enumerate(levels)}
        return np.array([place.get(level, -1) for level in self.levels], np.int64)


@dataclass(frozen=True)
class AttributeHistory:
    """All values an attribute ever had: lead i has rows `starts[i]` to `starts[i + 1]`, oldest first.

    A row holds a number (`code` -1) or a word (`number` NaN), and the instant since which it is known.
    """

    starts: Int64Array
    known_at: Int64Array
    number: Float64Array
    code: Int64Array
    levels: tuple[str, ...]

    @classmethod
    def of(
        cls, leads: int, lead: Sequence[int], known_at: Sequence[int], values: Sequence[float | str]
    ) -> "AttributeHistory":
        """Gather (lead, known since, value) triples of `leads` leads, in any order."""
        owner, since = np.array(lead, np.int64), np.array(known_at, np.int64)
        order = np.lexsort((since, owner))
        words = Coded.of([value if isinstance(value, str) else None for value in values])
        number = np.array([np.nan if isinstance(value, str) else float(value) for value in values])
        starts = np.searchsorted(owner[order], np.arange(leads + 1))
        return cls(starts, since[order], number[order], words.codes[order], words.levels)


@dataclass(frozen=True)
class LeadTable:
    """Equally long columns, one row per lead; rows keep their place for ever: a row number names a lead."""

    lead_id: Sequence[str]
    created_at: Int64Array
    """When the lead was received from its channel."""
    value: Float64Array
    """What a sale to this lead is worth, NaN where nobody said."""
    coded: Mapping[str, Coded]
    """The `FIELDS`, each a column of words."""
    attributes: Mapping[str, AttributeHistory] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lead_id)

    @classmethod
    def empty(cls) -> "LeadTable":
        """A table without leads."""
        nothing = np.empty(0, np.int64)
        return cls((), nothing, np.empty(0), {name: Coded((), nothing) for name in FIELDS})
