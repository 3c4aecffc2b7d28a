"""Mapping: which column of a CSV file says what of leads, calls and dispositions; written in TOML."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal

import phonenumbers
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from .wire import CallAttempted, CallDisposed, LeadIn
from .words import Ident, Shape, Zone

KNOWN_AS_IT_BEGINS = {
    "call_id", "lead_id", "campaign", "dialer_id", "phone", "caller_id", "started_at",
    "lease_id", "decision_id", "script", "shift",
}  # fmt: skip
"""Fields of a call that are known as it begins; all others only after it (many dialers name an agent only
for answered calls)."""


def _encoding(name: str) -> str:
    try:
        "a".encode(name)
    except (LookupError, UnicodeError):
        raise ValueError("no such encoding; windows-1252, iso-8859-15 and utf-16 are some") from None
    return name


def _region(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("no country's two capital letters, such as DE")
    return code


def is_instant(name: str) -> bool:
    """Whether a field of that name is an instant."""
    return name.endswith("_at") or name == "time"


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

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Cell":
        if (self.column is None) == (self.value is None):
            raise ValueError("say either a column or a value")
        return self

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
    delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n]$')] | None = None
    """Else the one of , ; | and tab by which the columns are there."""
    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    """Else what the file begins as, or UTF-8."""
    decimal: Literal[",", "."] | None = None
    """The sign before decimals; signs between thousands are read then too."""
    member: str | None = None
    """Which file of a zip."""
    timezone: Zone = "UTC"
    """Of instants that name none."""
    phone_region: Annotated[str, AfterValidator(_region)] | None = None
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

    @model_validator(mode="after")
    def _tells_each_attribute_once(self) -> "Mapping":
        listed = [source for source in self.attributes.values() if isinstance(source, tuple)]
        named = [name for name, source in self.attributes.items() if not isinstance(source, tuple)]
        told = Counter([*named, *(column for columns in listed for column in columns)])
        twice = [name for name, count in told.items() if count > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)}: an attribute that is told more than once")
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


def _fields(shape: type[BaseModel]) -> set[str]:
    return set(shape.model_fields) - {"attributes", "phones", "consent"}


def cell_of(source: str | Cell) -> Cell:
    """A bare name is a column."""
    return Cell(column=source) if isinstance(source, str) else source
