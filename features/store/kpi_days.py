"""KPI days: the sums of days that are over, how far they are closed, and what news bears on them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from zlib import compress, decompress

import numpy as np
import orjson
from sqlalchemy import Connection, delete, func, insert, select, union

from ..calls import Outcome
from ..kernel import Int64Array
from .reads import Leads
from .tables import call, call_past, conversion, counter, disposition, kpi_close, kpi_day, lead

Sold = tuple[int, float, float, float]
"""A sale that a day counts: the lead's database key, value, 1 if net (2, 3: unclaimed), net value."""


@dataclass(frozen=True)
class Close:
    """How far a campaign's days are closed."""

    until: int
    """The first local day that isn't; days count from 1970-01-01."""
    seq: int
    basis: str
    pending: frozenset[int] = frozenset()
    """Days before `until` that are still to be drawn up."""


@dataclass(frozen=True)
class News:
    """What a store learned in between two change numbers that may bear on days closed before."""

    called_at: Int64Array
    """The starts of calls that came or changed, of versions replaced too."""
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
    return None if row is None else Close(row.until, row.seq, row.basis, frozenset(row.pending))


def write_close(connection: Connection, campaign: str, close: Close) -> None:
    """Replace how far a campaign is closed."""
    connection.execute(delete(kpi_close).where(kpi_close.c.campaign == campaign))
    told = {"until": close.until, "seq": close.seq, "basis": close.basis, "pending": sorted(close.pending)}
    connection.execute(insert(kpi_close).values(campaign=campaign, **told))


def write_day(
    connection: Connection, campaign: str, day: int, sums: Mapping[str, object], sold: Sequence[Sold]
) -> None:
    """Replace the sums of a day."""
    text = orjson.dumps(sums)
    mine = (kpi_day.c.campaign == campaign) & (kpi_day.c.day == day)
    connection.execute(delete(kpi_day).where(mine))
    told = {"digest": sha256(text).hexdigest()[:32], "sums": compress(text, 1), "sold": list(sold)}
    connection.execute(insert(kpi_day).values(campaign=campaign, day=day, **told))


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
    mine = select(lead.c.id).where(lead.c.campaign == campaign)
    bought = select(func.min(conversion.c.at)).where(conversion.c.lead.in_(mine))
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
    ]
    rows = connection.execute(union(*calls)).all()
    leads = _leads_with_news(since)
    news = leads.subquery("news")
    return News(
        np.array([row.started_at for row in rows], np.int64),
        frozenset(connection.execute(leads).scalars()),
        select(news.c.lead).where(news.c.lead.in_(_sellers())),
    )


def _leads_with_news(since: int) -> Leads:
    changed = select(call.c.call_id).where(call.c.seq > since)
    return union(
        select(call.c.lead).where(call.c.seq > since),
        select(call_past.c.lead).where(call_past.c.call_id.in_(changed)),
        select(call.c.lead)
        .join(disposition, disposition.c.call_id == call.c.call_id)
        .where(disposition.c.seq > since),
        select(conversion.c.lead).where(conversion.c.seq > since),
        select(lead.c.id.label("lead")).where(lead.c.seq > since),
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
