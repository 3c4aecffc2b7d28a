"""Loading: a mapping from its TOML; one that cannot work is refused before anything is read by it."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from ..errors import BadMapping, LeakingColumn, UnknownSince
from ..refused import after_the_call
from .cells import text_of, value_of
from .mapping import Cell, Mapping, cell_of, is_instant
from .wire import CallAttempted, CallDisposed, LeadIn, PhoneIn
from .words import Label

INSTANTS = {"created_at", "updated_at"}
"""Since when what a row says of a lead is known; instants that the call tells will do."""
_SOME_DAY = datetime(2026, 11, 23, 14, 35, 46, tzinfo=UTC)
_OF_THE_PHONE = {"phone": "e164", "phone_type": "type"}


def load_mapping(name: str) -> tuple[Mapping, str]:
    """A shipped mapping by its name or one's own by its path, and the digest that tells versions apart."""
    text = _text(name)
    try:
        mapping = Mapping.model_validate(_tuples(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(mapping=name, why=error) from error
    except ValidationError as error:
        first = next((one for one in error.errors() if one["loc"][-1:] != ("str",)), error.errors()[0])
        where = ".".join(str(step) for step in first["loc"] if step != Cell.__name__)
        raise BadMapping(mapping=name, where=where or "the whole", why=first["msg"]) from error
    demand_known_before(mapping)
    _demand_that_it_works(mapping)
    return mapping, sha256(text.encode()).hexdigest()


def shipped() -> list[str]:
    """The names of the mappings that ship."""
    return sorted(
        file.name.removesuffix(".toml") for file in files(__package__).joinpath("mappings").iterdir()
    )


def demand_known_before(mapping: Mapping) -> None:
    """`LeakingColumn` if a lead reads what only the call tells, `UnknownSince` if it has no instant."""
    fields = [(name, cell_of(source)) for name, source in mapping.lead.items() if name not in INSTANTS]
    for name, cell in [*fields, *mapping.attribute_cells.items()]:
        reasons = {column: mapping.withheld.get(column) or after_the_call(column) for column in cell.columns}
        for column, reason in reasons.items():
            if reason is not None:
                raise LeakingColumn(mapping=mapping.name, column=column, asked_as=name, reason=reason)
    for name in mapping.attribute_cells:
        if (reason := after_the_call(name)) is not None:
            raise LeakingColumn(mapping=mapping.name, attribute=name, reason=reason)
    if mapping.attribute_cells and not INSTANTS & set(mapping.lead):
        names = ", ".join(mapping.attribute_cells)
        raise UnknownSince(
            mapping=mapping.name, attributes=names, lead_has_neither="created_at nor updated_at"
        )


def _demand_that_it_works(mapping: Mapping) -> None:
    """`BadMapping` where no row could be taken in, or a setting says nothing."""
    for where, why in (*_lacking(mapping), *_without_effect(mapping), *_never_taken(mapping)):
        raise BadMapping(mapping=mapping.name, where=where, why=why)


def _lacking(mapping: Mapping) -> Iterator[tuple[str, str]]:
    if not (mapping.lead or mapping.call):
        yield "the whole", "it has neither [lead] nor [call]"
    for where, part, shape in _parts(mapping):
        needed = {name for name, field in shape.model_fields.items() if field.is_required()}
        lacking = needed - {*part, "phones", "attributes"} - ({"call_id"} if shape is CallDisposed else set())
        if part and lacking:
            names = ", ".join(sorted(lacking))
            yield where, f"{names}: without it no row is taken in; name a column, or {{ value = ... }}"


def _without_effect(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Settings of a cell that are only for instants, and formats that tell no day."""
    for where, cell in _cells(mapping):
        if not is_instant(where.rpartition(".")[2]) or where.startswith("attributes."):
            if cell.format is not None or cell.plus_seconds is not None:
                yield where, "format and plus_seconds are for instants"
        elif cell.format is not None and not _tells_a_day(cell.format):
            yield where, f"format = {cell.format!r} tells no full day: strptime's %d.%m.%Y %H:%M does"


def _tells_a_day(form: str) -> bool:
    try:
        return datetime.strptime(_SOME_DAY.strftime(form), form).date() == _SOME_DAY.date()  # noqa: DTZ007
    except ValueError:
        return False


def _never_taken(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Fixed values, words for what a column holds, and names of attributes that nothing takes."""
    for where, part, shape in _parts(mapping):
        for name, source in part.items():
            cell = cell_of(source)
            for fixed in _fixed(cell):
                wrong = _refused(mapping, shape, name, fixed)
                if wrong:
                    yield f"{where}.{name}", f"{fixed.value!r} is never taken: {wrong}"
    for name in mapping.attribute_cells:
        wrong = _fault(TypeAdapter(Label), name)
        if wrong:
            yield "attributes", f"{name!r} is no name of an attribute: {wrong}"


def _fixed(cell: Cell) -> list[Cell]:
    """What is said of a cell without its row."""
    if cell.column is None:
        return [cell]
    return [Cell(value=word, prefix=cell.prefix) for word in cell.words.values()]


def _refused(mapping: Mapping, shape: type[BaseModel], name: str, cell: Cell) -> str:
    """What is wrong with a fixed value of a field; empty where nothing is, or the row has to tell more."""
    text = text_of(cell, {})
    if text is None or cell.plus_seconds is not None or (name == "time" and shape is CallDisposed):
        return ""
    of, name_there = (PhoneIn, _OF_THE_PHONE[name]) if name in _OF_THE_PHONE else (shape, name)
    field = of.model_fields[name_there]
    wanted: TypeAdapter[object] = TypeAdapter(field.rebuild_annotation())
    return _fault(wanted, value_of(mapping, name, cell, text, {}))


def _fault(wanted: TypeAdapter[object], value: object) -> str:
    try:
        wanted.validate_python(value, strict=True)
    except ValidationError as error:
        return error.errors()[0]["msg"]
    return ""


def _parts(mapping: Mapping) -> Iterator[tuple[str, dict[str, str | Cell], type[BaseModel]]]:
    yield "lead", mapping.lead, LeadIn
    yield "call", mapping.call, CallAttempted
    yield "disposition", mapping.disposition, CallDisposed


def _cells(mapping: Mapping) -> Iterator[tuple[str, Cell]]:
    for where, part, _ in _parts(mapping):
        yield from ((f"{where}.{name}", cell_of(source)) for name, source in part.items())
    yield from ((f"attributes.{name}", cell) for name, cell in mapping.attribute_cells.items())


def _text(name: str) -> str:
    if name in shipped():
        return files(__package__).joinpath("mappings", f"{name}.toml").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise BadMapping(mapping=name, why=error.strerror, shipped=", ".join(shipped())) from error
    except UnicodeDecodeError as error:
        raise BadMapping(mapping=name, why="not UTF-8, as TOML is") from error


def _tuples(given: object) -> object:
    """TOML's lists as tuples: a mapping doesn't change."""
    if isinstance(given, list):
        return tuple(map(_tuples, given))
    return {key: _tuples(value) for key, value in given.items()} if isinstance(given, dict) else given
