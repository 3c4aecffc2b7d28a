"""Attribution: a sale is credited once, to an attempt or to nobody (organic); an attempt to its decision."""

from dataclasses import dataclass

import numpy as np

from features.attempts import Attempts, Conversions, Decisions
from features.instants import MINUTE, NEVER, SECOND
from features.kernel import BoolArray, Float64Array, Int64Array

COVER = 900 * SECOND + 15 * MINUTE
"""An attempt that echoes no decision belongs to the lead's last one made at most this long before its start:
the longest lease and a quarter of an hour."""


@dataclass(frozen=True)
class Credits:
    """What each attempt is credited with, in rows of Attempts, and what no attempt can claim.

    gross and the unclaimed are every sale there is; net counts, of these, the ones that stand. Of attempts of
    all campaigns the unclaimed are those of the campaign asked of (`Conversions.ours`).
    """

    decision: Int64Array
    """Row of the attempt's decision, -1 where there is none."""
    gross: BoolArray
    net: BoolArray
    gross_value: Float64Array
    net_value: Float64Array
    unclaimed_lead: Int64Array
    unclaimed_at: Int64Array
    unclaimed_value: Float64Array
    """The sales that no attempt can claim; 0 where nobody said what they are worth."""
    unclaimed_stands: BoolArray
    """Confirmed and not cancelled."""
    unclaimed_late: BoolArray
    """The lead had been called, but longer before than the horizon; the others are organic."""

    def __len__(self) -> int:
        return int(self.gross.size)

    def take(self, rows: Int64Array | BoolArray) -> "Credits":
        """What some attempts are credited with, in the order given."""
        return Credits(
            self.decision[rows],
            self.gross[rows],
            self.net[rows],
            self.gross_value[rows],
            self.net_value[rows],
            self.unclaimed_lead,
            self.unclaimed_at,
            self.unclaimed_value,
            self.unclaimed_stands,
            self.unclaimed_late,
        )


def attribute(attempts: Attempts, conversions: Conversions, decisions: Decisions) -> Credits:
    """Credit the sales of these attempts' leads, to whatever campaign called.

    A sale is a lead and a goal, once. It belongs to the first attempt whose disposition sold; a conversion
    recorded without one to the lead's last attempt that started at most the horizon before it.
    """
    own_sale = _sold(attempts)
    owner, told, called = _owners(attempts, conversions, own_sale)
    sold = own_sale.copy()
    sold[owner[owner >= 0]] = True
    row = np.full(len(attempts), -1)
    row[owner[owner >= 0]] = np.flatnonzero(owner >= 0)
    confirmed = np.append(conversions.confirmed, False)[row]
    cancelled = np.append(conversions.cancelled, False)[row]
    net = sold & ~cancelled & (confirmed | ~attempts.confirmation)
    value = np.append(conversions.value, np.nan)[row]
    worth = np.nan_to_num(np.where(np.isnan(value), attempts.value, value))
    unclaimed = (owner < 0) & told & conversions.ours
    return Credits(
        decision=join_decisions(attempts, decisions),
        gross=sold,
        net=net,
        gross_value=np.where(own_sale, np.nan_to_num(attempts.value), np.where(sold, worth, 0.0)),
        net_value=np.where(net, worth, 0.0),
        unclaimed_lead=conversions.lead[unclaimed],
        unclaimed_at=conversions.at[unclaimed],
        unclaimed_value=np.nan_to_num(conversions.value[unclaimed]),
        unclaimed_stands=conversions.confirmed[unclaimed],
        unclaimed_late=called[unclaimed],
    )


def join_decisions(attempts: Attempts, decisions: Decisions) -> Int64Array:
    """The decision each attempt carried out: the one it echoes, else the lead's last that covers it."""
    if len(decisions) == 0:
        return np.full(len(attempts), -1)
    ticks = np.sort(decisions.at)
    key = _key(ticks, decisions.lead, decisions.at)
    order = np.argsort(key, kind="stable")
    last = np.searchsorted(key[order], _key(ticks, attempts.lead, attempts.started_at), side="right") - 1
    found = order[np.maximum(last, 0)]
    covers = (last >= 0) & (decisions.lead[found] == attempts.lead)
    covers &= attempts.started_at - decisions.at[found] <= COVER
    return np.where(attempts.decision >= 0, attempts.decision, np.where(covers, found, -1))


def _key(ticks: Int64Array, lead: Int64Array, at: Int64Array) -> Int64Array:
    """Numbers that sort by lead, then by instant as far as the ticks tell instants apart."""
    return lead * (ticks.size + 1) + np.searchsorted(ticks, at, side="right")


def _sold(attempts: Attempts) -> BoolArray:
    """The first converted attempt of each lead and goal."""
    first = np.zeros(len(attempts), np.bool_)
    rows = np.flatnonzero(attempts.converted)
    goal = attempts.words["goal"]
    sale = attempts.lead[rows] * (len(goal.levels) + 1) + goal.codes[rows]
    order = np.lexsort((attempts.ended_at[rows], sale))
    opening = np.diff(sale[order], prepend=-2) != 0
    first[rows[order][opening]] = True
    return first


def _owners(
    attempts: Attempts, conversions: Conversions, sold: BoolArray
) -> tuple[Int64Array, BoolArray, BoolArray]:
    """The attempt that owns each recorded conversion (-1: none), which conversions count as sales at all, and
    whose leads had been called before.

    A cancellation of what nobody recorded or sold is no sale.
    """
    goals = attempts.words["goal"]
    goal = conversions.goal.recode(goals.levels)[conversions.goal.codes]
    rows = np.flatnonzero(np.isin(attempts.lead, conversions.lead))
    rows = rows[np.lexsort((attempts.started_at[rows], attempts.lead[rows]))]
    starts = np.searchsorted(attempts.lead[rows], conversions.lead, side="left")
    ends = np.searchsorted(attempts.lead[rows], conversions.lead, side="right")
    owner, told = np.full(len(conversions), -1), conversions.at < NEVER
    called = np.zeros(len(conversions), np.bool_)
    for i, (low, high) in enumerate(zip(starts, ends, strict=True)):
        mine = rows[low:high]
        mine = mine[goals.codes[mine] == goal[i]]
        selling = mine[sold[mine]]
        age = conversions.at[i] - attempts.started_at[mine]
        before = mine[(age >= 0) & (age <= attempts.horizon[mine]) & told[i]]
        called[i] = np.any(age >= 0)
        owner[i] = selling[0] if selling.size else before[-1] if before.size else -1
    return owner, told, called
