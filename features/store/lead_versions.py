"""What was said of leads before it was said anew: which version stood since when."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from ..instants import NEVER

ALWAYS = -NEVER
"""Before every moment: the first thing said of a lead counts as known ever since."""

Said = tuple[float | None, ...]
"""What a version says: a code or a number for each field, None where it says no number."""


class LeadVersion(NamedTuple):
    """One telling of a lead; of those known the one with the latest `updated_at`, then `seq`, stands."""

    updated_at: int
    seq: int
    known_at: int
    said: Said


Steps = list[tuple[int, Said]]
"""(known since, what stands from then on), oldest first; each says something else than the one before."""


def steps_of(versions: Sequence[LeadVersion], until: int = NEVER) -> Steps:
    """What stood since when, as far as it was known before `until`; the first version always counts."""
    steps: Steps = []
    stands: LeadVersion | None = None
    for known, told in groupby(sorted(versions, key=attrgetter("known_at")), attrgetter("known_at")):
        if stands is not None and known >= until:
            break
        stands = max([*told, *([stands] if stands else [])])
        if not steps or steps[-1][1] != stands.said:
            steps.append((known if steps else ALWAYS, stands.said))
    return steps


def differ_since(one: Steps, other: Steps) -> int:
    """The first instant from which two histories don't say the same; NEVER if they always do."""
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return min(mine[0], theirs[0])
    longer = one if len(one) > len(other) else other
    return longer[min(len(one), len(other))][0] if len(one) != len(other) else NEVER


def ever_changed(steps: Steps) -> list[int]:
    """The fields of which not all steps say the same."""
    _, first = steps[0]
    return [place for place, stood in enumerate(first) if any(said[place] != stood for _, said in steps)]


def of_field(steps: Steps, place: int) -> list[tuple[int, float | None]]:
    """What stood of one field since when; nothing if it never changed."""
    told = list(_changes(steps, place))
    return told if len(told) > 1 else []


def _changes(steps: Steps, place: int) -> Iterator[tuple[int, float | None]]:
    before: tuple[float | None, ...] = ()
    for since, said in steps:
        if before != (said[place],):
            yield since, said[place]
        before = (said[place],)
