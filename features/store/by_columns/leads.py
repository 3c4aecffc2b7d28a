"""The leads of a store as a LeadTable, by columns; those that were told anew one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, Text, case, exists, func, or_, select
from sqlalchemy import cast as sql_cast

from ...columns import Codes
from ...instants import NEVER
from ...kernel import Int64Array
from ...leads import FIELDS, AttributeHistory, Coded, LeadTable
from ...whereabouts import zones_of
from ..lead_versions import LeadVersion, of_field, steps_of
from ..tables import call, call_past, callback, conversion, lead, lead_past, touch
from .gathered import Gathered
from .stream import Arrow, Stream, known_by, marked, number, numbered, whole, worded
from .words import Words

_STORED = {"list": "list_id"}
"""The fields whose column is called otherwise; `zone` a lead's row doesn't hold."""

_WHOLE = ("id", "seq", "created_at", "updated_at", "since")
_NAMING = (call, call_past, conversion, callback, touch)
"""Tables that make a lead known, whenever it was stored."""

Row = tuple[int, int, int, float]
"""(lead, since, code, number) of a value that was told anew."""


@dataclass
class LeadColumns:
    """The leads while a store is read: their words are numbered last, when calls have named theirs too."""

    ids: list[str]
    columns: dict[str, NDArray[Any]]
    words: Mapping[str, Words]
    attributes: Mapping[str, AttributeHistory] = field(default_factory=dict)
    codes: dict[str, Codes] = field(default_factory=dict)
    """By field its words, once they are numbered."""

    @property
    def keys(self) -> Int64Array:
        """Their keys in the database, ascending."""
        return cast("Int64Array", self.columns["id"])

    def rows_of(self, keys: Int64Array) -> Int64Array:
        """The rows of leads by their keys; -1 where there is none."""
        if not self.keys.size:
            return np.full(keys.size, -1)
        rows = np.minimum(np.searchsorted(self.keys, keys), self.keys.size - 1)
        return np.where(self.keys[rows] == keys, rows, -1)

    def end_stage(self) -> None:
        """Number what is heard from now on behind what was heard."""
        for one in self.words.values():
            one.settle()

    def number_words(self) -> Int64Array:
        """Turn the fields' codes into final ones; those of the campaigns, as calls need them too."""
        places: dict[str, Int64Array] = {}
        for name, words in self.words.items():
            self.codes[name], places[name] = words.final()
            self.columns[name] = places[name][self.columns[name]]
        return places["campaign"]

    def table(self, stream: Stream, until: int) -> LeadTable:
        """The leads as the features see them."""
        changes = _changes(stream, self, until)
        coded = {name: Coded(self.codes[name].levels, self.columns[name]) for name in FIELDS}
        created_at, value = self.columns["created_at"], self.columns["value"]
        return LeadTable(self.ids, created_at, value, coded, self.attributes, changes)


def read_leads(stream: Stream, until: int) -> LeadColumns:
    """All leads known by an instant, in the order of their keys; the words they and their pasts name."""
    words = {name: Words() for name in FIELDS}
    kinds = {**dict.fromkeys((*_WHOLE, *FIELDS), np.int64), "value": np.float64, "erased": np.bool_}
    told, ids = Gathered(kinds), list[str]()
    for batch in stream.batches(_leads(until)):
        seq = whole(batch, "seq")
        codes = {name: words[name].add(batch[name], seq) for name in FIELDS if name != "zone"}
        told.add(
            **{name: whole(batch, name) for name in _WHOLE},
            **codes, zone=_zones(batch, words["zone"], seq),
            value=number(batch, "value"), erased=marked(batch, "erased"),
        )  # fmt: skip
        ids += batch["lead_id"].to_pylist()
    leads = LeadColumns(ids, told.take_all(), words)
    leads.end_stage()
    _hear_the_past(stream, leads)
    return leads


def _leads(until: int) -> Select[Any]:
    told = select(
        lead.c.id, lead.c.lead_id, lead.c.seq, lead.c.created_at, lead.c.updated_at,
        func.coalesce(lead.c.since, lead.c.known_at).label("since"),
        *(worded(lead.c[_STORED.get(name, name)], name) for name in FIELDS if name != "zone"),
        worded(func.nullif(lead.c.timezone, ""), "zone"),
        case((func.coalesce(lead.c.timezone, "") == "", sql_cast(lead.c.phones, Text)), else_="")
        .label("phones"),
        *numbered(lead.c.value),
        lead.c.erased_at.is_not(None).label("erased"),
    )  # fmt: skip
    if until < NEVER:
        told = told.where(or_(lead.c.created_at < until, lead.c.known_at < until, *_named(until)))
    return told.order_by(lead.c.id)


