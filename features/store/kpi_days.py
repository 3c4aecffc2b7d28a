"""KPI days: the sums of days that are over, how far they are closed, and what news bears on them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from zlib import compress, decompress

import numpy as np
import orjson
from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, insert, select, union, update

from ..calls import Outcome
from ..kernel import Int64Array
from .campaigns import stood_in
from .reads import Leads
from .tables import (
    agent,
    call,
    call_past,
    conversion,
    counter,
    disposition,
    kpi_close,
    kpi_column,
    kpi_day,
    lead,
    lead_past,
)
from .tables import campaign as settings

Sold = tuple[int, float, float, float]
"""A sale that a day counts: the lead's database key, value, 1 if net (2, 3: unclaimed), net value."""


@dataclass(frozen=True)
class Close:
    """How far a campaign's days are closed."""

    until: int
    """The first local day that isn't; days count from 1970-01-01."""
    seq: int
    basis: str
    known_at: int = 0
    """Since when the last of all that was followed is known, of whatever campaign."""
    pending: frozenset[int] = frozenset()
    """Days before `until` that are still to be drawn up."""
    shown: bool = False
    """Whether the board in MLflow shows all of it."""


@dataclass(frozen=True)
class News:
    """What a store learned in between two change numbers that may bear on days closed before."""

    called_at: Int64Array
    """The starts of calls that came or changed, of versions replaced too, and of those to leads that were
    erased or have another channel or source than once."""
    leads: frozenset[int]
    """Whose calls, sales or own worth may have changed, by database key."""
    sellers: Leads
    """Those among them with anything that may be a sale."""


def change_number(connection: Connection) -> int:
    """The number of the last change."""
    return int(connection.execute(select(counter.c.value).where(counter.c.name == "change")).scalar_one())


def read_close(connection: Connection, campaign: str) -> Close | None:
    """How far the campaign is closed, None where it never was."""
    row = connection.execute(select(kpi_close).where(kpi_close.c.campaign == campaign)).first()
    if row is None:
        return None
    return Close(row.until, row.seq, row.basis, row.known_at, frozenset(row.pending), shown=row.shown is True)


def write_close(connection: Connection, campaign: str, close: Close) -> None:
    """Replace how far a campaign is closed."""
    connection.execute(delete(kpi_close).where(kpi_close.c.campaign == campaign))
    told = {**vars(close), "pending": sorted(close.pending)}
    connection.execute(insert(kpi_close).values(campaign=campaign, **told))


def mark_shown(connection: Connection, campaign: str, seq: int) -> None:
    """Say that the board shows the close of that change number, if it is still the last one."""
    mine = (kpi_close.c.campaign == campaign) & (kpi_close.c.seq == seq)
    connection.execute(update(kpi_close).where(mine).values(shown=True))


@dataclass(frozen=True)
class Day:
    """What is kept of a day that is over."""

    attempts: int
    sums: Mapping[str, object]
    sold: Sequence[Sold]
    columns: Mapping[str, bytes]
    """What each attempt counts for, by quantity and dimension; none where there are no attempts."""


def write_day(connection: Connection, campaign: str, day: int, told: Day) -> None:
    """Replace what is kept of a day."""
    text = orjson.dumps(told.sums)
    for table in (kpi_day, kpi_column):
        connection.execute(delete(table).where(table.c.campaign == campaign, table.c.day == day))
    sums = {"digest": sha256(text).hexdigest()[:32], "sums": compress(text, 1), "sold": list(told.sold)}
    connection.execute(insert(kpi_day).values(campaign=campaign, day=day, attempts=told.attempts, **sums))
    columns = [
        {"campaign": campaign, "name": name, "day": day, "told": column}
        for name, column in told.columns.items()
    ]
    if columns:
        connection.execute(insert(kpi_column), columns)


def count_kept(connection: Connection, campaign: str, since: int, until: int) -> dict[int, int]:
    """The attempts of each day kept in [since, until), oldest first."""
    mine = (kpi_day.c.campaign == campaign) & (kpi_day.c.day >= since) & (kpi_day.c.day < until)
    asked = select(kpi_day.c.day, kpi_day.c.attempts).where(mine).order_by(kpi_day.c.day)
    return {row.day: row.attempts for row in connection.execute(asked)}


def read_column(connection: Connection, campaign: str, name: str, since: int, until: int) -> dict[int, bytes]:
    """One column of the days kept in [since, until), oldest first; days without attempts have none."""
    mine = (kpi_column.c.campaign == campaign) & (kpi_column.c.name == name)
    asked = select(kpi_column.c.day, kpi_column.c.told).where(
        mine, kpi_column.c.day >= since, kpi_column.c.day < until
    )
    return {row.day: bytes(row.told) for row in connection.execute(asked.order_by(kpi_column.c.day))}


def read_teams(connection: Connection) -> dict[str, str | None]:
    """Of each agent the team."""
    return {row.agent: row.team for row in connection.execute(select(agent.c.agent, agent.c.team))}


