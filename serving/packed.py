"""Packed: JSON whose arrays follow it as they lie in memory: what is random in its bits gets no smaller."""

import zlib
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

_MARK, _ARRAY = b"P1", "array"
_WIDTH = 4
"""Bytes that tell how long the JSON is."""


def packed(content: Mapping[str, object]) -> bytes:
    """The content as bytes; a number comes back bit by bit, an array of one dimension as a list."""
    blobs = list[bytes]()

    def put(array: object) -> dict[str, object]:
        if not isinstance(array, np.ndarray) or array.ndim != 1:
            raise TypeError(type(array))
        narrow = _narrow(array)
        blobs.append(narrow.tobytes())
        return {_ARRAY: narrow.dtype.str, "from": sum(map(len, blobs[:-1])), "items": narrow.size}

    head = orjson.dumps(content, default=put)
    return b"".join([_MARK, len(head).to_bytes(_WIDTH, "little"), head, *blobs])


def unpacked(record: bytes) -> dict[str, Any]:
    """What was packed, now or as compressed JSON in releases before."""
    if not record.startswith(_MARK):
        content = orjson.loads(zlib.decompress(record))
        return cast("dict[str, Any]", content)
    begins = len(_MARK) + _WIDTH
    ends = begins + int.from_bytes(record[len(_MARK) : begins], "little")
    blobs = memoryview(record)[ends:]
    return {name: _filled(one, blobs) for name, one in orjson.loads(record[begins:ends]).items()}


def _filled(content: object, blobs: memoryview) -> object:
    """The same with lists in the arrays' places."""
    if isinstance(content, list):
        return [_filled(one, blobs) for one in content]
    if not isinstance(content, dict):
        return content
    if _ARRAY in content:
        kind, begins, items = content[_ARRAY], content["from"], content["items"]
        return np.frombuffer(blobs, kind, items, begins).tolist()
    return {name: _filled(one, blobs) for name, one in content.items()}


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in half the bytes where they fit."""
    small = np.iinfo(np.int32)
    if array.dtype != np.int64 or not array.size or array.min() < small.min or array.max() > small.max:
        return array
    return array.astype(np.int32)
