"""Listings: a whole campaign in the order of its desk, shelved where a state is ranked for the first time."""

import numpy as np

from features.instants import MINUTE

from .desk import Desk
from .ranking.exploration import generator
from .ranking.listing import Listing, order
from .rules.hours import open_until
from .shelf import Label, Shelf

GOOD_FOR = MINUTE
"""A ranking answers until the store changes, and no longer than this."""

Listed = tuple[Label, Listing]


def current(desk: Desk, shelf: Shelf, campaign: str, at: int) -> Listed:
    """The campaign's ranking as of `at`: the one kept last if it still holds, else a new one."""
    with desk.lock:
        desk.follow(at)
        found = shelf.latest(campaign)
        if found is not None and _holds(found[0], desk, at):
            return found
        label, listing = _ranked(desk, campaign, at)
    shelf.put(label, listing)
    return label, listing


def _holds(label: Label, desk: Desk, at: int) -> bool:
    same_state = (label.seq, label.model_version) == (desk.ledger.seq, desk.models.version)
    return same_state and 0 <= at - label.ranked_at < GOOD_FOR


def _ranked(desk: Desk, campaign: str, at: int) -> Listed:
    """The leads that may be called at `at`, in the order in which to call them."""
    plan, candidates = desk.plan(campaign, at), desk.candidates(campaign, at)
    label = Label(campaign, at, desk.ledger.seq, desk.models.version, desk.models.degraded)
    rng = generator(f"listing|{label.snapshot_id}")
    place, source = order(candidates, plan.policy, desk.account(campaign, at).spent, rng)
    until = open_until(desk.roster.standing(candidates.row, plan.caps, at), at)
    ids = np.array([desk.ledger.leads.ids[row] for row in candidates.row[place]], np.bytes_)
    return label, Listing(ids, candidates.score[place] * 3600, source, until[place])
