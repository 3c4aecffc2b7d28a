"""CallBook: the calls of the store as growing columns, each as it stands, with all that was told of it."""

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Row

from ..calls import COLUMNS, CallLog, Outcome
from ..columns import Codes, Columns
from ..instants import SECOND
from ..kernel import Float64Array, Int64Array
from ..refused import LARGEST
from .call_facts import LONGEST_CREDIT, Sale, Score, Told, Verdict, Version
from .lead_book import LeadBook

_EXTRA = {
    "phone": np.int64,  # code of the number dialed (LeadBook.phones), -1 nobody said: the lead's own
    "line": np.int64,  # code of the number that called, or of its dialer
    "script": np.int64,
    "wrap_s": np.float32,
    "abandoned": np.bool_,  # as the attempt says
    "seq": np.int64,  # change number of the version that stands
    "told_at": np.int64,  # event time of the disposition that stands; -1: the attempt's own outcome
    "told_seq": np.int64,  # change number of that disposition
    "not_before": np.int64,  # what that disposition asks, 0 nothing
}

_SOLD = ("disposition", "converted", "disposed_at", "disposed_known_at", "value")
"""What a credited sale writes over."""

Rows = Sequence[Row[Any]]


@dataclass(frozen=True)
class CallRows:
    """What the store tells of calls at once; of a call that is named in `versions` all versions."""

    versions: Rows = field(default=())
    dispositions: Rows = field(default=())
    conversions: Rows = field(default=())
    scores: Rows = field(default=())


