"""The interface's description, held against what it answers: an answer holds nothing that isn't told."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from httpx2 import Response

from features.instants import parse
from serving.app import create_app
from serving.settings import Settings

Schema = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "null": (type(None),),
    "integer": (int,), "number": (int, float),
}  # fmt: skip
WORDS = {"title", "description", "default", "examples"}
CHECKED = {
    "$ref", "anyOf", "oneOf", "const", "enum", "type", "properties", "required", "additionalProperties",
    "items", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength",
    "maxLength", "minItems", "maxItems", "discriminator",
}  # fmt: skip
"""Keywords that are looked at, or that say only what a request may be."""


@cache
def document() -> dict[str, Any]:
    """The description of a service; it is the same for each."""
    return create_app(Settings()).openapi()


def operations() -> Iterator[tuple[str, str, Schema]]:
    """Every endpoint: method, path and what is told of it."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def check(method: str, path: str, answer: Response) -> None:
    """Fail where an answer isn't what the description says of its endpoint."""
    responses = _responses(method, path.partition("?")[0])
    if responses is None:
        return
    status = str(answer.status_code)
    assert status in responses, f"{method} {path} answers {status}"
    told = responses[status].get("content", {})
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    assert told or not answer.content, f"{method} {path} {status} has a body"
    if not told:
        return
    assert kind in told, f"{method} {path} answers {kind}"
    if kind.endswith("json") and not kind.endswith("ndjson"):
        faults = list(wrong(answer.json(), told[kind]["schema"], "$"))
        assert not faults, f"{method} {path} {status}: {faults[:5]}"
    codes = responses[status].get("x-codes")
    assert codes is None or answer.json()["code"] in codes, f"{method} {path} {status}: {answer.text}"


def _responses(method: str, path: str) -> Schema | None:
    for known, template, operation in operations():
        if known == method and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
            found: Schema = operation["responses"]
            return found
    return None


def wrong(value: object, schema: Schema, at: str) -> Iterator[str]:
    """What of a value isn't as its schema says."""
    if "$ref" in schema:
        schema = resolved(schema["$ref"])
    unknown = set(schema) - CHECKED - WORDS
    assert not unknown, unknown
    choices = schema.get("anyOf", schema.get("oneOf"))
    if choices is not None:
        faults = [list(wrong(value, one, at)) for one in choices]
        if all(faults):
            yield from min(faults, key=len)
        return
    if value not in schema.get("enum", [schema.get("const", value)]):
        yield f"{at} is {value!r}"
    kinds = TYPES.get(schema.get("type", ""))
    if kinds is not None and (
        not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
    ):
        yield f"{at} is {type(value).__name__}, not {schema['type']}"
    elif isinstance(value, dict):
        yield from _of_object(value, schema, at)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from wrong(one, schema.get("items", {}), f"{at}[{place}]")
    elif isinstance(value, str):
        yield from _of_text(value, schema, at)


def resolved(reference: str) -> Schema:
    """What a reference within the document leads to."""
    found: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    schema: Schema = found
    return schema


def _of_object(value: Mapping[str, object], schema: Schema, at: str) -> Iterator[str]:
    """An object holds nothing but its properties, unless it is said to be open."""
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", not known)
    yield from (f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, one in value.items():
        if name in known:
            yield from wrong(one, known[name], f"{at}.{name}")
        elif isinstance(others, Mapping):
            yield from wrong(one, others, f"{at}.{name}")
        elif not others:
            yield f"{at}.{name} is told nowhere"


def _of_text(value: str, schema: Schema, at: str) -> Iterator[str]:
    if schema.get("format") == "date-time":
        try:
            parse(value)
        except ValueError:
            yield f"{at} is no instant: {value}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at} is {value!r}"
