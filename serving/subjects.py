"""Subjects: the leads that a question before a call names, by their id, number or lease."""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Connection

from features.pseudonym import phone_hash
from features.store.installation import secret_of
from features.store.lead_book import LeadBook

from . import leases
from .leases import Given
from .roster import Roster
from .rule import Caps
from .verdicts import OWN_LEASE, judge_all


def named(
    connection: Connection,
    book: LeadBook,
    campaign: str,
    lead_id: str | None,
    phone: str | None,
    lease_id: str | None,
    now: int,
) -> tuple[list[int], str]:
    """Their rows in the campaign that asks, and which rule says so where there are none.

    A lease names its lead while it is open, and while the lead has the number that it was given for.
    """
    of_campaign = book.columns["campaign"] == book.code("campaign", campaign)
    if lead_id is not None:
        row = book.row(lead_id)
        return ([row] if row is not None and of_campaign[row] else []), "unknown_lead"
    if phone is not None:
        code = book.phones.known(phone_hash(secret_of(connection), phone))
        known = np.flatnonzero(of_campaign & (book.columns["phone"] == code) & (code >= 0))
        return known.tolist(), "unknown_phone"
    held = leases.holder(connection, lease_id or "", now)
    if held is None or held.campaign != campaign or not book.knows(held.lead):
        return [], "lease_expired"
    row = book.row_of_key(held.lead)
    if of_campaign[row] and not has_number(book, row, held.phone_hash):
        return [], "number_changed"
    return ([row] if of_campaign[row] else []), "lease_expired"


def allowed(roster: Roster, caps_of: Callable[[str], Caps], given: Sequence[Given], at: int) -> set[str]:
    """Which leases every rule, but that they are leased, lets dial the numbers given."""
    campaigns = {one.campaign for one in given}
    parts = ([one for one in given if one.campaign == name] for name in campaigns)
    return set[str]().union(*(_allowed(roster, caps_of(some[0].campaign), some, at) for some in parts))


def _allowed(roster: Roster, caps: Caps, given: Sequence[Given], at: int) -> set[str]:
    book = roster.ledger.leads
    rows = [book.row_of_key(one.lead) for one in given]
    forbidden = judge_all(roster.standing(np.array(rows), caps, at), caps, at, OWN_LEASE).forbidden.tolist()
    told = zip(given, rows, forbidden, strict=True)
    return {one.lease_id for one, row, no in told if not no and has_number(book, row, one.phone_hash)}


def has_number(book: LeadBook, row: int, phone_hash: str | None) -> bool:
    """Whether a lead has the number still under which it was handed out: rules go by the number dialed."""
    return book.phones.word(int(book.columns["phone"][row])) == phone_hash
