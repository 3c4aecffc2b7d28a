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


@dataclass
class Roster:
    """Follows a ledger; what follows from its calls alone is worked out once per change."""

    ledger: Ledger
    _seq: int = -1
    _tally: Tally | None = None
    _stopped: tuple[Int8Array, Int64Array] | None = None
    _not_before: Int64Array | None = None
    _leased_at: Int64Array | None = None
    _leased_until: Int64Array | None = None

    def follow(self) -> None:
        """Take over what the ledger read since the last time."""
        if self._seq == self.ledger.seq:
            return
        leads, calls = self.ledger.leads, self.ledger.calls.columns
        self._tally = tally(
            calls["lead"], calls["phone"], calls["started_at"], calls["disposition"],
            leads.columns["phone"], len(leads.phones),
        )  # fmt: skip
        self._not_before = np.zeros(len(leads), np.int64)
        asked = np.flatnonzero(calls["not_before"])
        np.maximum.at(self._not_before, calls["lead"][asked], calls["not_before"][asked])
        self._stopped = self._stops()
        self._leased_at = _longer(self._leased_at, len(leads))
        self._leased_until = _longer(self._leased_until, len(leads))
        self._seq = self.ledger.seq

    def hold(self, rows: Int64Array | list[int], at: int, until: int) -> None:
        """Remember that somebody holds these leads from `at` until an instant."""
        assert self._leased_at is not None
        assert self._leased_until is not None
        self._leased_at[rows] = at
        self._leased_until[rows] = until

    def extend(self, row: int, until: int) -> None:
        """Remember until when a lead is withheld from now on, since the same lease."""
        assert self._leased_until is not None
        self._leased_until[row] = until

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
            leased_until=self._held_until(rows, own.last_call_at, at),
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

    def restore(self, held: Iterable[tuple[int, int]], at: int) -> None:
        """Remember the leases found in the database at start-up: (database key of the lead, held until)."""
        leads = self.ledger.leads
        for key, until in held:
            if leads.knows(key):
                self.hold([leads.row_of_key(key)], at, until)

    def _counts(self) -> Tally:
        assert self._tally is not None, "follow() comes first"
        return self._tally

    def _closed(self, rows: Int64Array, by_calls: Int8Array, at: int) -> Int8Array:
        assert self._stopped is not None
        code, until = self._stopped[0][rows], self._stopped[1][rows]
        return np.where((code != OPEN) & (until > at), code, by_calls).astype(np.int8)

    def _held_until(self, rows: Int64Array, last_call_at: Int64Array, at: int) -> Int64Array:
        """A lease ends with the call it was for."""
        assert self._leased_at is not None
        assert self._leased_until is not None
        called = last_call_at >= self._leased_at[rows]
        return np.where(called, 0, self._leased_until[rows])

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


def _longer(column: Int64Array | None, size: int) -> Int64Array:
    """The column with room for `size` leads; nobody holds the new ones."""
    grown = np.zeros(size, np.int64)
    if column is not None:
        grown[: column.size] = column
    return grown
