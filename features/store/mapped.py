"""Mapped: arrays in one file that any number of processes share, each free to write on a copy of its own.

A file is written beside its place and moved there whole: who has mapped the one before keeps that. The system
holds its pages once for all processes; a page that one of them writes to becomes its own.
"""

import os
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from .frozen import Arrays

ALIGNED = 64
"""Every array begins at a multiple of so many bytes: loops may read it in any width."""


def write(arrays: Arrays, whole: Path) -> None:
    """Write arrays to a file, which is there whole or not at all."""
    whole.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    header = _header(plain)
    part = whole.with_name(f"{whole.name}.{os.getpid()}")
    with part.open("wb") as file:
        file.write(np.array([len(header), checksum(_bytes(np.frombuffer(header, np.uint8)))]).tobytes())
        file.write(header)
        for array in plain.values():
            file.write(bytes(-file.tell() % ALIGNED))
            file.write(array.data if array.size else b"")
        file.flush()
        os.fsync(file.fileno())
    part.replace(whole)


def read(whole: Path) -> Arrays:
    """The arrays, mapped; `OSError` or `ValueError` where the file isn't there or isn't whole."""
    bytes_ = np.memmap(whole, np.uint8, mode="c")
    size, sum_ = bytes_[:16].view(np.int64).tolist()
    header = bytes_[16 : 16 + size]
    if header.size != size or checksum(header) != sum_:
        raise ValueError(f"{whole} isn't whole: its header is not what was written")
    found, place = Arrays(), 16 + size
    for name, kind, shape, sum_ in orjson.loads(header.tobytes()):
        dtype = np.dtype(kind)
        place += -place % ALIGNED
        end = place + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        part = np.asarray(bytes_[place:end])
        if part.size != end - place or checksum(part) != sum_:
            raise ValueError(f"{whole} isn't whole: {name} is not what was written")
        found[name], place = part.view(dtype).reshape(shape), end
    return found


def _header(arrays: Arrays) -> bytes:
    """What the file holds, in its order."""
    said = [(name, one.dtype.str, one.shape, checksum(_bytes(one))) for name, one in arrays.items()]
    return orjson.dumps(said)


def _bytes(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8) if array.size else np.empty(0, np.uint8)


def checksum(part: NDArray[np.uint8]) -> int:
    """The sum of its words of 64 bits, and of the bytes behind them: as fast as it can be read."""
    words = part[: part.size // 8 * 8].view(np.uint64)
    total = int(words.sum(dtype=np.uint64)) + int(part[words.size * 8 :].sum(dtype=np.uint64))
    return total % (1 << 63)
