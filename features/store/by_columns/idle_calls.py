"""Calls of leads with a recorded sale that it can't be credited to: they go the way of all others."""

from dataclasses import dataclass

import numpy as np

from ...calls import Outcome
from ...kernel import BoolArray, Int64Array
from ..call_facts import LONGEST_CREDIT


@dataclass(frozen=True)
class Sales:
    """The sales recorded of leads."""

    lead: Int64Array
    at: Int64Array


@dataclass(frozen=True)
class Calls:
    """The versions of the rare calls."""

    lead: Int64Array
    started_at: Int64Array
    outcome: Int64Array
    answered: BoolArray


def can_have_sold(calls: Calls, sales: Sales) -> BoolArray:
    """Which versions say that the call sold, or may be credited with a sale of the lead."""
    at, rank = np.unique(np.concatenate([sales.at, calls.started_at]), return_inverse=True)
    leads, lead = np.unique(np.concatenate([sales.lead, calls.lead]), return_inverse=True)
    place = lead * at.size + rank
    recorded = np.sort(place[: sales.at.size])
    first = np.append(recorded, leads.size * at.size)[np.searchsorted(recorded, place[sales.at.size :])]
    same_lead = first // at.size == lead[sales.at.size :]
    in_time = at[first % at.size] <= calls.started_at + LONGEST_CREDIT
    credited = calls.answered & same_lead & in_time
    return np.asarray(credited | (calls.outcome == Outcome.CONVERTED))


def told_beside(unit: Int64Array, known_at: Int64Array, others: BoolArray) -> BoolArray:
    """Which rows became known at an instant at which one of the `others` of their unit did, those included.

    What becomes known of a unit at one instant is told under the first of its change numbers.
    """
    known, rank = np.unique(known_at, return_inverse=True)
    place = unit * known.size + rank
    return np.asarray(np.isin(place, place[others]))
