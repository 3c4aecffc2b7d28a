"""Pairing: which of the ready agents gets which lead, so that together they bring the most."""

import numpy as np

from features.kernel import Float64Array, Int64Array


def pair(worth: Float64Array) -> Int64Array:
    """The agent of each lead, from what each pair is worth, shape (leads, agents), at least one agent.

    No agent gets more leads than ceil(leads / agents). The sum is the largest there is: the linear assignment
    problem, with each agent as often as it may be given a lead (Crouse 2016, as scipy solves it).
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  # slow to import, and few dialers ask

    leads, agents = worth.shape
    turns = -(-leads // agents)
    lead, seat = linear_sum_assignment(np.repeat(worth, turns, axis=1), maximize=True)
    found = np.empty(leads, np.int64)
    found[lead] = seat // max(turns, 1)
    return found
