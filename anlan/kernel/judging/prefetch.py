"""Ask the processor for memory before it is needed: what a batch in random order costs is waiting for memory.

The loop takes the addresses of its arrays once and works with plain numbers. Never: a change of any result; where numba
is missing both do nothing.
"""

from typing import Any

import numpy.typing as npt

try:
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic, overload
except ImportError:  # pragma: no cover - a machine without numba still judges
    overload = None  # type: ignore[assignment]


def address(_rows: npt.NDArray[Any]) -> int:
    """Where an array begins in memory, 0 where it is not known."""
    return 0


def touch(_address: int) -> None:
    """What stands at an address will be wanted soon; any number is allowed, nothing is read."""


if overload is not None:

    @intrinsic
    def _address(_context: Any, rows: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, args[0])
            return builder.ptrtoint(array.data, ir.IntType(64))

        return types.int64(rows), emit

    @intrinsic
    def _prefetch(_context: Any, _at: Any) -> Any:
        def emit(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            hint = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            function = cgutils.get_or_insert_function(builder.module, hint, "llvm.prefetch.p0i8")  # type: ignore[no-untyped-call]
            pointer = builder.inttoptr(args[0], byte)
            builder.call(function, [pointer, ir.Constant(number, 1), ir.Constant(number, 3), ir.Constant(number, 1)])
            return context.get_dummy_value()

        return types.void(types.int64), emit

    @overload(address, inline="always")
    def _address_of(_rows: Any) -> Any:
        def begin(_rows: Any) -> Any:
            return _address(_rows)  # type: ignore[call-arg]

        return begin

    @overload(touch, inline="always")
    def _touch_it(_address: Any) -> Any:
        def hint(_address: Any) -> Any:
            _prefetch(_address)  # type: ignore[call-arg]

        return hint
