"""Ledger: the store's facts in memory, read once and then followed change by change."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, Table, select

from ..instants import NEVER
from ..past import Past
from .call_book import CallBook
from .lead_book import LeadBook
from .tables import (
    call,
    callback,
    campaign,
    consent,
    conversion,
    counter,
    disposition,
    lead,
    lead_attribute,
    suppression,
)


@dataclass
class Ledger:
    """The past of one store as of its change number `seq`; not shared between threads without a lock."""

    seq: int = 0
    leads: LeadBook = field(default_factory=LeadBook)
    calls: CallBook = field(default_factory=CallBook)
    campaigns: dict[str, dict[str, object]] = field(default_factory=dict)
    """The settings of each campaign, as stored."""
    _past: Past | None = None

    def follow(self, connection: Connection, until: int = NEVER) -> bool:
        """Read what was stored since the last time; tell whether anything was.

        With `until`, what became known at or after that instant stays unread: for a training as of then. Such
        a ledger is read once and not followed.
        """
        latest = connection.execute(select(counter.c.value).where(counter.c.name == "change")).scalar_one()
        if latest == self.seq:
            return False

        def fresh(table: Table) -> Sequence[Row[tuple[object, ...]]]:
            new = (table.c.seq > self.seq) & (table.c.seq <= latest)
            if until < NEVER and table is not campaign:
                new &= (table.c.created_at if table is lead else table.c.known_at) < until
            return connection.execute(select(table).where(new).order_by(table.c.seq)).all()

        self.campaigns.update({row.campaign: row.settings for row in fresh(campaign)})
        self.leads.add_leads(fresh(lead))
        self.leads.add_attributes(fresh(lead_attribute))
        self.leads.add_consents(fresh(consent))
        self.calls.add_calls(fresh(call), self.leads)
        self.calls.add_dispositions(fresh(disposition))
        self.calls.add_conversions(fresh(conversion), self.leads)
        self.leads.add_callbacks(fresh(callback))
        self.leads.add_suppressions(fresh(suppression))
        self.seq, self._past = latest, None
        return True

    def past(self) -> Past:
        """The calls and leads as the features see them; the same object until something changes."""
        if self._past is None:
            self._past = Past(self.calls.log(), self.leads.table())
        return self._past

    def take_touched(self) -> list[int]:
        """Rows of leads of which something changed since this was last asked."""
        touched = [*self.leads.touched, *self.calls.touched]
        self.leads.touched.clear()
        self.calls.touched.clear()
        return touched
