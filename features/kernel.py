"""@kernel: how every loop over arrays is compiled, decided once."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
Int8Array = NDArray[np.int8]
Int16Array = NDArray[np.int16]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
UInt8Array = NDArray[np.uint8]
UInt32Array = NDArray[np.uint32]
UInt64Array = NDArray[np.uint64]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

Loop = TypeVar("Loop", bound=Callable[..., Any])


def kernel(loop: Loop) -> Loop:
    """Compile a loop: cached on disk, without the GIL, IEEE floats (no fast-math: NaN and order matter)."""
    return cast("Loop", numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(loop))


def part(loop: Loop) -> Loop:
    """Compile a small piece of loops into those that use it: it is never called for itself."""
    compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy", forceinline=True)
    return cast("Loop", compiled(loop))


def own(column: NDArray[Any]) -> NDArray[Any]:
    """The column itself, or a copy if it is strided or read-only: numba compiles a loop anew for those."""
    return np.require(column, None, ("C", "W"))


def plain(column: Int64Array) -> Int64Array:
    """The same for instants and codes, which may come narrower."""
    return np.require(column, np.int64, ("C", "W"))
