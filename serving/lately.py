"""Lately: what a campaign's dialers did in the last hours and days, as diagnostics show it."""

from sqlalchemy import Engine

from features.instants import DAY
from features.store.engine import reading
from features.store.reads import Stretch, live_answers

from .insight import Abandoned, Lately
from .leases import ran_out

MONTH = 30 * DAY


def lately(engine: Engine, campaign: str, at: int) -> Lately:
    """As of an instant: of the last 24 hours, and of 30 days."""
    with reading(engine) as connection:
        day, month = (
            live_answers(connection, Stretch(at - span, at + 1, at, campaign)) for span in (DAY, MONTH)
        )
        return Lately(Abandoned.of(*day), Abandoned.of(*month), ran_out(connection, campaign, at - DAY, at))
