"""Subjects: the leads that a question before a call names, by their id, number or lease."""

import numpy as np
from sqlalchemy import Connection

from features.pseudonym import phone_hash
from features.store.installation import secret_of
from features.store.lead_book import LeadBook

from . import leases


def named(
    connection: Connection,
    book: LeadBook,
    lead_id: str | None,
    phone: str | None,
    lease_id: str | None,
    now: int,
) -> tuple[list[int], str]:
    """Their rows, and which rule says so where there are none; a lease names its lead while it is open."""
    if lead_id is not None:
        row = book.row(lead_id)
        return ([] if row is None else [row]), "unknown_lead"
    if phone is not None:
        code = book.phones.known(phone_hash(secret_of(connection), phone))
        known = np.flatnonzero((book.columns["phone"] == code) & (code >= 0))
        return known.tolist(), "unknown_phone"
    key = leases.holder(connection, lease_id or "", now)
    return ([book.row_of_key(key)] if key is not None and book.knows(key) else []), "lease_expired"
