"""Verdicts: all calling rules over many leads at once: who is forbidden, under which heading, until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

from features.kernel import BoolArray, Int8Array, Int64Array

from .rule import Caps, Rule, Verdict
from .rules import rules
from .rules.attempts import too_old_from
from .rules.hours import CallingHours, open_until
from .standing import Standing

WITHHELD = (
    "converted", "dnc", "objected", "unworkable", "too_old", "attempt_cap", "no_consent", "registry_stale",
    "no_timezone", "outside_hours", "silence", "abandon_cap", "leased", "min_gap", "not_before",
)  # fmt: skip
"""The headings of `withheld`; a lead that several rules forbid is counted under the first."""


FREE = len(WITHHELD)
"""`Verdicts.heading` of a lead that no rule forbids."""


OWN_LEASE = frozenset({"LEASED"})
"""The rule that whoever holds a lease doesn't ask."""


@dataclass(frozen=True)
class Verdicts:
    """Per lead the first heading under which a rule forbids to call it, and from when all may allow it."""

    heading: Int8Array
    """A place in WITHHELD, or FREE."""
    until: Int64Array

    @property
    def forbidden(self) -> BoolArray:
        """Whether any rule forbids the lead."""
        return np.asarray(self.heading < FREE, np.bool_)

    @property
    def withheld(self) -> dict[str, int]:
        """How many leads each heading counts; a lead that several forbid is counted under the first."""
        counts = np.bincount(self.heading, minlength=FREE).tolist()
        return dict(zip(WITHHELD, counts[:FREE], strict=True))


def judge_all(standing: Standing, caps: Caps, at: int, ignore: frozenset[str] = frozenset()) -> Verdicts:
    """Ask every rule but those ignored."""
    return _asked([rule for rule in rules() if rule.id not in ignore], standing, caps, at)


def judge_leads(standing: Standing, caps: Caps, at: int) -> Verdicts:
    """Ask the rules that look at the lead alone, and not at the hour of its place."""
    return _asked(_of_leads(), standing, caps, at)


def judge_sites(standing: Standing, caps: Caps, at: int) -> Verdicts:
    """Ask the rules that look at nothing but the hour of the lead's place."""
    return _asked([rule for rule in rules() if isinstance(rule, CallingHours)], standing, caps, at)


@cache
def _of_leads() -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if not isinstance(rule, CallingHours))


def _asked(asked: Iterable[Rule], standing: Standing, caps: Caps, at: int) -> Verdicts:
    heading, until = np.full(len(standing), FREE, np.int8), np.zeros(len(standing), np.int64)
    silent = Verdict.silent(len(standing))
    for rule in asked:
        verdict = rule.judge(standing, caps, at)
        if verdict is not silent:
            place = WITHHELD.index(rule.withheld)
            heading[verdict.forbidden & (heading > place)] = place
            np.maximum(until, verdict.until, out=until)
    return Verdicts(heading, until)


def allowed_until(standing: Standing, caps: Caps, at: int) -> Int64Array:
    """Until when leads that may be called now may be, if nothing happens but that time passes."""
    return np.minimum(open_until(standing, at), too_old_from(standing, caps))


def failed(standing: Standing, caps: Caps, at: int, ignore: frozenset[str] = frozenset()) -> list[str]:
    """The ids of the rules that forbid the first lead of a standing."""
    return [r.id for r in rules() if r.id not in ignore and bool(r.judge(standing, caps, at).forbidden[0])]
