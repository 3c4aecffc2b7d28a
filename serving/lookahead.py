"""Lookahead: between requests a desk scores whoever may be asked for soon, and says why of those in front."""

import numpy as np

from features.instants import SECOND
from features.kernel import Int64Array

from .desk import Desk
from .scores import ScoreSheet
from .view import View

AHEAD = 30 * SECOND
"""Scores are renewed that wouldn't serve for so long; ticks come more often than that."""

SLICE = 1_000
"""So many leads are scored at a time: a poll may have to wait for as long as that takes."""

IN_FRONT = 2_000
"""Of so many leads in front of each arm the remarks are made ahead."""

REMARKS = 100
"""So many remarks are made at a time."""


def look_ahead(desk: Desk, at: int) -> None:
    """Take over a new champion, score every callable lead before somebody asks, and remark on the first."""
    if desk.at_once:
        desk.models.reload()
    else:
        _succeed(desk, at)
    for campaign in dict.fromkeys([*desk.ledger.campaigns, *desk.lineups]):
        _score(desk, campaign, at)
        _remark(desk, campaign, at)


def _succeed(desk: Desk, at: int) -> None:
    """Let a new champion score everybody who may be called, then serve; the one before serves meanwhile."""
    champion = desk.models.found()
    if champion is None or champion.version == desk.models.version:
        return
    with desk.lock:
        desk.heir = sheet = ScoreSheet(desk.sheet.logged)
        sheet.reserve(len(desk.ledger.leads))
        offered = [desk.lineup(campaign, at).offered() for campaign in desk.lineups]
        rows = np.concatenate([np.empty(0, np.int64), *offered])
    for first in range(0, rows.size, SLICE):
        with desk.lock:
            sheet.score(desk.ledger.past(), champion, rows[first : first + SLICE], at, desk.ledger.seq)
    with desk.lock:
        desk.succeed(champion, sheet)


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
            desk.remark(some, desk.plan(campaign, at), at)


def _in_front(desk: Desk, campaign: str, at: int) -> Int64Array:
    """The rows of those who are likely to be handed out next."""
    lineup = desk.lineup(campaign, at)
    view = View(lineup)
    arms = range(len(lineup.terms.plan.policy.arms))
    slots = [view.due(), *(view.first(arm, IN_FRONT) for arm in arms)]
    return np.unique(lineup.columns["row"][np.concatenate(slots)])
