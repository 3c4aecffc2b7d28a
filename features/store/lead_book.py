"""LeadBook: the leads of the store as growing columns, with what the calling rules need to know of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from sqlalchemy import Row

from ..columns import Codes, Columns
from ..instants import NEVER
from ..leads import FIELDS, AttributeHistory, Coded, LeadTable
from ..whereabouts import zones_of

_COLUMNS = {
    "key": np.int64,  # lead.id
    "created_at": np.int64,
    "value": np.float64,
    "phone": np.int64,  # code of the number's hash, -1 none
    "zones": np.int64,  # code into `zone_sets`, -1 none derivable
    "place": np.int64,  # code into `places`
    "consent": np.int64,  # code into `bases`, -1 none on file
    "consent_at": np.int64,
    "callback_at": np.int64,  # the promise that stands, else NEVER
    "callback_told_at": np.int64,
    "erased": np.bool_,
    **dict.fromkeys(FIELDS, np.int64),
}


@dataclass
class _Attribute:
    """One attribute's values in the order they were stored."""

    rows: Columns = field(
        default_factory=lambda: Columns(
            {"lead": np.int64, "known_at": np.int64, "number": np.float64, "code": np.int64}
        )
    )
    levels: Codes = field(default_factory=Codes)

    def history(self, leads: int) -> AttributeHistory:
        lead, since = self.rows["lead"], self.rows["known_at"]
        number, code = self.rows["number"], self.rows["code"]
        if np.any((np.diff(lead) < 0) | ((np.diff(lead) == 0) & (np.diff(since) < 0))):
            order = np.lexsort((since, lead))
            lead, since, number, code = lead[order], since[order], number[order], code[order]
        starts = np.concatenate([[0], np.cumsum(np.bincount(lead, minlength=leads))])
        return AttributeHistory(starts, since, number, code, self.levels.levels)


