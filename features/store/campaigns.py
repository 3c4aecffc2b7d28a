"""Campaigns: their settings, read and written whole."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, insert, select, update

from ..instants import DAY
from ..past import HORIZON
from .changes import take
from .tables import campaign, conversion, lead, lead_past

GOAL = "sale"
"""What a campaign sells that doesn't say."""


@dataclass(frozen=True)
class StoredCampaign:
    """A campaign as stored: settings it doesn't say keep their defaults."""

    campaign: str
    settings: Mapping[str, object]
    created_at: int


def horizon_of(settings: Mapping[str, object]) -> int:
    """How long after an attempt a conversion still counts for it."""
    return int(str(settings.get("horizon_days", HORIZON // DAY))) * DAY


def goal_of(settings: Mapping[str, object]) -> str:
    """What a campaign's calls are to bring about."""
    return str(settings.get("goal") or GOAL)


def of_the_goal() -> ColumnElement[bool]:
    """Whether a recorded conversion is what its lead's campaign sells, and not, say, a newsletter ordered."""
    named = func.nullif(campaign.c.settings["goal"].as_string(), "")
    mine = (lead.c.id == conversion.c.lead) & (campaign.c.campaign == lead.c.campaign)
    return conversion.c.goal == func.coalesce(select(named).where(mine).scalar_subquery(), GOAL)


def stood_in(at: ColumnElement[int]) -> ColumnElement[str]:
    """The campaign that a row's `lead` stood in at an instant, as its versions were known then.

    What was told of a lead first counts as known ever since (`lead_versions.py`).
    """
    since, past = func.coalesce(lead.c.since, lead.c.known_at), lead_past.c
    before = select(past.campaign).where(past.lead == lead.c.id, past.known_at < since).limit(1)
    before = before.correlate_except(lead_past)
    stood = before.where(past.known_at <= at).order_by(past.updated_at.desc(), past.seq.desc())
    first = before.order_by(past.known_at, past.updated_at.desc(), past.seq.desc())
    moved = func.coalesce(stood.scalar_subquery(), first.scalar_subquery(), lead.c.campaign)
    return case((since <= at, lead.c.campaign), else_=moved)


def read_campaign(connection: Connection, name: str) -> StoredCampaign | None:
    """The campaign of that name, or None."""
    row = connection.execute(select(campaign).where(campaign.c.campaign == name)).first()
    return None if row is None else StoredCampaign(row.campaign, row.settings, row.created_at)


def campaign_names(connection: Connection) -> list[str]:
    """Every campaign's name, in order."""
    return list(connection.execute(select(campaign.c.campaign).order_by(campaign.c.campaign)).scalars())


def write_campaign(connection: Connection, name: str, settings: Mapping[str, object], at: int) -> None:
    """Replace the settings of a campaign, or make it."""
    seq, kept = take(connection), dict(settings)
    changed = connection.execute(
        update(campaign).where(campaign.c.campaign == name).values(settings=kept, seq=seq)
    )
    if changed.rowcount == 0:
        connection.execute(insert(campaign).values(campaign=name, settings=kept, created_at=at, seq=seq))
