"""@kernel: how every loop over arrays is compiled, decided once."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import unpack_tuple
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
Int8Array = NDArray[np.int8]
Int32Array = NDArray[np.int32]
Int64Array = NDArray[np.int64]
UInt64Array = NDArray[np.uint64]
Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

FOR_WRITING = (1, 3, 1)
"""LLVM's flags of a prefetch: to write, to stay in all caches, of data."""

Loop = TypeVar("Loop", bound=Callable[..., Any])


def kernel(loop: Loop) -> Loop:
    """Compile a loop: cached on disk, without the GIL, IEEE floats (no fast-math: NaN and order matter)."""
    return cast("Loop", numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")(loop))


def part(loop: Loop) -> Loop:
    """Compile a small piece of loops into those that use it: it is never called for itself."""
    compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy", forceinline=True)
    return cast("Loop", compiled(loop))


@intrinsic
def prefetch(context: Any, matrix: Any, row: Any, column: Any) -> Any:
    """In a loop, `prefetch(matrix, i, k)`: call the cache line of a cell that will soon be written."""
    address, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [address, flag, flag, flag])

    def call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])
        steps = [builder.mul(place, stride) for place, stride in zip(arguments[1:], unpack_tuple(builder, array.strides), strict=True)]
        cell = builder.gep(builder.bitcast(array.data, address), [builder.add(*steps)])
        loop = builder.module.declare_intrinsic("llvm.prefetch", [address], kind)
        builder.call(loop, [cell, *(flag(value) for value in FOR_WRITING)])
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp), call


def own(column: NDArray[Any]) -> NDArray[Any]:
    """The column itself, or a copy if it is strided or read-only: numba compiles a loop anew for those."""
    return np.require(column, None, ("C", "W"))


def plain(column: Int64Array) -> Int64Array:
    """The same for instants and codes, which may come narrower."""
    return np.require(column, np.int64, ("C", "W"))
