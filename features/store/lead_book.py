"""LeadBook: the leads of the store as growing columns, with what the calling rules need to know of each."""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from sqlalchemy import Row

from ..columns import Codes, Columns
from ..instants import NEVER
from ..kernel import Int64Array
from ..leads import FIELDS, AttributeHistory, Coded, LeadTable
from ..whereabouts import country_of, zones_of
from .lead_versions import LeadVersion, Said, Steps, differ_since, ever_changed, of_field, steps_of

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
    "updated_at": np.int64,
    "since": np.int64,  # since when what stands is known
    **dict.fromkeys(FIELDS, np.int64),
}

_VERSIONED = (*FIELDS, "value", "created_at")
"""The columns of which a history is kept; the first of them are codes."""


Told = list[tuple[int, int, float]]
"""(known since, code, number) of each value."""


@dataclass
class _Attribute:
    """One attribute's values in the order they were stored."""

    rows: Columns = field(
        default_factory=lambda: Columns(
            {"lead": np.int64, "known_at": np.int64, "number": np.float64, "code": np.int64}
        )
    )
    levels: Codes = field(default_factory=Codes)
    starts: Columns = field(default_factory=lambda: Columns({"row": np.int64}))
    """Where each lead's rows begin, as far as rows were put in order."""
    ordered: int = 0
    """So many rows stand in order."""

    def replace(self, lead: int, old: Told, new: Told) -> None:
        """Let a lead have the `new` rows instead of the `old` ones, which it has."""
        kept = len(old) if new[: len(old)] == old else 0
        if kept < len(old):
            self.forget([lead])
        for since, code, number in new[kept:]:
            self.rows.append(lead=[lead], known_at=[since], number=[number], code=[code])

    def forget(self, leads: Collection[int]) -> None:
        """Keep no value of these leads."""
        self.rows.keep(~np.isin(self.rows["lead"], list(leads)))
        self.starts, self.ordered = Columns({"row": np.int64}), 0

    def history(self, leads: int) -> AttributeHistory:
        """The values by lead and time: rows told in that order already, as those of new leads, stay."""
        self._put_in_order()
        self._begin(leads)
        since, number, code = (self.rows[name] for name in ("known_at", "number", "code"))
        return AttributeHistory(self.starts["row"], since, number, code, self.levels.levels)

    def _put_in_order(self) -> None:
        behind = slice(max(self.ordered - 1, 0), None)
        lead, since = self.rows["lead"][behind], self.rows["known_at"][behind]
        if np.any((np.diff(lead) < 0) | ((np.diff(lead) == 0) & (np.diff(since) < 0))):
            order = np.lexsort((self.rows["known_at"], self.rows["lead"]))
            for name in ("lead", "known_at", "number", "code"):
                self.rows[name][:] = self.rows[name][order]
            self.starts, self.ordered = Columns({"row": np.int64}), 0

    def _begin(self, leads: int) -> None:
        """Where the rows of each of so many leads begin, and where the last one's end."""
        lead, known = self.rows["lead"], len(self.starts)
        behind = max(self.ordered - 1, 0)
        first = known if len(self.rows) == self.ordered else int(lead[behind]) + 1 if self.ordered else 0
        begins = behind + np.searchsorted(lead[behind:], np.arange(first, leads + 1))
        self.starts["row"][first:] = begins[: known - first]
        self.starts.append(row=begins[known - first :])
        self.ordered = len(self.rows)


