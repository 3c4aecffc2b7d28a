"""Outcome codes that this installation mapped itself."""

from sqlalchemy import Connection, delete, insert

from ..calls import Outcome
from ..errors import UnknownOutcome
from .tables import outcome_code


def map_outcome(connection: Connection, source: str, code: str, outcome: str, at: int) -> None:
    """Let a source's code mean an outcome, from now on and for what is replayed."""
    try:
        meant = Outcome.of(outcome)
    except KeyError as error:
        known = ", ".join(one.name.lower() for one in Outcome)
        raise UnknownOutcome(outcome=outcome, known=known) from error
    mine = (outcome_code.c.source == source) & (outcome_code.c.code == code)
    connection.execute(delete(outcome_code).where(mine))
    row = {"source": source, "code": code, "outcome": int(meant), "created_at": at}
    connection.execute(insert(outcome_code).values(row))
