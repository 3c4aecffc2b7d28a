"""Tally: what the calls so far count for the rules, by lead and by number, kept from call to call."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from features.calls import FINAL, Outcome
from features.columns import Columns, Records
from features.kernel import BoolArray, Int8Array, Int64Array, kernel

from .standing import CONVERTED, DNC, NEVER_CALLED, OPEN, UNWORKABLE

RECENT = 10
"""How many of a number's last calls are kept: the most calls in 24 hours that any cap can allow."""

_CLOSES = np.array(
    [
        {Outcome.CONVERTED: CONVERTED, Outcome.DO_NOT_CALL: DNC}.get(
            outcome, UNWORKABLE if outcome in FINAL else OPEN
        )
        for outcome in Outcome
    ],
    np.int8,
)
"""What each disposition makes of the lead, by `Outcome` code."""


class Calls(Protocol):
    """The calls of a store, one row each; rows never move."""

    @property
    def columns(self) -> Columns:
        """What each says as it stands."""

    def __len__(self) -> int: ...

    def calls_of(self, lead: int) -> Sequence[int]:
        """The calls that any version says were to the lead."""


def calls_of(calls: Calls, leads: Int64Array) -> Int64Array:
    """The calls of these leads, ascending."""
    named = {call for lead in leads.tolist() for call in calls.calls_of(lead)}
    found = np.array(sorted(named), np.int64)
    return found[np.isin(calls.columns["lead"][found], leads)]


def retold(told: Columns, calls: Int64Array, now: Mapping[str, Int64Array]) -> BoolArray:
    """Which of some calls say something else `now` than as they were counted; new ones don't."""
    old, differs = calls < len(told), np.zeros(calls.size, np.bool_)
    for name, column in now.items():
        differs[old] |= column[old] != told[name][calls[old]]
    return differs


def retell(told: Columns, calls: Int64Array, now: Mapping[str, Int64Array]) -> None:
    """Keep what some calls, ascending, say now; new ones aren't `counted` yet."""
    old = calls < len(told)
    for name, column in now.items():
        told[name][calls[old]] = column[old]
    new = {name: column[~old] for name, column in now.items()}
    told.append(**new, counted=np.zeros(np.count_nonzero(~old)))


_COUNTED = ("lead", "phone", "started_at", "disposition", "not_before")
"""What of a call counts; a phone of -1 is none."""


_KEPT, _NOTHING = ("attempts", "last", "closed", "not_before"), (0, NEVER_CALLED, OPEN, 0)
"""What is kept of a lead, and of one that was never called."""


