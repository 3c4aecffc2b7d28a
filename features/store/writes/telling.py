"""Told: one event as it was told to us, read from the wire, with its fault if it has one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import orjson
from pydantic import ValidationError

from ...sources.wire import EVENTS, PREFIX, SEQUENCE, Envelope
from ...sources.words import Shape
from .receipts import Known

S = TypeVar("S", bound=Shape)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an event can't be applied: a stable code, a sentence, and what it waits for, if for something."""

    code: str
    detail: str
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One event; `data` is None exactly when it has a fault that no lookup can mend."""

    source: str
    id: str
    type: str
    time: int
    known_at: int | None
    """Since when its facts are known; None: since they are stored."""
    payload: Mapping[str, object]
    within: tuple[str, ...] | None = None
    """The campaigns whose leads and calls it may speak of; None: all."""
    extensions: Mapping[str, object] | None = None
    data: Shape | None = None
    fault: Fault | None = None

    @property
    def kind(self) -> str:
        """Its type without the prefix."""
        return self.type.removeprefix(PREFIX)

    @property
    def key(self) -> tuple[str, str]:
        """What names it: no two events share it."""
        return self.source, self.id

    @property
    def order(self) -> tuple[int, str, str]:
        """Where it stands among others: by time, ties by rank, whatever the order of arrival."""
        return self.time, self.source, self.rank

    @property
    def rank(self) -> str:
        """Its place among those of its source and time: by `sequence` if it has that, behind all without."""
        sequence = (self.extensions or {}).get(SEQUENCE)
        return self.id if sequence is None else f"~{sequence} {self.id}"

    def reaches(self, campaign: str) -> bool:
        """Whether it may speak of a campaign's leads and calls."""
        return self.within is None or campaign in self.within

    def faulty(self, fault: Fault) -> "Told":
        """The same event with a fault found in it."""
        return replace(self, fault=fault)


def read(item: object, at: int, known: Known = "received") -> Told | str:
    """Read one CloudEvent; a text instead is the code of why it can't even be kept."""
    if not isinstance(item, Mapping):
        return "not_an_object"
    for name in ("id", "source", "type"):
        if not item.get(name) or not isinstance(item[name], str):
            return f"no_{name}"
    try:
        orjson.dumps(item)
        envelope = Envelope.model_validate(item)
    except TypeError:
        return "unwritable"
    except ValidationError as error:
        return _without_envelope(item, at, error)
    return _with_data(item, envelope, at, known)


def read_as(told: Told, shape: type[S]) -> S:
    """An event's data in the shape that its type has."""
    assert isinstance(told.data, shape), (told.type, shape)
    return told.data


def reread(
    payload: Mapping[str, object], received_at: int, known_at: int | None, within: Sequence[str] | None
) -> Told:
    """Read an event again from quarantine, as of when it was received."""
    told = read(payload, received_at)
    assert isinstance(told, Told)  # it was read once
    return replace(told, known_at=known_at, within=None if within is None else tuple(within))


def _without_envelope(item: Mapping[str, object], at: int, error: ValidationError) -> Told | str:
    broken = {cast("str", problem["loc"][0]) for problem in error.errors() if problem["loc"]}
    for name in ("id", "source", "type"):
        if name in broken:
            return f"no_{name}"
    source, name, type_ = str(item["source"]), str(item["id"]), str(item["type"])
    return Told(source, name, type_, at, None, item, fault=Fault("malformed_envelope", explain(error)))


def _with_data(item: Mapping[str, object], envelope: Envelope, at: int, known: Known) -> Told:
    time = at if envelope.time is None else envelope.time
    known_at = time if known == "event" else None
    data, fault = _data_of(envelope)
    extensions = envelope.model_extra or None
    return Told(
        *(envelope.source, envelope.id, envelope.type, time, known_at, item),
        extensions=extensions,
        data=data,
        fault=fault,
    )


def _data_of(envelope: Envelope) -> tuple[Shape | None, Fault | None]:
    kind = envelope.type.removeprefix(PREFIX)
    shape = EVENTS.get(kind) if kind != envelope.type else None
    if shape is None:
        return None, Fault("unknown_type", f"no event type {envelope.type}")
    try:
        return shape.model_validate(envelope.data), None
    except ValidationError as error:
        return None, Fault("malformed_data", explain(error))


def explain(error: ValidationError) -> str:
    """The first three problems in one line, without the values: they may be personal."""
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'data'}: {problem['msg']}" for problem in error.errors()
    ]
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more
