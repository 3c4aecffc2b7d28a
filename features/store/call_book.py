"""CallBook: the calls of the store as growing columns, each with the disposition that stands."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row

from ..calls import COLUMNS, CallLog, Outcome
from ..columns import Codes, Columns
from ..instants import DAY, SECOND
from .lead_book import LeadBook

CREDIT = 30 * DAY
"""A sale recorded without a `converted` disposition belongs to the last contact within this time."""

_EXTRA = {
    "phone": np.int64,  # code of the number dialed (LeadBook.phones), -1 nobody said: the lead's own
    "told_at": np.int64,  # event time of the disposition that stands; -1: the attempt's own outcome
    "not_before": np.int64,  # what that disposition asks, 0 nothing
}

_SOLD = ("disposition", "converted", "disposed_at", "disposed_known_at", "value")
"""What a credited sale writes over."""


class CallBook:
    """One row per call, in the order of first storing; rows never move.

    Until a disposition comes, the attempt's own outcome stands as one. Of several the one with the latest
    event time stands, from the moment at which it became known: a corrected call is undisposed before that.
    """

    def __init__(self) -> None:
        self.columns = Columns({**COLUMNS, **_EXTRA})
        self.agents = Codes()
        self.touched: list[int] = []
        """Rows of leads with a new or changed call, since somebody last cleared it."""
        self._row: dict[str, int] = {}
        self._ids: list[str] = []
        self._of_lead: dict[int, list[int]] = {}
        self._sales: dict[int, tuple[int, int, float]] = {}
        self._credited: dict[int, tuple[int, dict[str, float]]] = {}
        """By lead the call credited with its recorded sale, and what stood there before."""

    def __len__(self) -> int:
        return len(self.columns)

    def log(self) -> CallLog:
        """The calls as the features see them, ordered by `ended_at`."""
        log = CallLog(**{name: self.columns[name] for name in COLUMNS})
        in_order = np.all(np.diff(log.ended_at) >= 0)
        return log if in_order else log.take(np.argsort(log.ended_at, kind="stable"))

    def add_calls(self, rows: Sequence[Row[Any]], leads: LeadBook) -> None:
        """Add new calls and take over corrected ones; calls of leads never read are left out."""
        rows = [row for row in rows if leads.knows(row.lead)]
        new = [row.call_id for row in rows if row.call_id not in self._row]
        corrected = [self._row[row.call_id] for row in rows if row.call_id in self._row]
        concerned = {leads.row_of_key(row.lead) for row in rows} | self._leads_of(corrected)
        self._take_back_credit(concerned)
        self.touched += concerned
        for place in corrected:
            self._of_lead[int(self.columns["lead"][place])].remove(place)
        for call_id in new:
            self._row[call_id] = len(self._ids)
            self._ids.append(call_id)
        self.columns.append(**{name: np.zeros(len(new)) for name in (*COLUMNS, *_EXTRA)})
        for row in rows:
            self._write(self._row[row.call_id], row, leads)
        self._credit_sales(concerned)

    def add_dispositions(self, rows: Sequence[Row[Any]]) -> None:
        """Let each call's latest disposition stand."""
        told = [(self._row[row.call_id], row) for row in rows if row.call_id in self._row]
        concerned = self._leads_of([place for place, _ in told])
        self._take_back_credit(concerned)
        for place, row in told:
            if row.event_at < self.columns["told_at"][place]:
                continue
            self._dispose(place, row.disposition, row.converted, row.event_at, row.known_at)
            self.columns["told_at"][place] = row.event_at
            self.columns["value"][place] = row.value if row.value is not None else 0.0
            self.columns["not_before"][place] = row.next_at or 0
        self._credit_sales(concerned)

    def add_conversions(self, rows: Sequence[Row[Any]], leads: LeadBook) -> None:
        """Credit sales told only by `conversion.recorded` to the contact before; others confirm a sale."""
        for row in rows:
            if leads.knows(row.lead) and not row.cancelled:
                place = leads.row_of_key(row.lead)
                self._sales.setdefault(place, (row.at, row.known_at, row.value or 0.0))
                self._take_back_credit({place})
                self._credit_sales({place})

    def _leads_of(self, calls: Sequence[int]) -> set[int]:
        return set(self.columns["lead"][np.array(calls, np.int64)].tolist())

    def _write(self, place: int, row: Row[Any], leads: LeadBook) -> None:
        columns = self.columns
        lead = leads.row_of_key(row.lead)
        self._of_lead.setdefault(lead, []).append(place)
        columns["lead"][place] = lead
        columns["agent"][place] = self.agents.of(row.agent)
        columns["campaign"][place] = leads.code_of("campaign", row.campaign)
        for name in ("started_at", "ended_at", "known_at", "outcome"):
            columns[name][place] = getattr(row, name)
        columns["answered"][place] = row.human_answered
        columns["talk_s"][place] = row.talk_s or 0.0
        columns["handle_s"][place] = (row.ended_at - row.started_at) / SECOND + (row.wrap_s or 0.0)
        columns["phone"][place] = leads.phones.of(row.phone_hash)
        if columns["told_at"][place] <= 0:
            columns["told_at"][place] = -1
            self._dispose(place, row.outcome, row.outcome == Outcome.CONVERTED, row.ended_at, row.known_at)

    def _dispose(self, place: int, outcome: int, converted: bool, at: int, known_at: int) -> None:
        columns = self.columns
        self.touched.append(int(columns["lead"][place]))
        columns["disposition"][place] = outcome
        columns["converted"][place] = converted
        columns["disposed_at"][place] = at
        columns["disposed_known_at"][place] = known_at

    def _take_back_credit(self, leads: Collection[int]) -> None:
        """Let what was told of these leads' calls stand alone again: something of them is about to change."""
        for lead in self._credited.keys() & leads:
            place, stood = self._credited.pop(lead)
            self.touched.append(lead)
            for name, told in stood.items():
                self.columns[name][place] = told

    def _credit_sales(self, leads: Collection[int]) -> None:
        """Mark each lead's last contact before its recorded sale as the one that sold, if none did."""
        for lead in self._sales.keys() & leads:
            at, known_at, value = self._sales[lead]
            place = self._seller(lead, at)
            if place is not None:
                self._credited[lead] = place, {name: self.columns[name][place] for name in _SOLD}
                self._dispose(place, Outcome.CONVERTED, True, at, known_at)
                self.columns["value"][place] = value

    def _seller(self, lead: int, at: int) -> int | None:
        """The lead's last contact at most CREDIT before `at`; None without one, or if a call says it sold."""
        started, calls = self.columns["started_at"], self._of_lead.get(lead, ())
        if any(self.columns["converted"][call] for call in calls):
            return None
        contacts = [
            (started[call], self._ids[call], call)
            for call in calls
            if at - CREDIT < started[call] <= at and self.columns["answered"][call]
        ]
        return max(contacts)[-1] if contacts else None