class Tally:
    """Counts of every lead and number; a call that says something else than before is counted anew."""

    def __init__(self) -> None:
        kinds = dict.fromkeys(_COUNTED, np.int64) | {"disposition": np.int8}
        self._told = Columns(kinds)
        """Each call as it was counted."""
        self._leads = Records(_KEPT)
        self._starts = Columns({"started_at": np.int64})
        """RECENT of each number, newest first."""

    def follow(self, calls: Calls, own: Int64Array, phones: int, touched: Iterable[int]) -> Int64Array:
        """Count what is new of these leads' calls; return the numbers concerned.

        `own` is each lead's own number, dialed where a call doesn't say which.
        """
        self._make_room(own.size, phones)
        first = len(self._told)
        changed = self._changed(calls, own, touched)
        concerned = self._count_again(changed, _told(calls, own, changed), calls) if changed.size else []
        new = np.arange(first, len(calls))
        if new.size:
            told = _told(calls, own, new)
            self._told.append(**told)
            self._count_by_lead(told)
            self._count_by_phone(told["phone"], told["started_at"])
            concerned = [*concerned, told["phone"]]
        found = np.unique(np.concatenate(concerned)) if concerned else np.empty(0, np.int64)
        return found[found >= 0]

    @property
    def by_lead(self) -> Records:
        """Of each lead its attempts, last call (NEVER_CALLED: none), closing and wait asked for (0: none)."""
        return self._leads

    @property
    def by_phone(self) -> Int64Array:
        """Starts of each number's last calls, (numbers, RECENT), newest first; NEVER_CALLED: fewer."""
        return self._starts["started_at"].reshape(-1, RECENT)

    def _make_room(self, leads: int, phones: int) -> None:
        self._leads.extend(leads, _NOTHING)
        self._starts.append(started_at=np.full(phones * RECENT - len(self._starts), NEVER_CALLED))

    def _changed(self, calls: Calls, own: Int64Array, touched: Iterable[int]) -> Int64Array:
        """The calls of some leads that say something else than was counted."""
        if not len(self._told):
            return np.empty(0, np.int64)
        places = np.array(sorted({place for lead in touched for place in calls.calls_of(lead)}), np.int64)
        places = places[places < len(self._told)]
        now = _told(calls, own, places)
        return places[np.logical_or.reduce([now[name] != self._told[name][places] for name in _COUNTED])]

    def _count_again(self, places: Int64Array, now: dict[str, Int64Array], calls: Calls) -> list[Int64Array]:
        """Let calls say something else: who was or is concerned is counted anew; the numbers concerned."""
        before = {name: self._told[name][places].copy() for name in _COUNTED}
        for name in _COUNTED:
            self._told[name][places] = now[name]
        self._count_leads_again(np.union1d(before["lead"], now["lead"]), calls)
        dialed = (before["phone"] != now["phone"]) | (before["started_at"] != now["started_at"])
        phones = np.union1d(before["phone"][dialed], now["phone"][dialed])
        phones = phones[phones >= 0]
        self.by_phone[phones] = NEVER_CALLED
        theirs = np.flatnonzero(np.isin(self._told["phone"], phones)) if phones.size else phones
        self._count_by_phone(self._told["phone"][theirs], self._told["started_at"][theirs])
        return [phones]

    def _count_leads_again(self, leads: Int64Array, calls: Calls) -> None:
        for name, nothing in zip(_KEPT, _NOTHING, strict=True):
            self._leads[name][leads] = nothing
        places = calls_of(calls, leads)
        places = places[places < len(self._told)]
        self._count_by_lead({name: self._told[name][places] for name in _COUNTED})

    def _count_by_lead(self, told: dict[str, Int64Array]) -> None:
        asked = (told[name] for name in ("lead", "started_at", "disposition", "not_before"))
        kept = (self._leads[name] for name in _KEPT)
        count_by_lead(*asked, _CLOSES, *kept)  # type: ignore[call-arg,arg-type]

    def _count_by_phone(self, phone: Int64Array, started_at: Int64Array) -> None:
        count_by_phone(phone, started_at, self.by_phone)


def _told(calls: Calls, own: Int64Array, places: Int64Array) -> dict[str, Int64Array]:
    """What of some calls counts."""
    told = {name: calls.columns[name][places] for name in _COUNTED}
    return told | {"phone": np.where(told["phone"] >= 0, told["phone"], own[told["lead"]])}


@kernel
def count_by_lead(  # noqa: PLR0913
    lead: Int64Array,
    started_at: Int64Array,
    disposition: Int8Array,
    asks: Int64Array,
    closes: Int8Array,
    attempts: Int64Array,
    last: Int64Array,
    closed: Int64Array,
    not_before: Int64Array,
) -> None:
    """Add each call to its lead's attempts, last start, closing and wait."""
    for i in range(lead.size):
        row = lead[i]
        attempts[row] += 1
        last[row] = max(last[row], started_at[i])
        not_before[row] = max(not_before[row], asks[i])
        if disposition[i] >= 0 and closed[row] == 0:
            closed[row] = closes[disposition[i]]


@kernel
def count_by_phone(phone: Int64Array, started_at: Int64Array, out: Int64Array) -> None:
    """Add each call to its number's recent starts, newest first."""
    for i in range(phone.size):
        if phone[i] < 0:
            continue
        starts = out[phone[i]]
        if started_at[i] <= starts[-1]:
            continue
        place = starts.size - 1
        while place > 0 and starts[place - 1] < started_at[i]:
            starts[place] = starts[place - 1]
            place -= 1
        starts[place] = started_at[i]