class CallBook:
    """One row per call, in the order of first storing; rows never move.

    Until a disposition comes, the attempt's own outcome stands as one. Of several the one with the latest
    event time stands, from the moment at which it became known: a corrected call is undisposed before that.
    """

    def __init__(self) -> None:
        self.columns = Columns({**COLUMNS, **_EXTRA})
        self.agents, self.lines, self.scripts = Codes(), Codes(), Codes()
        self.touched: list[int] = []
        """Rows of leads with a new or changed call, since somebody last cleared it."""
        self.sales: dict[int, list[Sale]] = {}
        """By lead its recorded sales, in the order of storing."""
        self.scores: dict[int, list[Score]] = {}
        """By call what voice analysis said of it."""
        self._row: dict[str, int] = {}
        self._ids: list[str] = []
        self._versions: dict[int, list[Version]] = {}
        """Of calls that were told more than once."""
        self._verdicts: dict[int, list[Verdict]] = {}
        """Of calls that were disposed more than once."""
        self._of_lead: dict[int, list[int]] = {}
        """By lead the calls that any version says were to it."""
        self._credited: dict[int, tuple[int, dict[str, float]]] = {}
        """By lead the call credited with its recorded sale, and what stood there before."""

    def lean(self) -> "CallBook":
        """The same without what follows from its columns."""
        found = copy(self)
        found._row = {}
        return found

    def whole(self) -> None:
        """Find again what was left out."""
        self._row = dict(zip(self._ids, range(len(self._ids)), strict=True))

    def __len__(self) -> int:
        return len(self.columns)

    def row(self, call_id: str) -> int | None:
        """The row of a call by its id, or None."""
        return self._row.get(call_id)

    def log(self) -> CallLog:
        """The calls as the features see them, ordered by `ended_at`."""
        log = CallLog(**{name: self.columns[name] for name in COLUMNS})
        in_order = np.all(np.diff(log.ended_at) >= 0)
        return log if in_order else log.take(np.argsort(log.ended_at, kind="stable"))

    def log_of(self, leads: Int64Array) -> CallLog:
        """The same of some leads' calls alone, found without a look at the others."""
        named = {place for lead in leads.tolist() for place in self.calls_of(lead)}
        places = np.array(sorted(named), np.int64)
        log = CallLog(**{name: self.columns[name][places] for name in COLUMNS})
        log = log.take(np.isin(log.lead, leads))
        return log.take(np.argsort(log.ended_at, kind="stable"))

    def add(self, rows: CallRows, leads: LeadBook) -> None:
        """Take over what was told; calls of leads never read are left out."""
        self._add_versions([row for row in rows.versions if leads.knows(row.lead)], leads)
        self._add_dispositions(rows.dispositions)
        self._add_conversions(rows.conversions, leads)
        for row in rows.scores:
            if (place := self._row.get(row.call_id)) is not None:
                self.scores.setdefault(place, []).append(_score(row))

    def is_plain(self, place: int) -> bool:
        """Whether a call was told once and disposed at most once."""
        return place not in self._versions and place not in self._verdicts

    def is_disposed(self, place: int) -> bool:
        """Whether somebody told a disposition of the call."""
        return bool(self.columns["told_at"][place] > 0)

    def calls_of(self, lead: int) -> Sequence[int]:
        """The calls that any version says were to the lead."""
        return self._of_lead.get(lead, ())

    def leads_of(self, place: int) -> set[int]:
        """The leads that any version of a call names."""
        if place in self._versions:
            return {version.lead for version in self._versions[place]}
        return {int(self.columns["lead"][place])}

    def told(self, place: int) -> Told:
        """All that was told of a call."""
        return Told(self._ids[place], place, self.versions(place), self._verdicts_of(place))

    def versions(self, place: int) -> Sequence[Version]:
        """All versions of a call, in any order."""
        return self._versions.get(place) or [self._version(place)]

    def _version(self, place: int) -> Version:
        """The one version of a call that was told once."""
        named = {name: self.columns[name][place].item() for name in _OF_A_VERSION}
        return Version(event_at=0, event_id="", **named)

    def _verdicts_of(self, place: int) -> Sequence[Verdict]:
        """All dispositions of a call, in any order; a sale credited to it is none."""
        if place in self._verdicts:
            return self._verdicts[place]
        if not self.is_disposed(place):
            return ()
        told = {name: self.columns[name][place].item() for name in _SOLD}
        credited = self._credited.get(int(self.columns["lead"][place]))
        if credited is not None and credited[0] == place:
            told = credited[1]
        return [
            Verdict(
                int(self.columns["told_at"][place]), int(self.columns["told_seq"][place]),
                int(told["disposed_known_at"]), int(told["disposition"]), bool(told["converted"]),
                float(told["value"]),
            )
        ]  # fmt: skip

    def _add_versions(self, rows: Rows, leads: LeadBook) -> None:
        """Add new calls and take over corrected ones."""
        if not rows:
            return
        first = len(self)
        versions: dict[str, list[Row[Any]]] = {}
        for row in rows:
            versions.setdefault(row.call_id, []).append(row)
        stands = [max(told, key=lambda row: (row.event_at, row.event_id)) for told in versions.values()]
        old = [self._row[call_id] for call_id in versions if call_id in self._row]
        self._make_room([call_id for call_id in versions if call_id not in self._row])
        places = [self._row[call_id] for call_id in versions]
        concerned = {leads.row_of_key(row.lead) for row in rows} | self._leads_of(old)
        self._take_back_credit(concerned)
        self.touched += concerned
        self._write(places, stands, leads)
        for place, told in zip(places, versions.values(), strict=True):
            if len(told) > 1:
                self._versions[place] = [self._read_version(row, leads) for row in told]
            for lead in {leads.row_of_key(row.lead) for row in told}:
                calls = self._of_lead.setdefault(lead, [])
                if place >= first or place not in calls:
                    calls.append(place)
        self._credit_sales(concerned)

    def _make_room(self, new: Sequence[str]) -> None:
        for call_id in new:
            self._row[call_id] = len(self._ids)
            self._ids.append(call_id)
        self.columns.append(**{name: np.zeros(len(new)) for name in (*COLUMNS, *_EXTRA)})

    def _write(self, places: Sequence[int], rows: Rows, leads: LeadBook) -> None:
        """Write calls as they stand, a column at a time."""
        told = _columns(rows)
        started, ended = np.array(told["started_at"], np.int64), np.array(told["ended_at"], np.int64)
        wrap_s = _seconds(told["wrap_s"])
        written: dict[str, ArrayLike] = {
            "lead": [leads.row_of_key(key) for key in told["lead"]],
            "agent": self.agents.all_of(told["agent"]),
            "campaign": [leads.code_of("campaign", word) for word in told["campaign"]],
            "answered": told["human_answered"],
            "talk_s": _seconds(told["talk_s"]),
            "wrap_s": wrap_s,
            "handle_s": (ended - started) / SECOND + wrap_s,
            "phone": leads.phones.all_of(told["phone_hash"]),
            "line": self.lines.all_of(
                [own or dialer for own, dialer in zip(told["caller_hash"], told["dialer_id"], strict=True)]
            ),
            "script": self.scripts.all_of(told["script"]),
            **{name: told[name] for name in _AS_STORED},
        }
        for name, column in written.items():
            self.columns[name][places] = column
        undisposed = np.array(places, np.int64)[self.columns["told_at"][places] <= 0]
        self._let_own_outcome_stand(undisposed)

    def _let_own_outcome_stand(self, places: Int64Array) -> None:
        columns = self.columns
        columns["told_at"][places] = -1
        columns["disposition"][places] = columns["outcome"][places]
        columns["converted"][places] = columns["outcome"][places] == Outcome.CONVERTED
        columns["disposed_at"][places] = columns["ended_at"][places]
        columns["disposed_known_at"][places] = columns["known_at"][places]

    def _read_version(self, row: Row[Any], leads: LeadBook) -> Version:
        """A version in codes; its seconds as exact as the columns hold them."""
        return Version(
            row.event_at, row.event_id, row.seq, row.known_at,
            leads.row_of_key(row.lead), self.agents.of(row.agent),
            self.lines.of(row.caller_hash or row.dialer_id), self.scripts.of(row.script),
            row.started_at, row.ended_at, row.outcome, row.human_answered,
            *(float(np.float32(seconds)) for seconds in (row.talk_s or 0, row.wrap_s or 0, _handle_s(row))),
        )  # fmt: skip

    def _add_dispositions(self, rows: Rows) -> None:
        """Let each call's latest disposition stand."""
        told = [(self._row[row.call_id], row) for row in rows if row.call_id in self._row]
        concerned = self._leads_of([place for place, _ in told])
        self._take_back_credit(concerned)
        self.touched += concerned
        told_at, stands = self.columns["told_at"], dict[int, Row[Any]]()
        for place, row in told:
            if told_at[place] > 0 or place in stands:
                before = [_verdict(stands[place])] if told_at[place] <= 0 else [*self._verdicts_of(place)]
                self._verdicts.setdefault(place, before).append(_verdict(row))
            if row.event_at >= (stands[place].event_at if place in stands else told_at[place]):
                stands[place] = row
        self._write_dispositions([*stands], [*stands.values()])
        self._credit_sales(concerned)

    def _write_dispositions(self, places: Sequence[int], rows: Rows) -> None:
        if not rows:
            return
        told, columns = _columns(rows), self.columns
        for name in ("disposition", "converted"):
            columns[name][places] = told[name]
        columns["value"][places] = [0.0 if value is None else value for value in told["value"]]
        columns["disposed_at"][places] = columns["told_at"][places] = told["event_at"]
        columns["disposed_known_at"][places] = told["known_at"]
        columns["told_seq"][places] = told["seq"]
        columns["not_before"][places] = [at or 0 for at in told["next_at"]]

    def _add_conversions(self, rows: Rows, leads: LeadBook) -> None:
        """Credit sales told only by `conversion.recorded` to the contact before; others confirm a sale."""
        for row in rows:
            if leads.knows(row.lead) and not row.cancelled:
                place = leads.row_of_key(row.lead)
                sale = Sale(row.seq, row.known_at, row.at, row.value or 0.0)
                self.sales.setdefault(place, []).append(sale)
                self.touched.append(place)
                self._take_back_credit({place})
                self._credit_sales({place})

    def _leads_of(self, calls: Iterable[int]) -> set[int]:
        return set(self.columns["lead"][np.array([*calls], np.int64)].tolist())

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
        for lead in self.sales.keys() & leads:
            sale = self.sales[lead][0]
            place = self._seller(lead, sale.at)
            if place is not None:
                self._credited[lead] = place, {name: self.columns[name][place].item() for name in _SOLD}
                self._dispose(place, Outcome.CONVERTED, True, sale.at, sale.known_at)
                self.columns["value"][place] = sale.value

    def _seller(self, lead: int, at: int) -> int | None:
        """The lead's last contact in time for a sale at `at`; None without one, or if a call says it sold."""
        started, calls = self.columns["started_at"], self._calls_standing(lead)
        if any(self.columns["converted"][call] for call in calls):
            return None
        contacts = [
            (started[call], self._ids[call], call)
            for call in calls
            if at - LONGEST_CREDIT <= started[call] <= at and self.columns["answered"][call]
        ]
        return max(contacts)[-1] if contacts else None

    def _calls_standing(self, lead: int) -> list[int]:
        return [call for call in self.calls_of(lead) if self.columns["lead"][call] == lead]


