"""Described: the OpenAPI document, such that a client can be generated from it."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from features.sources.wire import EVENTS, PREFIX, Envelope, LeadIn

from .problems import MEDIA_TYPE
from .schemas import AckIn

_HERE = "#/components/schemas/"
_BODIES: tuple[type[BaseModel], ...] = (LeadIn, AckIn, *dict.fromkeys(EVENTS.values()))
"""What endpoints read themselves, beside the envelope of events: FastAPI doesn't know of it."""

Schema = dict[str, Any]


class Application(FastAPI):
    """The service's application; its document tells of bodies that endpoints read, and of problems."""

    def openapi(self) -> Schema:
        """The document, made once."""
        made = self.openapi_schema is not None
        document = super().openapi()
        if not made:
            document["components"]["schemas"] |= _bodies()
            for operation in (one for path in document["paths"].values() for one in path.values()):
                _tell_problems(operation["responses"])
        return document


def named(model: type[BaseModel]) -> Schema:
    """Where the document describes a body that an endpoint reads itself."""
    return {"$ref": _HERE + model.__name__}


def _bodies() -> dict[str, Schema]:
    """Their schemas; an event is one of its types, each with its own `data`."""
    wanted = [(model, "validation") for model in _BODIES]
    _, told = models_json_schema(wanted, ref_template=_HERE + "{model}")  # type: ignore[arg-type]
    found: dict[str, Schema] = told["$defs"]
    event = {name: said for name, said in Envelope.model_json_schema().items() if name != "$defs"}
    kinds = {PREFIX + kind: f"{_title(kind)}Event" for kind in EVENTS}
    for kind, shape in EVENTS.items():
        found[kinds[PREFIX + kind]] = _event(event, PREFIX + kind, shape)
    mapping = {kind: _HERE + name for kind, name in kinds.items()}
    found[Envelope.__name__] = {
        "title": Envelope.__name__,
        "description": event["description"],
        "oneOf": [{"$ref": place} for place in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return found


def _event(event: Schema, kind: str, shape: type[BaseModel]) -> Schema:
    own = {"type": {"const": kind, "type": "string"}, "data": named(shape)}
    return {
        **event,
        "title": f"{_title(kind.removeprefix(PREFIX))}Event",
        "description": shape.__doc__,
        "properties": {**event["properties"], **own},
        "required": [*event["required"], "data"],
    }


def _title(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("."))


def _tell_problems(responses: Mapping[str, Schema]) -> None:
    """FastAPI names its own media type for whatever an endpoint answers."""
    for status, response in responses.items():
        if status == "default" or status >= "400":
            response["content"] = {MEDIA_TYPE: next(iter(response["content"].values()))}
