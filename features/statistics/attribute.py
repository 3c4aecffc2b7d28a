"""Attribute and Category: what is known of the lead itself, since it became known."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..calls import Moments
from ..instants import HOUR
from ..kernel import Float32Array
from ..leads import FIELDS, AttributeHistory
from ..past import Past
from ..refused import LARGEST

RARE = "(rare)"
"""A category's level for all words that have none of their own."""


@dataclass(frozen=True)
class Attribute:
    """The latest number of an attribute known before the moment; NaN where it isn't or is a word.

    One further from 0 than `LARGEST`, stored before such numbers were refused, is unknown too.
    """

    name: str
    attribute: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the numbers."""
        history = history_of(past, self.attribute)
        row = history.latest(moments.lead, moments.at)
        number = history.number[row] if history.number.size else np.full(row.size, np.nan)
        out[:] = np.where((row >= 0) & (np.abs(number) <= LARGEST), number, np.nan)


@dataclass(frozen=True)
class Category:
    """The place in `levels` of a lead's word (a coded field or an attribute), or of `RARE`; else NaN."""

    name: str
    attribute: str
    levels: tuple[str, ...]
    categorical: ClassVar[bool] = True

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the codes."""
        if self.attribute in FIELDS:
            column = past.leads.coded[self.attribute]
            codes = past.leads.words(self.attribute, moments.lead, moments.at)
            names = column.recode(self.levels)
        else:
            history = history_of(past, self.attribute)
            row = history.latest(moments.lead, moments.at)
            codes = np.where(row >= 0, history.code[row], -1) if history.code.size else np.full(row.size, -1)
            places = {level: place for place, level in enumerate(self.levels)}
            names = np.array([places.get(level, -1) for level in history.levels], np.int64)
        pool = self.levels.index(RARE) if RARE in self.levels else -1
        names = np.where(names >= 0, names, pool)
        place = np.where(codes >= 0, names[codes], -1) if names.size else np.full(codes.size, -1)
        out[:] = np.where(place >= 0, place, np.nan)


@dataclass(frozen=True)
class Age:
    """Hours since the lead was received from its channel."""

    name: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the hours; never negative."""
        out[:] = np.maximum(moments.at - past.leads.received(moments.lead, moments.at), 0) / HOUR


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
        age = np.maximum(moments.at - past.leads.received(moments.lead, moments.at), 0) / HOUR
        out[:] = np.where(past.leads.words(self.coded, moments.lead, moments.at) == code, age, np.nan)


@dataclass(frozen=True)
class Worth:
    """What a sale to the lead is worth, as its owner said; NaN where nobody did."""

    name: str
    categorical: ClassVar[bool] = False

    def fill(self, past: Past, moments: Moments, out: Float32Array) -> None:
        """Write the values, in the installation's currency."""
        out[:] = past.leads.values(moments.lead, moments.at)


def history_of(past: Past, attribute: str) -> AttributeHistory:
    """The attribute's values; none where no lead has it (any more): then it is missing everywhere."""
    found = past.leads.attributes.get(attribute)
    return AttributeHistory.of(len(past.leads), [], [], []) if found is None else found


KINDS = (Attribute, Category, Age, AgeAmong, Worth)