_AS_STORED = ("started_at", "ended_at", "known_at", "outcome", "abandoned", "seq")
_OF_A_VERSION = (
    *("seq", "known_at", "lead", "agent", "line", "script", "started_at", "ended_at"),
    *("outcome", "answered", "talk_s", "wrap_s", "handle_s"),
)


def _columns(rows: Rows) -> dict[str, tuple[Any, ...]]:
    """Rows of one table as columns."""
    return dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True))


def _seconds(said: Sequence[float | None]) -> Float64Array:
    """Nobody said how many: none."""
    return np.nan_to_num(np.array(said, np.float64))


def _handle_s(row: Row[Any]) -> float:
    """What the call cost an agent: the call and the work after it."""
    return float((row.ended_at - row.started_at) / SECOND + (row.wrap_s or 0.0))


def _verdict(row: Row[Any]) -> Verdict:
    value = row.value if row.value is not None else 0.0
    return Verdict(row.event_at, row.seq, row.known_at, row.disposition, row.converted, value)


def _score(row: Row[Any]) -> Score:
    said = (row.sentiment, row.talk_ratio, row.interruptions, row.silence_s)
    known = (np.nan if one is None or abs(one) > LARGEST else one for one in said)
    return Score(row.event_at, row.seq, row.known_at, *known)
