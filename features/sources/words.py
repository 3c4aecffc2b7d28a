"""The kinds of text and number that leads and events are made of: ids, vocabularies, phones, instants."""

import re
from functools import lru_cache
from typing import Annotated, TypeGuard
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from ..instants import parse
from ..refused import LARGEST

FIRST, LAST = parse("1990-01-01T00:00:00Z"), parse("2100-01-01T00:00:00Z")
"""Instants outside [FIRST, LAST) are a broken clock, not a time."""


class Shape(BaseModel):
    """A JSON object of which every field is known: others are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def instant_of(text: object) -> int:
    """Read an RFC 3339 instant with its offset, between 1990 and 2100; else a `ValueError`."""
    if not isinstance(text, str) or len(text) < 20 or text[4] != "-" or text[10] not in "Tt ":
        raise ValueError("not an RFC 3339 instant such as 2026-01-31T09:30:00Z")
    at = parse(text.upper())
    if not FIRST <= at < LAST:
        raise ValueError("an instant before 1990 or after 2099")
    return at


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_of(name: str) -> str:
    """The name of an IANA time zone; else a `ValueError`."""
    if name not in _zones():
        raise ValueError("not an IANA time zone, such as Europe/Berlin")
    return name


_IDENT, _PHONE = r"^[A-Za-z0-9._~-]{1,64}$", r"^\+[1-9][0-9]{6,14}$"


def is_ident(given: object) -> TypeGuard[str]:
    """Whether it could be an id of the caller's."""
    return isinstance(given, str) and re.match(_IDENT, given) is not None


def is_phone(given: object) -> TypeGuard[str]:
    """Whether it could be a phone number, E.164."""
    return isinstance(given, str) and re.match(_PHONE, given) is not None


Ident = Annotated[str, StringConstraints(pattern=_IDENT)]
"""An id of the caller's."""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
"""A word of an open vocabulary."""

Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,128}$")]
"""A short text for people."""

Note = Annotated[str, StringConstraints(pattern=r"^[^\x00]{0,2048}$")]
"""A longer text for people."""

Phone = Annotated[str, StringConstraints(pattern=_PHONE)]
"""A phone number, E.164."""

Zone = Annotated[str, AfterValidator(zone_of)]
"""An IANA time zone."""

Instant = Annotated[
    int, PlainValidator(instant_of), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""An RFC 3339 instant on the wire, microseconds since the epoch inside."""

Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
"""A number of which nothing else is known."""

Money = Annotated[float, Field(ge=0, le=1e12)]
"""What a sale or an hour is worth, in the installation's currency."""
