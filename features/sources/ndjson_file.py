"""NDJSON files: a lead or a CloudEvent a line, told apart by their shape."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from .opened import opened
from .record import Record


def read_ndjson(path: Path) -> Iterator[Record]:
    """Each line that isn't blank as a record, in order."""
    with opened(path) as lines:
        for line in lines:
            if not line.isspace():
                yield _record(line)


def _record(line: str) -> Record:
    try:
        item = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Record(fault="not_json")
    if not isinstance(item, dict):
        return Record(fault="not_an_object")
    if "specversion" in item or {"source", "type", "id"} <= item.keys():
        return Record(events=(item,))
    return Record(leads=(item,)) if "lead_id" in item else Record(fault="neither_lead_nor_event")
