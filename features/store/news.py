"""News: from when on what a store learned since may change the features of moments long past."""

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select, union

from ..instants import NEVER
from .tables import call, lead, lead_past, metadata


def bears_from(connection: Connection, seq: int, as_of: int, until: int) -> int:
    """No moment before this instant sees any of the news; NEVER if there is none.

    News is what a reader of the changes up to `seq` that were known before `as_of` has not seen, and was
    known before `until`. Whatever it is about, moments see it from when it is known; what corrects a call or
    a lead may change what they saw before, but nothing before the lead's first call.
    """
    first_told = [_first(connection, _known_first(table, seq, as_of, until)) for table in fact_tables()]
    leads = union(*(_concerned(table, seq, as_of, until) for table in (*fact_tables(), lead))).subquery(
        "concerned"
    )
    first_call = select(func.min(call.c.started_at)).where(call.c.lead.in_(select(leads.c.lead)))
    return min([*first_told, _first(connection, first_call)])


def fact_tables() -> list[Table]:
    """The tables of what happened to leads and calls, each row with its change number.

    Not the past versions of leads: they are copied when another comes, and no news then.
    """
    return [
        table
        for table in metadata.sorted_tables
        if {"seq", "known_at"} <= set(table.c.keys())
        and {"lead", "call_id"} & set(table.c.keys())
        and table is not lead_past
    ]


def _is_news(table: Table, seq: int, as_of: int, until: int) -> ColumnElement[bool]:
    since = table.c.created_at if table is lead else table.c.known_at
    return ((table.c.seq > seq) | (since >= as_of)) & (since < until)


def _known_first(table: Table, seq: int, as_of: int, until: int) -> Select[int | None]:
    return select(func.min(table.c.known_at)).where(_is_news(table, seq, as_of, until))


def _concerned(table: Table, seq: int, as_of: int, until: int) -> Select[int]:
    """The leads that a table has news of."""
    if table is lead:
        key = select(lead.c.id.label("lead"))
    elif "lead" in table.c:
        key = select(table.c.lead)
    else:
        key = select(call.c.lead).join(table, table.c.call_id == call.c.call_id)
    return key.where(_is_news(table, seq, as_of, until))


def _first(connection: Connection, asked: Select[int | None]) -> int:
    found = connection.execute(asked).scalar()
    return NEVER if found is None else int(found)