class LeadBook:
    """One row per lead, in the order of first storing; rows never move."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.columns = Columns(_COLUMNS)
        self.phones = Codes()
        self.bases = Codes()
        self.touched: list[int] = []
        """Rows of which something changed that features may see, since somebody last cleared it."""
        self._suppressed: dict[tuple[str, str], tuple[int, int]] = {}
        self._row_of_key: dict[int, int] = {}
        self._row_of_id: dict[str, int] = {}
        self._zone_sets, self._places = Codes(), Codes()
        self._codes = {name: Codes() for name in FIELDS}
        self._attributes: dict[str, _Attribute] = {}
        self._table: LeadTable | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, lead_id: str) -> int | None:
        """The row of a lead by its id, or None."""
        return self._row_of_id.get(lead_id)

    def knows(self, key: int) -> bool:
        """Whether the lead with that database key was read."""
        return key in self._row_of_key

    def row_of_key(self, key: int) -> int:
        """The row of a lead by its database key; `KeyError` if it was never read."""
        return self._row_of_key[key]

    def code(self, name: str, word: str) -> int:
        """The code of a word in one of the `FIELDS`, -1 if nobody named it."""
        return self._codes[name].known(word)

    def code_of(self, name: str, word: str) -> int:
        """The code of a word in one of the `FIELDS`, a new one if need be: a call may name it first."""
        self._table = None
        return self._codes[name].of(word)

    @property
    def zone_sets(self) -> tuple[tuple[str, ...], ...]:
        """For each code of the column `zones` the IANA zones a lead may be in."""
        return tuple(tuple(names.split("|")) for names in self._zone_sets.levels)

    @property
    def places(self) -> tuple[tuple[str, str, str], ...]:
        """For each code of the column `place` (country, region, first five characters of the number)."""
        return tuple(cast("tuple[str, str, str]", tuple(place.split("|"))) for place in self._places.levels)

    def table(self) -> LeadTable:
        """The leads as the features see them; the same object until something changes."""
        if self._table is None:
            coded = {name: Coded(self._codes[name].levels, self.columns[name]) for name in FIELDS}
            attributes = {name: kept.history(len(self)) for name, kept in self._attributes.items()}
            self._table = LeadTable(
                self.ids, self.columns["created_at"], self.columns["value"], coded, attributes
            )
        return self._table

    def add_leads(self, rows: Sequence[Row[Any]]) -> None:
        """Add new leads and take over what changed of known ones."""
        if not rows:
            return
        self._table = None
        new = sorted((row for row in rows if row.id not in self._row_of_key), key=lambda row: row.id)
        for row in new:
            self._row_of_key[row.id] = self._row_of_id[row.lead_id] = len(self.ids)
            self.ids.append(row.lead_id)
        if new:
            self._append(new)
        for row in rows:
            self._update(self._row_of_key[row.id], row)
        self._forget_attributes([self._row_of_key[row.id] for row in rows if row.erased_at is not None])
        self.touched += [self._row_of_key[row.id] for row in rows]

    def add_attributes(self, rows: Sequence[Row[Any]]) -> None:
        """Add attribute values; a value known to be missing is NaN with no word."""
        by_name: dict[str, list[Row[Any]]] = {}
        for row in rows:
            if self.knows(row.lead):
                by_name.setdefault(row.name, []).append(row)
        for name, values in by_name.items():
            kept = self._attributes.setdefault(name, _Attribute())
            kept.rows.append(
                lead=[self._row_of_key[row.lead] for row in values],
                known_at=[row.known_at for row in values],
                number=[np.nan if row.number is None else row.number for row in values],
                code=kept.levels.all_of([row.word for row in values]),
            )
            self._table = None
            self.touched += [self._row_of_key[row.lead] for row in values]

    def add_consents(self, rows: Sequence[Row[Any]]) -> None:
        """Keep each lead's latest consent."""
        for row in rows:
            place = self._row_of_key.get(row.lead)
            if place is not None and row.at >= self.columns["consent_at"][place]:
                self.columns["consent"][place] = self.bases.of(row.basis)
                self.columns["consent_at"][place] = row.at

    def add_callbacks(self, rows: Sequence[Row[Any]]) -> None:
        """Keep each lead's latest promise; a cancelled one is none."""
        for row in rows:
            place = self._row_of_key.get(row.lead)
            if place is not None and row.event_at >= self.columns["callback_told_at"][place]:
                self.columns["callback_at"][place] = NEVER if row.cancelled else row.at
                self.columns["callback_told_at"][place] = row.event_at

    def add_suppressions(self, rows: Sequence[Row[Any]]) -> None:
        """Keep until when each subject is suppressed; for a subject and reason the latest start stands."""
        for row in rows:
            since, _ = self._suppressed.get((row.subject, row.reason), (0, 0))
            marks_a_removal = row.until is not None and row.until <= row.since
            if row.since >= since and not marks_a_removal:
                self._suppressed[row.subject, row.reason] = (
                    row.since,
                    NEVER if row.until is None else row.until,
                )

    def suppressions(self) -> list[tuple[str, str, str, int]]:
        """Every suppression that the store tells of: ("phone" or "lead", hash or id, reason, its end)."""
        found = []
        for (subject, reason), (_, until) in self._suppressed.items():
            kind, name = subject.split(":", 1)
            found.append((kind, name, reason, until))
        return found

    def _forget_attributes(self, erased: Sequence[int]) -> None:
        """The store holds no attribute of an erased lead any more: nor does this."""
        for kept in self._attributes.values() if erased else ():
            kept.rows.keep(~np.isin(kept.rows["lead"], erased))

    def _append(self, new: Sequence[Row[Any]]) -> None:
        count = len(new)
        nothing = np.full(count, -1)
        self.columns.append(
            key=[row.id for row in new],
            created_at=np.zeros(count),
            value=np.zeros(count),
            phone=nothing,
            zones=nothing,
            place=nothing,
            consent=nothing,
            consent_at=np.zeros(count),
            callback_at=np.full(count, NEVER),
            callback_told_at=np.zeros(count),
            erased=np.zeros(count),
            **dict.fromkeys(FIELDS, nothing),
        )

    def _update(self, place: int, row: Row[Any]) -> None:
        phone = row.phones[0]["e164"] if row.phones else None
        zones = zones_of(phone, row.country, row.region, row.timezone)
        columns = self.columns
        columns["created_at"][place] = row.created_at
        columns["value"][place] = np.nan if row.value is None else row.value
        columns["phone"][place] = self.phones.of(row.phone_hash)
        columns["zones"][place] = self._zone_sets.of("|".join(zones) or None)
        columns["place"][place] = self._places.of(
            "|".join([row.country or "", row.region or "", (phone or "")[:5]])
        )
        columns["erased"][place] = row.erased_at is not None
        words = {"list": row.list_id, "zone": zones[0] if zones else None}
        for name in FIELDS:
            columns[name][place] = self._codes[name].of(words.get(name) or getattr(row, name, None))
