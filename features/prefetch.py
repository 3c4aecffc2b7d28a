"""Prefetch: call a cell into the cache before a loop writes it, where rows stand at random places."""
# mypy: disable-error-code="import-untyped, no-untyped-def, no-untyped-call, call-arg"

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import unpack_tuple
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

FOR_WRITING = (1, 2, 1)
"""LLVM's flags of a prefetch: to write, to stay in the second cache, of data."""

_BYTE, _FLAG = ir.IntType(8).as_pointer(), ir.IntType(32)


def prefetch(matrix: NDArray[Any], row: int, column: int) -> None:
    """Call the cache line of a cell that will soon be written; nothing where loops are not compiled."""


@overload(prefetch)
def _compiled(matrix, row, column):  # noqa: ARG001 -- any array, any integers
    return lambda matrix, row, column: _call(matrix, row, column)  # noqa: PLW0108 -- numba wants one


@intrinsic
def _call(_, matrix, row, column):  # noqa: ARG001 -- any integers
    def emit(context, builder, signature, arguments):
        array = make_array(signature.args[0])(context, builder, arguments[0])
        strides = unpack_tuple(builder, array.strides)
        steps = [builder.mul(place, stride) for place, stride in zip(arguments[1:], strides, strict=True)]
        cell = builder.gep(builder.bitcast(array.data, _BYTE), [builder.add(*steps)])
        kind = ir.FunctionType(ir.VoidType(), [_BYTE, _FLAG, _FLAG, _FLAG])
        line = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE], kind)
        builder.call(line, [cell, *map(_FLAG, FOR_WRITING)])
        return context.get_dummy_value()

    return types.void(matrix, types.intp, types.intp), emit
