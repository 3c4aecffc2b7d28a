"""Inquiries: what a desk is asked besides leads. May this call be made, what of this lead, why so few?"""

from dataclasses import replace

import numpy as np

from features.store.engine import reading

from .desk import Desk
from .diagnostics import diagnosis
from .errors import UnknownLead
from .insight import Diagnosis, Eligibility, Explanation, eligibility, explanation
from .subjects import named
from .verdicts import OWN_LEASE
from .view import View

_OBJECTED = "EU-OBJECT"
"""Who objected is not scored."""


def check(
    desk: Desk, campaign: str, lead_id: str | None, phone: str | None, lease_id: str | None, at: int
) -> Eligibility:
    """The last gate before a call: every rule, asked now; what the campaign doesn't know is not allowed."""
    with desk.lock:
        at = desk.follow(at)
        with reading(desk.engine) as connection:
            now = desk.clock(connection, at) if lease_id else at
            rows, why = named(connection, desk.ledger.leads, campaign, lead_id, phone, lease_id, now)
        caps = desk.plan(campaign, at).caps
        standings = [desk.roster.standing(np.array([row]), caps, at) for row in rows]
    ignored = OWN_LEASE if lease_id else frozenset()
    verdicts = [eligibility(standing, caps, at, ignored) for standing in standings]
    if not verdicts:
        return Eligibility(False, (why,), None)
    return min(verdicts, key=lambda verdict: (verdict.allow, verdict.valid_until or 0))


def explain(desk: Desk, lead_id: str, at: int) -> Explanation:
    """What the desk thinks of one lead now, and why."""
    with desk.lock:
        at = desk.follow(at)
        row = desk.ledger.leads.row(lead_id)
        if row is None or desk.ledger.leads.columns["erased"][row]:
            raise UnknownLead(lead_id=lead_id)
        return _explained(desk, lead_id, row, at)


def diagnose(desk: Desk, campaign: str, at: int) -> Diagnosis:
    """Why a campaign's queue is as long as it is."""
    with desk.lock:
        at = desk.follow(at)
        lineup = desk.lineup(campaign, at)
        abandoned = desk.abandoned(lineup, at)
        return diagnosis(desk.engine, View(lineup), desk.models, abandoned, campaign, at)


def _explained(desk: Desk, lead_id: str, row: int, at: int) -> Explanation:
    past, rows = desk.ledger.past(), np.array([row])
    campaign = past.leads.coded["campaign"]
    plan = desk.plan(campaign.levels[campaign.codes[row]], at)
    standing = desk.roster.standing(rows, plan.caps, at)
    verdict = eligibility(standing, plan.caps, at)
    bundle = None if _OBJECTED in verdict.rules_failed else desk.models.champion()
    found = explanation(lead_id, row, verdict, past, bundle, plan.worth, standing, at)
    return replace(found, degraded=desk.models.degraded)
