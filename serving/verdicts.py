"""Verdicts: all calling rules over many leads at once: who is forbidden, under which heading, until when."""

from dataclasses import dataclass

import numpy as np

from features.kernel import BoolArray, Int64Array

from .rule import Caps
from .rules import rules
from .standing import Standing

WITHHELD = (
    "converted", "dnc", "objected", "unworkable", "too_old", "attempt_cap", "no_consent", "registry_stale",
    "no_timezone", "outside_hours", "silence", "abandon_cap", "leased", "min_gap", "not_before",
)  # fmt: skip
"""The headings of `withheld`; a lead that several rules forbid is counted under the first."""


@dataclass(frozen=True)
class Verdicts:
    """Per lead whether any rule forbids to call it, and from when all of them may allow it again."""

    forbidden: BoolArray
    until: Int64Array
    withheld: dict[str, int]


def judge_all(standing: Standing, caps: Caps, at: int) -> Verdicts:
    """Ask every rule; count each forbidden lead under one heading."""
    headings = {name: np.zeros(len(standing), np.bool_) for name in WITHHELD}
    until = np.zeros(len(standing), np.int64)
    for rule in rules():
        verdict = rule.judge(standing, caps, at)
        headings[rule.withheld] |= verdict.forbidden
        np.maximum(until, verdict.until, out=until)
    counted = np.zeros(len(standing), np.bool_)
    withheld = {}
    for name, forbidden in headings.items():
        withheld[name] = int(np.count_nonzero(forbidden & ~counted))
        counted |= forbidden
    return Verdicts(counted, until, withheld)


def failed(standing: Standing, caps: Caps, at: int, ignore: frozenset[str] = frozenset()) -> list[str]:
    """The ids of the rules that forbid the first lead of a standing."""
    return [r.id for r in rules() if r.id not in ignore and bool(r.judge(standing, caps, at).forbidden[0])]
