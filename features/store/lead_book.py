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
        places = [self._row_of_key[row.id] for row in rows]
        self._update(places, rows)
        self._forget_attributes(
            [place for place, row in zip(places, rows, strict=True) if row.erased_at is not None]
        )
        self.touched += places

    def add_attributes(self, rows: Sequence[Row[Any]]) -> None:
        """Add attribute values; a value known to be missing is NaN with no word."""
        by_name: dict[str, tuple[list[int], list[int], list[float | None], list[str | None]]] = {}
        for _, key, name, number, word, known_at, _ in map(tuple, rows):
            if (place := self._row_of_key.get(key)) is None:
                continue
            places, since, numbers, words = by_name.setdefault(name, ([], [], [], []))
            places.append(place)
            since.append(known_at)
            numbers.append(number)
            words.append(word)
        for name, (places, since, numbers, words) in by_name.items():
            kept = self._attributes.setdefault(name, _Attribute())
            codes = kept.levels.all_of(words)
            kept.rows.append(lead=places, known_at=since, number=np.array(numbers, np.float64), code=codes)
            self.touched += places
            self._table = None

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

    def _update(self, places: Sequence[int], rows: Sequence[Row[Any]]) -> None:
        """Write what the store says of leads into their rows, a column at a time; of a lead the later row."""
        phones = [row.phones[0]["e164"] if row.phones else None for row in rows]
        zones = [
            zones_of(phone, row.country, row.region, row.timezone)
            for phone, row in zip(phones, rows, strict=True)
        ]
        sites = [
            "|".join([row.country or "", row.region or "", (phone or "")[:5]])
            for phone, row in zip(phones, rows, strict=True)
        ]
        words: dict[str, list[str | None]] = {
            "list": [row.list_id for row in rows],
            "zone": [names[0] if names else None for names in zones],
            **{name: [getattr(row, name) for row in rows] for name in FIELDS if name not in ("list", "zone")},
        }
        written: dict[str, Sequence[object]] = {
            "created_at": [row.created_at for row in rows],
            "value": [np.nan if row.value is None else row.value for row in rows],
            "phone": self.phones.all_of([row.phone_hash for row in rows]),
            "zones": self._zone_sets.all_of(["|".join(names) or None for names in zones]),
            "place": self._places.all_of(sites),
            "erased": [row.erased_at is not None for row in rows],
            **{name: self._codes[name].all_of(words[name]) for name in FIELDS},
        }
        for name, column in written.items():
            self.columns[name][places] = column
