"""Rule: what each calling rule promises, the caps a campaign sets, and a verdict over many leads at once."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from features.instants import DAY, MINUTE, NEVER, SECOND
from features.kernel import BoolArray, Int64Array

from .standing import Standing

EARLY = 15 * MINUTE
"""A callback is due from this long before its time."""


@dataclass(frozen=True)
class Caps:
    """How often a campaign calls at most; durations in microseconds."""

    per_day: int = 3
    """Dials per phone number in any 24 hours."""
    lifetime: int = 8
    """Dials per lead in its life."""
    min_gap: int = 7200 * SECOND
    """From the start of one dial to the start of the next."""
    max_age: int = 30 * DAY
    """From the lead's receipt to its last dial."""


@dataclass(frozen=True)
class Verdict:
    """Per lead whether a rule forbids to call it, and from when this rule may allow it again.

    `until` is 0 where the rule allows, NEVER where time alone will not change its mind.
    """

    forbidden: BoolArray
    until: Int64Array

    @classmethod
    def where(cls, forbidden: BoolArray, until: Int64Array | int = NEVER) -> "Verdict":
        """Forbid some leads until an instant, allow the others."""
        if not np.count_nonzero(forbidden):
            return cls.silent(forbidden.size)
        return cls(forbidden, np.where(forbidden, until, 0))

    @staticmethod
    @lru_cache(maxsize=4)
    def silent(leads: int) -> "Verdict":
        """Allow all of them: the same read-only verdict while as many are asked about."""
        found = Verdict(np.zeros(leads, np.bool_), np.zeros(leads, np.int64))
        found.forbidden.flags.writeable = found.until.flags.writeable = False
        return found


class Rule(Protocol):
    """A calling rule: pure, vectorised over leads, in force at every instant for every lead it concerns."""

    @property
    def id(self) -> str:
        """The rule's name in decisions, explanations and `rules_failed`."""

    @property
    def withheld(self) -> str:
        """The key under which a queue counts the leads that this rule holds back."""

    def judge(self, standing: Standing, caps: Caps, at: int) -> Verdict:
        """Who may not be called at `at`, and until when."""


def callback_due(standing: Standing, at: int) -> BoolArray:
    """Leads with an open callback whose time has come, or comes within EARLY."""
    return standing.callback_at - EARLY <= at
