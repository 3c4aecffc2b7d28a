"""Lookahead: between requests a desk scores whoever may be asked for soon, and says why of those in front."""

import numpy as np

from features.instants import SECOND
from features.kernel import Int64Array

from .desk import Desk
from .view import View

AHEAD = 90 * SECOND
"""Scores are renewed that wouldn't serve for so long; ticks come more often than that."""

SLICE = 1_000
"""So many leads are scored at a time: a poll may have to wait for as long as that takes."""

IN_FRONT = 2_000
"""Of so many leads in front of each arm the remarks are made ahead."""

REMARKS = 100
"""So many remarks are made at a time."""


def look_ahead(desk: Desk, at: int) -> None:
    """Take over a new champion, score every callable lead before somebody asks, and remark on the first."""
    desk.models.reload()
    for campaign in dict.fromkeys([*desk.ledger.campaigns, *desk.lineups]):
        _score(desk, campaign, at)
        _remark(desk, campaign, at)


def _score(desk: Desk, campaign: str, at: int) -> None:
    with desk.lock:
        rows = desk.lineup(campaign, at).unscored(AHEAD)
    for first in range(0, rows.size, SLICE):
        with desk.lock:
            lineup = desk.lineups[campaign]
            some = lineup.slots_of(rows[first : first + SLICE])
            lineup.score(some, desk.ledger.past(), desk.ledger.seq)


def _remark(desk: Desk, campaign: str, at: int) -> None:
    with desk.lock:
        rows = desk.remarks.lacking(desk.models, _in_front(desk, campaign, at), at)
    for first in range(0, rows.size, REMARKS):
        some = rows[first : first + REMARKS]
        with desk.lock:
            standing = desk.roster.standing(some, desk.plan(campaign, at).caps, at)
            desk.remarks.of(desk.models, desk.ledger.past(), some, standing, at)


def _in_front(desk: Desk, campaign: str, at: int) -> Int64Array:
    """The rows of those who are likely to be handed out next."""
    lineup = desk.lineup(campaign, at)
    view = View(lineup)
    arms = range(len(lineup.terms.plan.policy.arms))
    slots = [view.due(), *(view.first(arm, IN_FRONT) for arm in arms)]
    return np.unique(lineup.columns["row"][np.concatenate(slots)])
