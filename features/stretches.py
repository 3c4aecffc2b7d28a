"""Stretches: a log cut by time, so that one piece after the other may be followed and forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .calls import Moments
from .facts import Facts
from .instants import NEVER
from .kernel import Int64Array
from .leads import AttributeHistory, Coded, LeadTable

MIX = np.array([30, 27, 31], np.uint64), np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
"""The shifts and factors of splitmix64 (Steele, Lea, Flood 2014): neighbours end far apart."""


@dataclass(frozen=True)
class Stretch:
    """The facts that came to be seen in [since, until), in that order, and the moments that lie in it."""

    facts: Facts
    moments: Moments
    since: int
    until: int
    late: Int64Array
    """Instants before `until` of which facts tell that are seen at or after it, ascending."""


def bounds_of(seen: Int64Array, size: int) -> Int64Array:
    """Where to cut so that a stretch has about `size` facts; those seen at one instant stay together."""
    return np.unique(np.sort(seen)[size::size])


def cut(facts: Facts, moments: Moments, bounds: Int64Array) -> Iterator[Stretch]:
    """One stretch more than there are bounds, oldest first; facts of an instant keep their order."""
    by_seen, by_at = np.argsort(facts.seen, kind="stable"), np.argsort(moments.at, kind="stable")
    seen, at = facts.seen[by_seen], moments.at[by_at]
    fact_ends, moment_ends = (np.searchsorted(instants, bounds).tolist() for instants in (seen, at))
    instants = np.array([-NEVER, *bounds.tolist(), NEVER])
    late = _late(facts, instants)
    first = asked = 0
    for place, (last, end) in enumerate(zip([*fact_ends, seen.size], [*moment_ends, at.size], strict=True)):
        since, until = instants[place : place + 2].tolist()
        told, questions = facts.take(by_seen[first:last]), moments.take(by_at[asked:end])
        yield Stretch(told, questions, since, until, late[place])
        first, asked = last, end


def _late(facts: Facts, bounds: Int64Array) -> list[Int64Array]:
    """For each stretch the instants before its end of which more is seen after it."""
    happened = np.searchsorted(bounds, facts.time, side="right") - 1
    told = np.searchsorted(bounds, facts.seen, side="right") - 1
    straddling = np.flatnonzero(happened < told)
    time, happened, told = facts.time[straddling], happened[straddling], told[straddling]
    return [np.unique(time[(happened <= k) & (k < told)]) for k in range(bounds.size - 1)]


def bucket_of(lead: Int64Array, buckets: int) -> Int64Array:
    """Into which of so many buckets each lead falls: by a hash of its row."""
    (first, second, third), (one, other) = MIX
    mixed = lead.astype(np.uint64)
    mixed = (mixed ^ (mixed >> first)) * one
    mixed = (mixed ^ (mixed >> second)) * other
    return np.asarray((mixed ^ (mixed >> third)) % np.uint64(buckets), np.int64)


def some_leads(leads: LeadTable, rows: Int64Array) -> LeadTable:
    """A table of some leads, in the order given: row i is what row `rows[i]` was."""
    changes = {name: _some(history, rows) for name, history in leads.changes.items()}
    return LeadTable(
        [leads.lead_id[row] for row in rows.tolist()],
        leads.created_at[rows],
        leads.value[rows],
        {name: Coded(column.levels, column.codes[rows]) for name, column in leads.coded.items()},
        {name: _some(history, rows) for name, history in leads.attributes.items()},
        {name: history for name, history in changes.items() if history.code.size},
    )


def _some(history: AttributeHistory, rows: Int64Array) -> AttributeHistory:
    """The histories of some leads."""
    begins = history.starts[rows]
    sizes = history.starts[rows + 1] - begins
    starts = np.append(0, np.cumsum(sizes))
    taken = np.repeat(begins - starts[:-1], sizes) + np.arange(starts[-1])
    known_at, number, code = (column[taken] for column in (history.known_at, history.number, history.code))
    return AttributeHistory(starts, known_at, number, code, history.levels)
