"""CSV files: each row becomes a lead, a call and its disposition, as a mapping says."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TextIO

import orjson

from ..errors import BadMapping
from .bank_marketing import ADDED, CLOCKED, with_clock
from .cells import NUMBERS, Row, number_or_word, text_of, value_of
from .mapping import Mapping, Part, cell_of
from .opened import opened
from .record import Item, Record
from .wire import PREFIX, SEQUENCE
from .words import is_ident

_CLOCKS: dict[str | None, Callable[[Iterable[Row]], Iterable[Row]]] = {"bank-marketing": with_clock}
_DELIMITERS = ",;\t|"
"""What separates columns where nobody says: the one by which the mapped columns are there."""
_SAYS_SO = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A first line by which Excel is told the delimiter."""
_BEYOND = "\0"
"""No column's name: what a row has beyond the heading."""
_LONGEST_HEADING = 100
"""Lines."""


@dataclass(frozen=True)
class Layout:
    """How a file is laid out."""

    delimiter: str
    begins: int
    """Lines before the heading."""
    restval: str | None = None
    """What a row has where it ends before a column."""

    def rows(self, text: TextIO) -> "csv.DictReader[str]":
        """The rows of a file from its first line on."""
        lines = islice(text, self.begins, None)
        return csv.DictReader(lines, delimiter=self.delimiter, restkey=_BEYOND, restval=self.restval)


def read_csv(path: Path, mapping: Mapping, at: int = 0) -> Iterator[Record]:
    """Each row as a record, in order; a file that can't be read, or lacks mapped columns, is refused at once.

    What is read at a later instant, or further down, stands where it tells another version of a call.
    """
    with opened(path, mapping.member, mapping.encoding) as text:
        layout = _layout(mapping, text, path)
        if layout is None:
            return iter(())
        text.seek(0)
        _demand_clear_numbers(mapping, layout.rows(text))
    return _records(path, mapping, layout, at)


def _records(path: Path, mapping: Mapping, layout: Layout, at: int) -> Iterator[Record]:
    with opened(path, mapping.member, mapping.encoding) as text:
        rows, read = _CLOCKS.get(mapping.clock, _as_they_are)(layout.rows(text)), mapping.columns()
        for number, row in enumerate(rows, start=1):
            fault = _misshapen(row, read)
            yield Record(fault=fault) if fault else _record(mapping, row, f"{at:020d}.{number:09d}")


def _as_they_are(rows: Iterable[Row]) -> Iterable[Row]:
    return rows


def _layout(mapping: Mapping, text: TextIO, path: Path) -> Layout | None:
    """The delimiter by which the mapped columns are there; None of an empty file, `BadMapping` if by none."""
    lines = list(islice(text, _LONGEST_HEADING))
    if not lines:
        return None
    said = _SAYS_SO.fullmatch(lines[0])
    own = said[1] if said else mapping.delimiter
    needed = _needed(mapping)
    headings = {one: _heading(lines[bool(said) :], one) for one in (*([own] if own else ()), *_DELIMITERS)}
    fitting = [one for one in headings if needed <= {*headings[one]} and one == (own or one)]
    if not fitting:
        raise BadMapping(**_amiss(mapping, path, headings, own))
    chosen = max(fitting, key=lambda one: len(headings[one]))
    twice = sorted(name for name, count in Counter(headings[chosen]).items() if count > 1 and name in needed)
    if twice:
        raise BadMapping(mapping=mapping.name, file=path.name, more_than_once=", ".join(twice))
    return Layout(chosen, bool(said), "" if mapping.clock else None)


def _demand_clear_numbers(mapping: Mapping, rows: Iterable[Row]) -> None:
    """`BadMapping` if a number can't be told without a decimal sign, and the mapping names none."""
    if mapping.decimal is not None:
        return
    parts = (mapping.lead, mapping.call, mapping.disposition)
    cells = [cell_of(source) for part in parts for name, source in part.items() if name in NUMBERS]
    read = [(cell, cell.column) for cell in (*cells, *mapping.attribute_cells.values()) if cell.column]
    for row in rows:
        for cell, column in read:
            if "," in (row.get(column) or ""):
                number_or_word(mapping, cell, text_of(cell, row))