def read_days(connection: Connection, campaign: str) -> dict[int, tuple[str, Mapping[str, object]]]:
    """Of each day closed its digest and its sums, oldest first."""
    asked = select(kpi_day).where(kpi_day.c.campaign == campaign).order_by(kpi_day.c.day)
    return {row.day: (row.digest, orjson.loads(decompress(row.sums))) for row in connection.execute(asked)}


def read_sold(connection: Connection, campaign: str, leads: AbstractSet[int]) -> dict[int, list[Sold]]:
    """Of each day the sales to some leads that it counts."""
    asked = select(kpi_day.c.day, kpi_day.c.sold).where(kpi_day.c.campaign == campaign)
    told = {row.day: row.sold for row in connection.execute(asked)}
    mine = {day: [tuple(sale) for sale in sold if sale[0] in leads] for day, sold in told.items()}
    return {day: sold for day, sold in mine.items() if sold}


def first_fact(connection: Connection, campaign: str) -> int | None:
    """When the campaign's first attempt started or its first sale was made, None before either."""
    called = select(func.min(call.c.started_at)).where(call.c.campaign == campaign)
    bought = select(func.min(conversion.c.at)).join(lead, lead.c.id == conversion.c.lead)
    bought = bought.where(stood_in(conversion.c.at) == campaign)
    found = [connection.execute(asked).scalar() for asked in (called, bought)]
    return min((at for at in found if at is not None), default=None)


def count_attempts(connection: Connection, campaign: str, since: int, until: int) -> int:
    """The campaign's attempts started in [since, until)."""
    mine = (call.c.campaign == campaign) & (call.c.started_at >= since) & (call.c.started_at < until)
    return int(connection.execute(select(func.count()).select_from(call).where(mine)).scalar_one())


def read_news(connection: Connection, campaign: str, since: int) -> News:
    """What came after change number `since`."""
    changed = select(call.c.call_id).where(call.c.seq > since)
    calls = [
        select(call.c.lead, call.c.started_at).where(call.c.seq > since, call.c.campaign == campaign),
        select(call_past.c.lead, call_past.c.started_at).where(
            call_past.c.call_id.in_(changed), call_past.c.campaign == campaign
        ),
        select(call.c.lead, call.c.started_at)
        .join(disposition, disposition.c.call_id == call.c.call_id)
        .where(disposition.c.seq > since, call.c.campaign == campaign),
        select(call.c.lead, call.c.started_at)
        .join(lead, lead.c.id == call.c.lead)
        .where(lead.c.seq > since, call.c.campaign == campaign, _reworded()),
    ]
    rows = connection.execute(union(*calls)).all()
    leads = _leads_with_news(campaign, since)
    news = leads.subquery("news")
    return News(
        np.array([row.started_at for row in rows], np.int64),
        frozenset(connection.execute(leads).scalars()),
        select(news.c.lead).where(news.c.lead.in_(_sellers())),
    )


def _reworded() -> ColumnElement[bool]:
    """Leads that are told apart by other words than before."""
    other = lead_past.c.channel.is_distinct_from(lead.c.channel) | lead_past.c.source.is_distinct_from(
        lead.c.source
    )
    return lead.c.erased_at.is_not(None) | exists().where(lead_past.c.lead == lead.c.id, other)


def latest_known(connection: Connection, since: int = 0) -> int:
    """Since when the last fact that came after change number `since` is known; 0 where none came."""
    latest = [
        connection.execute(select(func.max(table.c.known_at)).where(table.c.seq > since)).scalar()
        for table in (call, disposition, conversion)
    ]
    return max((at for at in latest if at is not None), default=0)


def _leads_with_news(campaign: str, since: int) -> Leads:
    changed = select(call.c.call_id).where(call.c.seq > since)
    return union(
        select(call.c.lead).where(call.c.seq > since),
        select(call_past.c.lead).where(call_past.c.call_id.in_(changed)),
        select(call.c.lead)
        .join(disposition, disposition.c.call_id == call.c.call_id)
        .where(disposition.c.seq > since),
        select(conversion.c.lead).where(conversion.c.seq > since),
        select(lead.c.id.label("lead")).where(lead.c.seq > since),
        _shared_buyers(campaign, since),
    )


def _shared_buyers(campaign: str, since: int) -> Select[int]:
    """A campaign's buyers whom another one called whose settings changed: it may claim their sales now."""
    other = call.alias("other")
    mine = exists().where(lead.c.id == call.c.lead, lead.c.campaign == campaign)
    once = exists().where(lead_past.c.lead == call.c.lead, lead_past.c.campaign == campaign)
    called = exists().where(other.c.lead == call.c.lead, other.c.campaign == campaign)
    return (
        select(call.c.lead)
        .join(settings, settings.c.campaign == call.c.campaign)
        .where(settings.c.seq > since, settings.c.campaign != campaign)
        .where(call.c.lead.in_(_sellers()), mine | once | called)
    )


def _sellers() -> Leads:
    """Leads to whom something was sold, by whatever version of whatever was told."""
    return union(
        select(conversion.c.lead),
        select(call.c.lead).where(call.c.outcome == int(Outcome.CONVERTED)),
        select(call.c.lead)
        .join(disposition, disposition.c.call_id == call.c.call_id)
        .where(disposition.c.converted),
    )
