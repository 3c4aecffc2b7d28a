"""LeadTable: what is known of each lead besides its calls, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .kernel import Float64Array, Int64Array, kernel, plain

FIELDS = ("campaign", "channel", "source", "list", "country", "region", "zone")
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

    def latest(self, lead: Int64Array, at: Int64Array) -> Int64Array:
        """For each lead the row of the latest value known strictly before `at`, or -1."""
        row = np.empty(lead.size, np.int64)
        latest_before(plain(self.starts), plain(self.known_at), plain(lead), plain(at), row)
        return row


@kernel
def latest_before(
    starts: Int64Array, known_at: Int64Array, lead: Int64Array, at: Int64Array, out: Int64Array
) -> None:
    """Fill `out[i]` with the last row of `lead[i]` known before `at[i]`, or -1."""
    for i in range(at.size):
        out[i] = -1
        if 0 <= lead[i] < starts.size - 1:
            first, last = starts[lead[i]], starts[lead[i] + 1]
            known = np.searchsorted(known_at[first:last], at[i])
            if known > 0:
                out[i] = first + known - 1


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
    changes: Mapping[str, AttributeHistory] = field(default_factory=dict)
    """By field, `value` or `created_at`: all that was ever said of leads of which one thing was said twice.

    Their codes are those of the field's column, which holds what stands now.
    """

    def __len__(self) -> int:
        return len(self.lead_id)

    def words(self, name: str, lead: Int64Array, at: Int64Array) -> Int64Array:
        """Each lead's code in a coded field as known strictly before `at`; -1 for lead -1."""
        codes = self.coded[name].codes
        now = np.where(lead >= 0, codes[lead], -1) if codes.size else np.full(lead.size, -1)
        if name not in self.changes:
            return now
        row = self.changes[name].latest(lead, at)
        return np.where(row >= 0, self.changes[name].code[row], now)

    def received(self, lead: Int64Array, at: Int64Array) -> Int64Array:
        """When each lead was received, as known strictly before `at`."""
        if "created_at" not in self.changes:
            return self.created_at[lead]
        history = self.changes["created_at"]
        row = history.latest(lead, at)
        return np.where(row >= 0, history.number[row], self.created_at[lead]).astype(np.int64)

    def values(self, lead: Int64Array, at: Int64Array) -> Float64Array:
        """What a sale to each lead is worth, as known strictly before `at`; NaN where nobody had said."""
        if "value" not in self.changes:
            return self.value[lead]
        row = self.changes["value"].latest(lead, at)
        return np.where(row >= 0, self.changes["value"].number[row], self.value[lead])

    @classmethod
    def empty(cls) -> "LeadTable":
        """A table without leads."""
        nothing = np.empty(0, np.int64)
        return cls((), nothing, np.empty(0), {name: Coded((), nothing) for name in FIELDS})
