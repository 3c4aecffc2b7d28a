"""Mapping: which column of a CSV file says what of leads, calls and dispositions; written in TOML."""

import tomllib
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from ..errors import BadMapping, LeakingColumn, UnknownSince
from ..refused import after_the_call
from .wire import CallAttempted, CallDisposed, LeadIn
from .words import Ident, Shape, Zone

INSTANTS = {"created_at", "updated_at"}
"""Since when what a row says of a lead is known; instants that the call tells will do."""
KNOWN_AS_IT_BEGINS = {
    "call_id", "lead_id", "campaign", "dialer_id", "phone", "caller_id", "started_at",
    "lease_id", "decision_id", "script", "shift",
}  # fmt: skip
"""Fields of a call that are known as it begins; all others only after it (many dialers name an agent only
for answered calls)."""


class Cell(Shape):
    """Where a value comes from: a column or a fixed value, and how its text is to be read."""

    column: str | None = None
    value: str | None = None
    prefix: str = ""
    format: str | None = None
    """strptime's, for instants; else ISO 8601."""
    plus_seconds: str | None = None
    """A column of seconds to add to an instant."""
    missing: tuple[str, ...] = ()
    """Texts that mean that there is none, beside the empty one."""
    words: dict[str, str] = Field(default_factory=dict)
    """What the file's words mean; others stay as they are."""

    @property
    def columns(self) -> list[str]:
        """The columns it reads."""
        return [name for name in (self.column, self.plus_seconds) if name is not None]


Source = Annotated[str | Cell, Field(union_mode="left_to_right")]
Part = dict[str, Source]


class Mapping(Shape):
    """How the rows of one kind of CSV file become leads, calls and dispositions."""

    name: Ident
    version: int
    delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n]$')] = ","
    member: str | None = None
    """Which file of a zip."""
    timezone: Zone = "UTC"
    """Of instants that name none."""
    phone_region: str | None = None
    """The country of numbers that begin without +."""
    clock: Literal["bank-marketing"] | None = None
    """What adds columns that follow from the order of rows."""
    lead: Part = Field(default_factory=dict)
    attributes: dict[str, str | Cell | tuple[str, ...]] = Field(default_factory=dict)
    call: Part = Field(default_factory=dict)
    disposition: Part = Field(default_factory=dict)
    refused: dict[str, str] = Field(default_factory=dict)
    """Columns that are known only after the call or must not become attributes for another reason."""

    @model_validator(mode="after")
    def _fits_the_wire(self) -> "Mapping":
        for part, shape, more in (
            (self.lead, LeadIn, {"phone", "phone_type"}),
            (self.call, CallAttempted, set()),
            (self.disposition, CallDisposed, {"time"}),
        ):
            unknown = set(part) - _fields(shape) - more
            if unknown:
                raise ValueError(f"{', '.join(sorted(unknown))}: no field of {shape.__name__}")
        if self.disposition and not self.call:
            raise ValueError("[disposition] without [call]")
        return self

    @cached_property
    def attribute_cells(self) -> dict[str, Cell]:
        """Each attribute's cell; the list `columns` names attributes like their columns."""
        cells: dict[str, Cell] = {}
        for name, source in self.attributes.items():
            if isinstance(source, tuple):
                cells |= {column: Cell(column=column) for column in source}
            else:
                cells[name] = cell_of(source)
        return cells

    @cached_property
    def withheld(self) -> dict[str, str]:
        """Columns that nothing known of a lead may read, each with the reason."""
        begun = {
            column
            for name in KNOWN_AS_IT_BEGINS & set(self.call)
            for column in cell_of(self.call[name]).columns
        }
        told = _of_the_call(self.call) | _of_the_call(self.disposition)
        return {column: why for column, why in told.items() if column not in begun} | self.refused

    def columns(self) -> set[str]:
        """All columns that a row must have."""
        return {column for cell in self._cells() for column in cell.columns}

    def _cells(self) -> Iterator[Cell]:
        for part in (self.lead, self.call, self.disposition):
            yield from map(cell_of, part.values())
        yield from self.attribute_cells.values()


def _of_the_call(part: Part) -> dict[str, str]:
    after = [(name, column) for name in part for column in cell_of(part[name]).columns]
    return {column: f"known only after the call, as its {name}" for name, column in after}


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


def _fields(shape: type[BaseModel]) -> set[str]:
    return set(shape.model_fields) - {"attributes", "phones", "consent"}


def cell_of(source: str | Cell) -> Cell:
    """A bare name is a column."""
    return Cell(column=source) if isinstance(source, str) else source


def load_mapping(name: str) -> tuple[Mapping, str]:
    """A shipped mapping by its name or one's own by its path, and the digest that tells versions apart."""
    text = _text(name)
    try:
        mapping = Mapping.model_validate(_tuples(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(mapping=name, why=error) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadMapping(mapping=name, where=where or "the whole", why=first["msg"]) from error
    demand_known_before(mapping)
    return mapping, sha256(text.encode()).hexdigest()


def shipped() -> list[str]:
    """The names of the mappings that ship."""
    return sorted(
        file.name.removesuffix(".toml") for file in files(__package__).joinpath("mappings").iterdir()
    )


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
