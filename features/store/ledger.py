"""Ledger: the store's facts in memory, read once and then followed change by change."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, exists, select, text

from ..instants import NEVER
from ..past import Past
from .call_book import CallBook, CallRows
from .call_news import take_over
from .campaigns import horizon_of, of_the_goal
from .contact_book import ContactBook
from .engine import clock_of
from .fact_book import FactBook, batch_of
from .lead_book import LeadBook
from .lookup import among
from .tables import (
    call,
    call_past,
    callback,
    campaign,
    consent,
    conversion,
    counter,
    disposition,
    lead,
    lead_attribute,
    lead_past,
    suppression,
    touch,
    voice,
)
from .trips import ask

Rows = Sequence[Row[Any]]

_READ = (
    *(campaign, lead, lead_past, lead_attribute, consent, call, call_past, disposition, conversion),
    *(callback, suppression, touch, voice),
)
_OF_LEADS = lead, lead_attribute
"""Tables that are read in slices: they have the most rows, and nothing else is needed along with them."""

SLICE = 100_000
"""So many rows are read at a time."""

_ALWAYS_KNOWN = (campaign, lead, lead_past)
"""Tables whose rows are read whenever they became known: the books see to what was known when."""


@dataclass
class Ledger:
    """The past of one store as of its change number `seq`; not shared between threads without a lock."""

    seq: int = 0
    leads: LeadBook = field(default_factory=LeadBook)
    calls: CallBook = field(default_factory=CallBook)
    facts: FactBook = field(default_factory=FactBook)
    campaigns: dict[str, dict[str, object]] = field(default_factory=dict)
    """The settings of each campaign, as stored."""
    _touched: list[int] = field(default_factory=list)
    _tapes: dict[Any, Any] = field(default_factory=dict)
    _past: Past | None = None

    def __post_init__(self) -> None:
        self.contacts = ContactBook(self.calls.agents)

    def follow(self, connection: Connection, until: int = NEVER) -> bool:
        """Read what was stored since the last time, in one view of it; tell whether anything was.

        With `until`, what became known at or after that instant stays unread: for a training as of then. Such
        a ledger is read once and not followed.
        """
        if connection.execute(_LATEST).scalar_one() == self.seq:
            return False
        latest, *newer = connection.execute(_NEWS, {"seen": self.seq}).one()
        told = frozenset(table for table, newest in zip(_READ, newer, strict=True) if newest)
        news = _News(connection, told, self.seq, latest, until)
        rows = {table: news.rows(table) for table in _READ if table not in _OF_LEADS}
        self._follow_leads(news, rows)
        self._follow_facts(rows, self._versions(connection, rows, latest))
        self.seq, self._past = latest, None
        return True

    def _versions(self, connection: Connection, rows: Mapping[Table, Rows], latest: int) -> Rows:
        """All versions of the calls that the rows tell of: those of known calls are read again."""
        fresh = (
            sorted([*rows[call], *rows[call_past]], key=attrgetter("seq")) if rows[call_past] else rows[call]
        )
        again = {row.call_id for row in fresh if self.calls.row(row.call_id) is not None}
        if not again:
            return fresh
        new = [row for row in fresh if row.call_id not in again]
        for table in (call, call_past):
            mine = among(connection, table.c.call_id, again) & (table.c.seq <= latest)
            new += connection.execute(_select(table).where(mine)).all()
        return sorted(new, key=attrgetter("seq"))

    def _follow_leads(self, news: "_News", rows: Mapping[Table, Rows]) -> None:
        """Leads first: nothing is told of one that isn't known."""
        self.campaigns.update({row.campaign: row.settings for row in rows[campaign]})
        named = {row.lead for table in (call, call_past, conversion, callback, touch) for row in rows[table]}

        def ours(some: Rows) -> Rows:
            return [row for row in some if min(row.created_at, row.known_at) < news.until or row.id in named]

        past = defaultdict[int, list[Row[Any]]](list)
        for version in rows[lead_past]:
            past[version.lead].append(version)
        self.leads.make_room(ours(news.leads()))
        for some in map(ours, news.slices(lead)):
            self.leads.add_leads(some, [one for row in some for one in past.pop(row.id, ())], news.until)
        self.leads.add_leads((), [one for versions in past.values() for one in versions], news.until)
        for some in news.slices(lead_attribute):
            self.leads.add_attributes(some)
        self.leads.add_consents(rows[consent])
        self.leads.add_callbacks(rows[callback])
        self.leads.add_suppressions(rows[suppression])

    def _follow_facts(self, rows: Mapping[Table, Rows], versions: Rows) -> None:
        epoch = self.facts.epoch
        told = CallRows(versions, rows[disposition], rows[conversion], rows[voice])
        update = take_over(self.calls, told, self.leads)
        promised, rewritten = self.contacts.add_callbacks(rows[callback], self.leads)
        news = [*update.news, *promised, *self.contacts.add_touches(rows[touch], self.leads)]
        disturbed = any(since <= self.facts.newest_of(lead) for lead, since in self.leads.retold)
        self.leads.retold.clear()
        leads = self.facts.learn([*update.batches, batch_of(news)], update.rewritten | rewritten)
        self._touched += leads.tolist()
        if disturbed or self.facts.epoch != epoch:
            self._tapes = {}

    def past(self) -> Past:
        """The calls and leads as the features see them; the same object until something changes."""
        if self._past is None:
            self._past = Past(
                self.calls.log,
                self.leads.table(),
                self.facts.facts(),
                self._tapes,
                horizons={name: horizon_of(settings) for name, settings in self.campaigns.items()},
                of_leads=self.calls.log_of,
                sizes=self.facts.sizes(),
            )
        return self._past

    def take_touched(self) -> list[int]:
        """Rows of leads of which something changed since this was last asked."""
        touched = [*self.leads.touched, *self.calls.touched, *self._touched]
        for told in (self.leads.touched, self.calls.touched, self._touched):
            told.clear()
        return touched