def _named(until: int) -> Iterator[ColumnElement[bool]]:
    for table in _NAMING:
        yield exists().where(table.c.lead == lead.c.id, known_by(table, until))


def _zones(batch: Arrow, words: Words, order: Int64Array) -> Int64Array:
    """The zone of each lead: the one it declares, else the first of those that its number may be in."""
    codes = words.add(batch["zone"], order)
    unsure = np.flatnonzero(codes < 0)
    if unsure.size:
        columns = (batch[name].take(unsure).to_pylist() for name in ("phones", "country", "region"))
        names = [_first_zone(*told) for told in zip(*columns, strict=True)]
        codes[unsure] = words.add_words(names, order[unsure])
    return codes


def _first_zone(phones: str, country: str, region: str) -> str | None:
    numbers = orjson.loads(phones)
    zones = zones_of(numbers[0]["e164"] if numbers else None, country[1:] or None, region[1:] or None, None)
    return zones[0] if zones else None


def _past_rows() -> Select[Any]:
    names = ("seq", "lead", "updated_at", "known_at", "created_at")
    words = (worded(lead_past.c[_STORED.get(name, name)], name) for name in FIELDS)
    return select(*(lead_past.c[name] for name in names), *words, *numbered(lead_past.c.value))


def _hear_the_past(stream: Stream, leads: LeadColumns) -> None:
    """Number the words of versions that don't stand behind those of the ones that do."""
    for batch in stream.batches(_past_rows()):
        batch = batch.filter(leads.rows_of(whole(batch, "lead")) >= 0)
        for name, words in leads.words.items():
            words.add(batch[name], whole(batch, "seq"))
    leads.end_stage()


def _changes(stream: Stream, leads: LeadColumns, until: int) -> dict[str, AttributeHistory]:
    """What was said since when, of the fields of leads of which something else was said once.

    With `until` the versions that stood then are written into the columns.
    """
    rows: dict[str, list[Row]] = {name: [] for name in (*FIELDS, "value", "created_at")}
    for key, versions in groupby(_versions(stream, leads.codes), lambda told: told[0]):
        place = int(leads.rows_of(np.array([key]))[0])
        if place >= 0 and not leads.columns["erased"][place]:
            _tell(rows, leads.columns, place, [version for _, version in versions], until)
    return {
        name: _history(told, len(leads.ids), leads.codes.get(name)) for name, told in rows.items() if told
    }


def _versions(stream: Stream, codes: Mapping[str, Codes]) -> Iterator[tuple[int, LeadVersion]]:
    """(key of the lead, version) of those that don't stand, lead by lead."""
    for batch in stream.batches(_past_rows().order_by(lead_past.c.lead, lead_past.c.seq)):
        for row in batch.to_pylist():
            told = [codes[name].known(row[name][1:]) if row[name] else -1 for name in FIELDS]
            said = (*told, None if row["no_value"] else row["value"], row["created_at"])
            yield row["lead"], LeadVersion(row["updated_at"], row["seq"], row["known_at"], said)


def _tell(
    rows: Mapping[str, list[Row]],
    columns: Mapping[str, NDArray[Any]],
    place: int,
    versions: Sequence[LeadVersion],
    until: int,
) -> None:
    """Add what was said of a lead since when."""
    now = {name: columns[name][place].item() for name in rows}
    said = tuple(None if np.isnan(value) else value for value in now.values())
    updated_at, since = int(columns["updated_at"][place]), int(columns["since"][place])
    steps = steps_of([*versions, LeadVersion(updated_at, NEVER, since, said)], until)
    for field_number, (name, told) in enumerate(rows.items()):
        for known, value in of_field(steps, field_number):
            number = np.nan if value is None else value
            told.append((place, known, int(number), np.nan) if name in FIELDS else (place, known, -1, number))
        if until < NEVER:
            stands = steps[-1][1][field_number]
            columns[name][place] = np.nan if stands is None else stands


def _history(told: Sequence[Row], leads: int, codes: Codes | None) -> AttributeHistory:
    columns = zip(*told, strict=True)
    place, since, code = (np.array(next(columns), np.int64) for _ in range(3))
    number = np.array(next(columns), np.float64)
    starts = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=leads))])
    order = np.lexsort((since, place))
    return AttributeHistory(starts, since[order], number[order], code[order], codes.levels if codes else ())
