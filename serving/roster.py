"""Roster: the leads of the ledger as the calling rules see them, with the leases this worker knows of."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.instants import DAY, NEVER
from features.kernel import Int8Array, Int64Array
from features.store.ledger import Ledger

from .jurisdictions import jurisdictions
from .ranking.arms import HOLDOUT, MODEL
from .rule import EARLY, Caps
from .rules.attempts import daily_cap
from .standing import DNC, OBJECTED, OPEN, Standing
from .tally import Tally, tally

_STOPS = {"dnc": DNC, "objection": OBJECTED, "erased": OBJECTED}
_BUDGET = 7 * DAY
"""Arms are kept at their shares of the agent seconds spent within this time."""


@dataclass(frozen=True)
class Held:
    """Who holds what: equally long columns over leads or over numbers."""

    by: Int64Array
    """Row of the lead that was leased; -1 before the first lease."""
    since: Int64Array
    until: Int64Array

    @classmethod
    def of(cls, before: "Held | None", size: int) -> "Held":
        """Room for `size` of them; nobody holds the new ones."""
        grown = cls(np.full(size, -1), np.zeros(size, np.int64), np.zeros(size, np.int64))
        if before is not None:
            for name in ("by", "since", "until"):
                column = getattr(before, name)
                getattr(grown, name)[: column.size] = column
        return grown

    def take(self, places: Int64Array, by: Int64Array, at: int, until: int) -> None:
        """Leads take these places from `at` until an instant."""
        self.by[places], self.since[places], self.until[places] = by, at, until

    def open_until(self, places: Int64Array, last_call_at: Int64Array) -> Int64Array:
        """Until when a lease holds them, 0 if a call began since it was given."""
        return np.where(last_call_at >= self.since[places], 0, self.until[places])


@dataclass
class Roster:
    """Follows a ledger; what follows from its calls alone is worked out once per change."""

    ledger: Ledger
    _seq: int = -1
    _tally: Tally | None = None
    _stopped: tuple[Int8Array, Int64Array] | None = None
    _not_before: Int64Array | None = None
    _of_lead: Held | None = None
    _of_phone: Held | None = None

    @property
    def new(self) -> bool:
        """Whether it never followed."""
        return self._seq < 0

    def follow(self) -> None:
        """Take over what the ledger read since the last time."""
        if self._seq == self.ledger.seq:
            return
        leads, calls = self.ledger.leads, self.ledger.calls.columns
        own = leads.columns["phone"]
        dialed = np.where(calls["phone"] >= 0, calls["phone"], own[calls["lead"]])
        self._tally = tally(
            calls["lead"], dialed, calls["started_at"], calls["disposition"], own, len(leads.phones)
        )
        self._not_before = np.zeros(len(leads), np.int64)
        asked = np.flatnonzero(calls["not_before"])
        np.maximum.at(self._not_before, calls["lead"][asked], calls["not_before"][asked])
        self._stopped = self._stops()
        self._of_lead = Held.of(self._of_lead, len(leads))
        self._of_phone = Held.of(self._of_phone, len(leads.phones) + 1)  # the last: no number
        self._seq = self.ledger.seq

    def hold(self, rows: Int64Array | list[int], at: int, until: int) -> None:
        """Remember that somebody holds these leads and their numbers from `at` until an instant."""
        assert self._of_lead is not None
        assert self._of_phone is not None
        rows = np.asarray(rows, np.int64)
        phone = self.ledger.leads.columns["phone"][rows]
        self._of_lead.take(rows, rows, at, until)
        self._of_phone.take(phone[phone >= 0], rows[phone >= 0], at, until)

    def extend(self, row: int, until: int) -> None:
        """Remember until when a lead is withheld from now on, since the same lease."""
        assert self._of_lead is not None
        assert self._of_phone is not None
        self._of_lead.until[row] = until
        phone = self.ledger.leads.columns["phone"][row]
        if phone >= 0 and self._of_phone.by[phone] == row:
            self._of_phone.until[phone] = until

    def standing(self, rows: Int64Array, caps: Caps, at: int) -> Standing:
        """How the leads stand at `at`."""
        columns, counts = self.ledger.leads.columns, self._counts()
        place = np.array([_place_code(*place) for place in self.ledger.leads.places] or [0], np.int64)
        jurisdiction = place[columns["place"][rows]]
        callback = self.callback_at(rows)
        own = Tally(
            counts.attempts[rows], counts.recent[rows], counts.last_call_at[rows], counts.closed[rows]
        )
        assert self._not_before is not None
        promised = np.where(callback < NEVER, callback - EARLY, 0)
        return Standing(
            zones=self.ledger.leads.zone_sets,
            zone=columns["zones"][rows],
            jurisdiction=jurisdiction,
            attempts=own.attempts,
            calls_24h=own.calls_within_day(at),
            last_call_at=own.last_call_at,
            oldest_in_24h=own.leaves_the_day(daily_cap(jurisdiction, caps)),
            closed=self._closed(rows, own.closed, at),
            callback_at=callback,
            not_before=np.maximum(self._not_before[rows], promised),
            leased_until=self._held_until(rows, own.last_call_at),
            created_at=columns["created_at"][rows],
            has_phone=columns["phone"][rows] >= 0,
        )

    def callback_at(self, rows: Int64Array) -> Int64Array:
        """When each lead was promised a call it hasn't had yet, else NEVER."""
        columns = self.ledger.leads.columns
        promised, told_at = columns["callback_at"][rows], columns["callback_told_at"][rows]
        kept = self._counts().last_call_at[rows] >= np.maximum(promised - EARLY, told_at)
        return np.where(kept, NEVER, promised)

    def spent(self, campaign: int, arms: Int8Array, at: int) -> tuple[float, float]:
        """Seconds of the campaign's calls within the budget time, by arm; `arms` by lead row."""
        calls = self.ledger.calls.columns
        mine = (calls["campaign"] == campaign) & (calls["started_at"] > at - _BUDGET)
        seconds = calls["handle_s"][mine].astype(np.float64)
        by_arm = np.bincount(arms[calls["lead"][mine]], seconds, minlength=2)
        return float(by_arm[MODEL]), float(by_arm[HOLDOUT])

    def attempts(self, rows: Int64Array) -> Int64Array:
        """Dials of each lead in its life."""
        return np.asarray(self._counts().attempts[rows], np.int64)

    def restore(self, held: Iterable[tuple[int, int, int]], at: int) -> None:
        """Remember the leases found in the database at `at`: (key of the lead, held since, held until)."""
        leads = self.ledger.leads
        for key, since, until in held:
            if leads.knows(key):
                self.hold([leads.row_of_key(key)], min(since, at), until)

    def _counts(self) -> Tally:
        assert self._tally is not None, "follow() comes first"
        return self._tally

    def _closed(self, rows: Int64Array, by_calls: Int8Array, at: int) -> Int8Array:
        assert self._stopped is not None
        code, until = self._stopped[0][rows], self._stopped[1][rows]
        return np.where((code != OPEN) & (until > at), code, by_calls).astype(np.int8)

    def _held_until(self, rows: Int64Array, last_call_at: Int64Array) -> Int64Array:
        """Until when a lease holds the lead or its number; it ends with the call it was for."""
        assert self._of_lead is not None
        assert self._of_phone is not None
        phone = self.ledger.leads.columns["phone"][rows]
        by_number = np.where(phone >= 0, self._of_phone.open_until(phone, last_call_at), 0)
        return np.maximum(self._of_lead.open_until(rows, last_call_at), by_number)

    def _stops(self) -> tuple[Int8Array, Int64Array]:
        """Per lead why it is suppressed (OPEN if it is not) and until when; a number speaks for its leads."""
        leads = self.ledger.leads
        of_phone, of_lead = (
            np.zeros((2, len(leads.phones) + 1), np.int64),
            np.zeros((2, len(leads)), np.int64),
        )
        for kind, name, reason, ends in leads.suppressions():
            found = leads.phones.known(name) if kind == "phone" else leads.row(name)
            table = of_phone if kind == "phone" else of_lead
            if found is not None and found >= 0 and ends > table[1, found]:
                table[:, found] = _STOPS[reason], ends
        by_number = of_phone[:, leads.columns["phone"]]
        code, until = np.where(by_number[1] > of_lead[1], by_number, of_lead)
        return code.astype(np.int8), until


@lru_cache(maxsize=65536)
def _place_code(country: str, region: str, number: str) -> int:
    return jurisdictions().code(country or None, region or None, number or None)
