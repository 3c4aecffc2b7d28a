"""CSV files: each row becomes a lead, a call and its disposition, as a mapping says."""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import phonenumbers

from ..errors import BadMapping
from .bank_marketing import ADDED, CLOCKED, with_clock
from .mapping import Cell, Mapping, Part, cell_of
from .opened import opened
from .record import Item, Record
from .wire import PREFIX, SEQUENCE
from .words import is_ident

Row = dict[str, str]
_TRUE, _FALSE = {"1", "true", "t", "yes", "y"}, {"0", "false", "f", "no", "n"}
_TRUTHS = {"human_answered", "abandoned", "converted", "stop_phone"}
_NUMBERS = {"value", "talk_s", "hold_s", "wrap_s", "next_after_s"}
_CLOCKS: dict[str | None, Callable[[Iterable[Row]], Iterable[Row]]] = {"bank-marketing": with_clock}


def read_csv(path: Path, mapping: Mapping, at: int = 0) -> Iterator[Record]:
    """Each row as a record, in order; a file without the mapped columns is `BadMapping`.

    What is read at a later instant, or further down, stands where it tells another version of a call.
    """
    with opened(path, mapping.member) as text:
        reader = csv.DictReader(text, delimiter=mapping.delimiter, restval="")
        if reader.fieldnames is None:
            return
        _check(mapping, reader.fieldnames, path)
        rows = enumerate(_CLOCKS.get(mapping.clock, _as_they_are)(reader), start=1)
        for number, row in rows:
            yield _record(mapping, row, f"{at:020d}.{number:09d}")


def _as_they_are(rows: Iterable[Row]) -> Iterable[Row]:
    return rows


def _check(mapping: Mapping, columns: Iterable[str], path: Path) -> None:
    added, needed = (ADDED, CLOCKED) if mapping.clock else (frozenset[str](), frozenset[str]())
    missing = (mapping.columns() - added | needed) - set(columns)
    if missing:
        raise BadMapping(mapping=mapping.name, file=path.name, without=", ".join(sorted(missing)))


def _record(mapping: Mapping, row: Row, sequence: str) -> Record:
    leads = (_lead(mapping, row),) if mapping.lead else ()
    return Record(leads, tuple({**event, SEQUENCE: sequence} for event in _events(mapping, row)))


def _lead(mapping: Mapping, row: Row) -> Item:
    lead = _read(mapping, mapping.lead, row)
    phone = {"e164": lead.pop("phone", None), "type": lead.pop("phone_type", None)}
    attributes = {name: _number_or_word(_text(cell, row)) for name, cell in mapping.attribute_cells.items()}
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
        text = _text(cell, row)
        if text is not None:
            read[name] = _value(mapping, name, cell, text, row)
    return read


def _text(cell: Cell, row: Row) -> str | None:
    text = (row[cell.column] if cell.column is not None else cell.value or "").strip()
    if not text or text in cell.missing:
        return None
    return cell.prefix + cell.words.get(text, text)


def _value(mapping: Mapping, name: str, cell: Cell, text: str, row: Row) -> object:
    if name.endswith("_at") or name == "time":
        return _instant(mapping, cell, text, row)
    if name in ("phone", "caller_id"):
        return _phone(mapping, text)
    if name in _NUMBERS:
        number = _number_or_word(text)
        return text if number is None else number
    if name in _TRUTHS:
        return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else text
    return text


def _instant(mapping: Mapping, cell: Cell, text: str, row: Row) -> str:
    """RFC 3339; an instant without a zone is in the mapping's, seconds are added to the instant itself."""
    more = None if cell.plus_seconds is None else row[cell.plus_seconds]
    try:
        when = datetime.strptime(text, cell.format) if cell.format else datetime.fromisoformat(text)  # noqa: DTZ007
        if when.tzinfo is None:
            when = when.replace(tzinfo=ZoneInfo(mapping.timezone))
        if more is not None:
            when = (when.astimezone(UTC) + timedelta(seconds=float(more))).astimezone(when.tzinfo)
    except (ValueError, OverflowError):
        return text if more is None else f"{text} and {more} seconds"
    return when.isoformat()


def _phone(mapping: Mapping, text: str) -> str:
    try:
        number = phonenumbers.parse(text, mapping.phone_region)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _number_or_word(text: str | None) -> float | str | None:
    """A number where the text is one; `nan` and `inf` are words."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text
