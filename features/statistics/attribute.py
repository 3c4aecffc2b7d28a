"""Attribute and Category: what is known of the lead itself, since it became known."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..calls import Moments
from ..instants import HOUR
from ..kernel import Float32Array, Int64Array, kernel, plain
from ..leads import FIELDS, AttributeHistory
from ..past import Past


@dataclass(frozen=True)
class Attribute:
    """The latest number of an attribute known before the moment; NaN where it isn't or is a word."""

    name: str
    attribute: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the numbers."""
        history = history_of(past, self.attribute)
        row = latest(history, moments)
        out[:] = np.where(row >= 0, history.number[row], np.nan) if history.number.size else np.nan


@dataclass(frozen=True)
class Category:
    """The place in `levels` of a lead's word (a coded field or an attribute); NaN where it has none."""

    name: str
    attribute: str
    levels: tuple[str, ...]
    categorical: ClassVar[bool] = True

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the codes."""
        if self.attribute in FIELDS:
            column = past.leads.coded[self.attribute]
            codes, names = column.codes[moments.lead], column.recode(self.levels)
        else:
            history = history_of(past, self.attribute)
            row = latest(history, moments)
            codes = np.where(row >= 0, history.code[row], -1) if history.code.size else np.full(row.size, -1)
            places = {level: place for place, level in enumerate(self.levels)}
            names = np.array([places.get(level, -1) for level in history.levels], np.int64)
        place = np.where(codes >= 0, names[codes], -1) if names.size else np.full(codes.size, -1)
        out[:] = np.where(place >= 0, place, np.nan)


@dataclass(frozen=True)
class Age:
    """Hours since the lead was received from its channel."""

    name: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the hours; never negative."""
        out[:] = np.maximum(moments.at - past.leads.created_at[moments.lead], 0) / HOUR


@dataclass(frozen=True)
class AgeAmong:
    """Hours since the lead was received, for leads with that word in a coded field; NaN for all others.

    Interest fades at the pace of its channel: each gets a curve of its own.
    """

    name: str
    coded: str
    word: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the hours; never negative."""
        column = past.leads.coded[self.coded]
        code = column.levels.index(self.word) if self.word in column.levels else len(column.levels)
        age = np.maximum(moments.at - past.leads.created_at[moments.lead], 0) / HOUR
        out[:] = np.where(column.codes[moments.lead] == code, age, np.nan)


@dataclass(frozen=True)
class Worth:
    """What a sale to the lead is worth, as its owner said; NaN where nobody did."""

    name: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the values, in the installation's currency."""
        out[:] = past.leads.value[moments.lead]


def history_of(past: Past, attribute: str) -> AttributeHistory:
    """The attribute's values; none where no lead has it (any more): then it is missing everywhere."""
    found = past.leads.attributes.get(attribute)
    return AttributeHistory.of(len(past.leads), [], [], []) if found is None else found


def latest(history: AttributeHistory, moments: Moments) -> Int64Array:
    """For each moment the row of the latest value known strictly before it, or -1."""
    row = np.empty(len(moments), np.int64)
    latest_before(plain(history.starts), plain(history.known_at), moments.lead, moments.at, row)
    return row


@kernel
def latest_before(
    starts: Int64Array, known_at: Int64Array, lead: Int64Array, at: Int64Array, out: Int64Array
) -> None:
    """Fill `out[i]` with the last row of `lead[i]` known before `at[i]`, or -1."""
    for i in range(at.size):
        first, last = starts[lead[i]], starts[lead[i] + 1]
        known = np.searchsorted(known_at[first:last], at[i])
        out[i] = first + known - 1 if known > 0 else -1


KINDS = (Attribute, Category, Age, AgeAmong, Worth)