class LeadBook:
    """One row per lead, in the order of first storing; rows never move."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.columns = Columns(_COLUMNS)
        self.phones = Codes()
        self.bases = Codes()
        self.touched: list[int] = []
        """Rows of which something changed that features may see, since somebody last cleared it."""
        self.retold: list[tuple[int, int]] = []
        """(row, since when its history is another), since somebody last cleared it."""
        self.promised: list[int] = []
        """Rows that were promised a callback or no longer are, since somebody last cleared it."""
        self.stopped: list[str] = []
        """Subjects of which a suppression was told, since somebody last cleared it."""
        self._suppressed: dict[str, dict[str, tuple[int, int]]] = {}
        """By subject and reason since when and until when."""
        self._row_of_key: dict[int, int] = {}
        self._row_of_id: dict[str, int] = {}
        self._zone_sets, self._places = Codes(), Codes()
        self._zones: tuple[tuple[str, ...], ...] = ()
        self._codes = {name: Codes() for name in FIELDS}
        self._attributes: dict[str, _Attribute] = {}
        self._versions: dict[int, list[LeadVersion]] = {}
        """By row the versions that don't stand; leads of which there are none are left out."""
        self._changes = {name: _Attribute(levels=self._codes.get(name, Codes())) for name in _VERSIONED}
        self._table: LeadTable | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def lean(self) -> "LeadBook":
        """The same without what follows from its columns."""
        found = copy(self)
        found._row_of_id, found._row_of_key = {}, {}
        return found

    def whole(self) -> None:
        """Find again what was left out."""
        rows = range(len(self.ids))
        self._row_of_id = dict(zip(self.ids, rows, strict=True))
        self._row_of_key = dict(zip(self.columns["key"].tolist(), rows, strict=True))

    def row(self, lead_id: str) -> int | None:
        """The row of a lead by its id, or None."""
        return self._row_of_id.get(lead_id)

    def knows(self, key: int) -> bool:
        """Whether the lead with that database key was read."""
        return key in self._row_of_key

    def row_of_key(self, key: int) -> int:
        """The row of a lead by its database key; `KeyError` if it was never read."""
        return self._row_of_key[key]

    def rows_of_keys(self, keys: Int64Array) -> Int64Array:
        """The row of each lead by its database key, -1 if it was never read."""
        return np.array([self._row_of_key.get(key, -1) for key in keys.tolist()], np.int64)

    def code(self, name: str, word: str) -> int:
        """The code of a word in one of the `FIELDS`, -1 if nobody named it."""
        return self._codes[name].known(word)

    def code_of(self, name: str, word: str) -> int:
        """The code of a word in one of the `FIELDS`, a new one if need be: a call may name it first."""
        if self._codes[name].known(word) < 0:
            self._table = None
        return self._codes[name].of(word)

    @property
    def zone_sets(self) -> tuple[tuple[str, ...], ...]:
        """For each code of the column `zones` the IANA zones; the same object until there are more."""
        if len(self._zones) < len(self._zone_sets):
            self._zones = tuple(tuple(names.split("|")) for names in self._zone_sets.levels)
        return self._zones

    @property
    def place_count(self) -> int:
        """How many codes the column `place` has."""
        return len(self._places)

    def places(self, since: int = 0) -> list[tuple[str, str, str]]:
        """For each code of the column `place` from `since` on (country, region, first five of the number).

        The country is the one declared, else that of the whole number.
        """
        codes = range(since, len(self._places))
        return [cast("tuple[str, str, str]", tuple(self._places.word(code).split("\n"))) for code in codes]

    def table(self) -> LeadTable:
        """The leads as the features see them; the same object until something changes."""
        if self._table is None:
            coded = {name: Coded(self._codes[name].levels, self.columns[name]) for name in FIELDS}
            attributes = {name: kept.history(len(self)) for name, kept in self._attributes.items()}
            changes = {
                name: kept.history(len(self)) for name, kept in self._changes.items() if len(kept.rows)
            }
            self._table = LeadTable(
                self.ids, self.columns["created_at"], self.columns["value"], coded, attributes, changes
            )
        return self._table

    def make_room(self, rows: Sequence[Row[Any]]) -> None:
        """Let there be rows for the leads that are new among some, in the order of their keys."""
        new = sorted((row for row in rows if not self.knows(row.id)), key=lambda row: row.id)
        for row in new:
            self._row_of_key[row.id] = self._row_of_id[row.lead_id] = len(self.ids)
            self.ids.append(row.lead_id)
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
            updated_at=np.zeros(count),
            since=np.zeros(count),
            **dict.fromkeys(FIELDS, nothing),
        )

    def add_leads(self, rows: Sequence[Row[Any]], past: Sequence[Row[Any]] = (), until: int = NEVER) -> None:
        """Take over what leads that there is room for say, what changed of them, and the versions of before.

        With `until` the version of each lead that stood then stands; rows are read but once.
        """
        if not rows and not past:
            return
        self._table = None
        retold = self._retold(rows, past)
        before = {place: self._steps(place) for place in retold}
        places = [self._row_of_key[row.id] for row in rows]
        self._update(places, rows)
        self._add_versions([row for row in past if self.knows(row.lead)])
        self._forget([place for place, row in zip(places, rows, strict=True) if row.erased_at is not None])
        for place in retold | self._retold((), past):
            self._retell(place, before.get(place, []), until)
        self.touched += {*places, *retold}

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
                self.promised.append(place)

    def add_suppressions(self, rows: Sequence[Row[Any]]) -> None:
        """Keep until when each subject is suppressed; for a subject and reason the latest start stands."""
        for row in rows:
            told = self._suppressed.setdefault(row.subject, {})
            since, _ = told.get(row.reason, (0, 0))
            marks_a_removal = row.until is not None and row.until <= row.since
            if row.since >= since and not marks_a_removal:
                told[row.reason] = row.since, NEVER if row.until is None else row.until
            self.stopped.append(row.subject)

    def suppressions(self) -> list[tuple[str, str, int]]:
        """Every suppression that the store tells of: (subject, reason, its end)."""
        return [(subject, *told) for subject in self._suppressed for told in self.suppressions_of(subject)]

    @property
    def suppressed(self) -> Collection[str]:
        """Every subject that ever was."""
        return self._suppressed.keys()

    def suppressions_of(self, subject: str) -> list[tuple[str, int]]:
        """Those of one subject, `phone:<hash>` or `lead:<id>`: (reason, its end)."""
        return [(reason, until) for reason, (_, until) in self._suppressed.get(subject, {}).items()]

    def _retold(self, rows: Sequence[Row[Any]], past: Sequence[Row[Any]]) -> set[int]:
        """Known leads whose history may be another after these rows."""
        keys = {row.lead for row in past} | {row.id for row in rows if row.erased_at is not None}
        places = {self._row_of_key[key] for key in keys if self.knows(key)}
        told = (self._row_of_key[row.id] for row in rows if self.knows(row.id))
        return places | {place for place in told if place in self._versions}

    def _add_versions(self, past: Sequence[Row[Any]]) -> None:
        for row in past:
            words = {"list": row.list_id} | {n: getattr(row, n) for n in FIELDS if n != "list"}
            codes = [self._codes[name].of(words[name]) for name in FIELDS]
            version = LeadVersion(row.updated_at, row.seq, row.known_at, (*codes, row.value, row.created_at))
            self._versions.setdefault(self._row_of_key[row.lead], []).append(version)

    def _steps(self, place: int, until: int = NEVER) -> Steps:
        """What was said of a lead since when."""
        stands = LeadVersion(
            int(self.columns["updated_at"][place]),
            NEVER,
            int(self.columns["since"][place]),
            self._said(place),
        )
        return steps_of([*self._versions.get(place, ()), stands], until)

    def _said(self, place: int) -> Said:
        said = [self.columns[name][place].item() for name in _VERSIONED]
        return tuple(None if np.isnan(number) else number for number in said)

    def _retell(self, place: int, before: Steps, until: int) -> None:
        """Bring the histories of a lead's fields up to its versions."""
        steps = self._steps(place, until)
        for number in ever_changed([*before, *steps]):
            name = _VERSIONED[number]
            old, new = (self._told(name, of_field(told, number)) for told in (before, steps))
            if old != new:
                self._changes[name].replace(place, old, new)
        if until < NEVER:
            for name, stands in zip(_VERSIONED, steps[-1][1], strict=True):
                self.columns[name][place] = np.nan if stands is None else stands
        if before and (since := differ_since(before, steps)) < NEVER:
            self.retold.append((place, since))

    @staticmethod
    def _told(name: str, steps: Sequence[tuple[int, float | None]]) -> Told:
        """A field's history: codes for words, for the others numbers."""
        if name in FIELDS:
            return [(since, -1 if code is None else int(code), np.nan) for since, code in steps]
        return [(since, -1, np.nan if number is None else number) for since, number in steps]

    def _forget(self, erased: Collection[int]) -> None:
        """The store holds no attribute and no version of an erased lead any more: nor does this."""
        for kept in self._attributes.values() if erased else ():
            kept.forget(erased)
        for place in erased:
            self._versions.pop(place, None)

    def _update(self, places: Sequence[int], rows: Sequence[Row[Any]]) -> None:
        """Write what the store says of leads into their rows, a column at a time; of a lead the later row."""
        phones = [row.phones[0]["e164"] if row.phones else None for row in rows]
        zones = [
            zones_of(phone, row.country, row.region, row.timezone)
            for phone, row in zip(phones, rows, strict=True)
        ]
        sites = [
            "\n".join([row.country or country_of(phone or "") or "", row.region or "", (phone or "")[:5]])
            for phone, row in zip(phones, rows, strict=True)  # a region holds no new line
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
            "updated_at": [row.updated_at for row in rows],
            "since": [row.known_at if row.since is None else row.since for row in rows],
            **{name: self._codes[name].all_of(words[name]) for name in FIELDS},
        }
        for name, column in written.items():
            self.columns[name][places] = column