@dataclass(frozen=True)
class _News:
    """What a store learned after one change, up to another, as far as it was known before `until`."""

    connection: Connection
    told: Collection[Table]
    """The tables that have any."""
    seen: int
    latest: int
    until: int

    def rows(self, table: Table) -> Rows:
        """The new rows of a table, in the order in which they were stored."""
        return self.connection.execute(self._asked(table)).all() if table in self.told else ()

    def slices(self, table: Table) -> Iterator[Rows]:
        """The same piece by piece: a million rows at once would take more room than all that is kept."""
        if table in self.told:
            asked = self._asked(table).execution_options(yield_per=SLICE)
            yield from self.connection.execute(asked).partitions()

    def leads(self) -> Rows:
        """Of each new row of a lead who it is and since when: leads stand by their keys, not by slices."""
        asked: Select[Any] = _WHO.where(*self._new(lead))
        return self.connection.execute(asked).all() if lead in self.told else ()

    def _asked(self, table: Table) -> Select[Any]:
        return _select(table).where(*self._new(table)).order_by(table.c.seq)

    def _new(self, table: Table) -> list[ColumnElement[bool]]:
        new = [table.c.seq > self.seen, table.c.seq <= self.latest]
        if self.until < NEVER and table not in _ALWAYS_KNOWN:
            new.append(table.c.known_at < self.until)
        if table is conversion:
            new.append(of_the_goal())
        return new


_WHO = select(lead.c.id, lead.c.lead_id, lead.c.created_at, lead.c.known_at)


def latest_change(connection: Connection) -> tuple[int, int]:
    """The number of the store's latest change, and its clock as an instant, asked by one statement."""
    (((latest, now),),) = ask(connection, (_GLANCE[connection.dialect.name], {}))
    return int(latest), int(now)


_GLANCE = {
    dialect: text(f"SELECT value, {clock_of(dialect)} FROM counter WHERE name = 'change'")
    for dialect in ("sqlite", "postgresql")
}
_LATEST = select(counter.c.value).where(counter.c.name == "change")

_NEWS = select(
    _LATEST.scalar_subquery(),
    *(exists().where(table.c.seq > bindparam("seen")) for table in _READ),
)
"""The change number, and whether each table has newer rows than one seen: one round trip."""


def _select(table: Table) -> Select[Any]:
    """All columns; the same ones of calls that stand and of past ones."""
    return select(*(table.c[column.name] for column in call.c)) if table is call_past else select(table)