def _needed(mapping: Mapping) -> set[str]:
    added, clocked = (ADDED, CLOCKED) if mapping.clock else (frozenset[str](), frozenset[str]())
    return mapping.columns() - added | clocked


def _heading(lines: Sequence[str], delimiter: str) -> list[str]:
    """The names of the columns; none where a field would be longer than any may be."""
    try:
        return next(csv.reader(lines, delimiter=delimiter), [])
    except csv.Error:
        return []


def _amiss(
    mapping: Mapping, path: Path, headings: dict[str, list[str]], own: str | None
) -> dict[str, object]:
    """What a file lacks by the delimiter that was said or comes nearest, and what may be meant."""
    needed = _needed(mapping)
    other = next((one for one in headings if needed <= {*headings[one]}), None)
    nearest = own or max(headings, key=lambda one: (len(needed & {*headings[one]}), len(headings[one])))
    missing = sorted(needed - {*headings[nearest]})
    near = {name: get_close_matches(name, headings[nearest], 1) for name in missing}
    told: dict[str, object] = {"mapping": mapping.name, "file": path.name, "without": ", ".join(missing)}
    if other is not None:
        told["why"] = f"with delimiter = {orjson.dumps(other).decode()} they are there"
    elif any(near.values()):
        told["why"] = "is it " + ", ".join(repr(found[0]) for found in near.values() if found) + "?"
    return told


def _misshapen(row: Row, read: Iterable[str]) -> str | None:
    """The code of a row of which nobody knows what its columns say: it has more or fewer than the heading."""
    if any(row.get(_BEYOND, "")):
        return "too_many_columns"
    if any(row[column] is None for column in read):
        return "too_few_columns"
    return None


def _record(mapping: Mapping, row: Row, sequence: str) -> Record:
    leads = (_lead(mapping, row),) if mapping.lead else ()
    return Record(leads, tuple({**event, SEQUENCE: sequence} for event in _events(mapping, row)))


def _lead(mapping: Mapping, row: Row) -> Item:
    lead = _read(mapping, mapping.lead, row)
    phone = {"e164": lead.pop("phone", None), "type": lead.pop("phone_type", None)}
    attributes = {
        name: number_or_word(mapping, cell, text_of(cell, row))
        for name, cell in mapping.attribute_cells.items()
    }
    phones = [phone] if phone["e164"] is not None else []
    return {**lead, "phones": phones, "attributes": attributes}


def _events(mapping: Mapping, row: Row) -> Iterator[Item]:
    if not mapping.call:
        return
    call = _read(mapping, mapping.call, row)
    named = {"call_id": call["call_id"]} if "call_id" in call else {}
    call_id, ended = call.get("call_id"), call.get("ended_at")
    name = call_id if is_ident(call_id) else f"row-{_digest(row)}"
    yield _event(mapping, "call.attempted", name, ended, call)
    if mapping.disposition:
        told = _read(mapping, mapping.disposition, row)
        time = told.pop("time", ended)
        yield _event(mapping, "call.disposed", f"{name}.disposed", time, {**named, **told})


def _event(mapping: Mapping, kind: str, name: str, time: object, told: Item) -> Item:
    """An event whose id changes with what it says: a row that was put right is no repetition."""
    source, version = f"import/{mapping.name}", f"{name}.{_digest([time, told])}"
    event = {"specversion": "1.0", "id": version, "source": source, "type": PREFIX + kind, "data": told}
    return event if time is None else {**event, "time": time}


def _digest(said: object) -> str:
    """Twelve letters that tell contents apart."""
    written = orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return sha256(written).hexdigest()[:12]


def _read(mapping: Mapping, part: Part, row: Row) -> dict[str, object]:
    """The fields of a part that have a value; what can't be read stays text, for the wire to refuse."""
    read: dict[str, object] = {}
    for name, source in part.items():
        cell = cell_of(source)
        text = text_of(cell, row)
        if text is not None:
            read[name] = value_of(mapping, name, cell, text, row)
    return read
