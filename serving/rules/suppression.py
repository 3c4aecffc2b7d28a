"""Suppression: leads that are not called any more, or not yet, or are in another dialer's hands."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from features.kernel import BoolArray

from ..jurisdictions import jurisdictions
from ..rule import Caps, Rule, Verdict
from ..standing import CONVERTED, DNC, OBJECTED, UNWORKABLE, Standing


@dataclass(frozen=True)
class Closed:
    """The lead is closed for a reason that time doesn't heal."""

    id: str
    withheld: str
    code: int

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid the leads closed for this reason."""
        return Verdict.where(standing.closed == self.code)


@dataclass(frozen=True)
class OwnList:
    """The number or person is on the installation's own do-not-call list: no call, at once."""

    id: str
    american: bool
    withheld: str = "dnc"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid listed leads, under the name of the law that demands it where they are."""
        here = _american()[standing.jurisdiction] == self.american
        return Verdict.where((standing.closed == DNC) & here)


@dataclass(frozen=True)
class NoPhone:
    """A lead without a number can't be called."""

    id: str = "NO-PHONE"
    withheld: str = "unworkable"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid leads without a number."""
        return Verdict.where(~standing.has_phone)


@dataclass(frozen=True)
class NotBefore:
    """A disposition asked to wait."""

    id: str = "NOT-BEFORE"
    withheld: str = "not_before"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid leads whose wait isn't over."""
        return Verdict.where(standing.not_before > at, standing.not_before)


@dataclass(frozen=True)
class Leased:
    """A lead and its number are in one dialer's hands at a time."""

    id: str = "LEASED"
    withheld: str = "leased"

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Forbid leads that are leased."""
        return Verdict.where(standing.leased_until > at, standing.leased_until)


@cache
def _american() -> BoolArray:
    """By place whether it is in the United States."""
    return np.array([place.country == "US" for place in jurisdictions().places], np.bool_)


def members() -> tuple[Rule, ...]:
    """Every reason to keep silent that is about this lead alone."""
    return (
        OwnList("US-DNC", american=True),
        OwnList("DNC", american=False),
        Closed("EU-OBJECT", "objected", OBJECTED),
        Closed("CONVERTED", "converted", CONVERTED),
        Closed("UNWORKABLE", "unworkable", UNWORKABLE),
        NoPhone(),
        NotBefore(),
        Leased(),
    )
