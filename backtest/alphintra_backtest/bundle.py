"""How the compiled core takes its forty arrays: as one address.

A tuple of arrays is handed over array by array, eight numbers each, to every function and from every function to the
next: it took more time than most of them do, and most of the time of compiling them. A :class:`Bundle` is the address
of a small table with the place and the lengths of each array; ``m[D_OPEN]`` in the core, an item of a tuple where it
runs in plain Python, becomes an array made of three numbers of that table where it is compiled. The typing and the
lowering of that item follow Numba's own for tuples.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer, signature
from numba.extending import NativeValue, intrinsic, lower_builtin, models, register_model, typeof_impl, unbox
from numba.np import arrayobj
from numba.np.numpy_support import from_dtype

#: Numbers of the table for each array: address, length, second length (0 where there is none).
_PLACES = 3


class BundleType(types.Type):
    """Numba's type of a bundle: that of each array in it."""

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts
        super().__init__(f"Bundle({', '.join(str(part) for part in parts)})")


@cache
def _bundle_type(kinds: tuple[tuple[np.dtype[Any], int], ...]) -> BundleType:
    return BundleType(tuple(types.Array(from_dtype(dtype), ndim, "C") for dtype, ndim in kinds))


class Bundle:
    """Several C-contiguous arrays, of one or two dimensions, that compiled functions take as one argument.

    Of a market they may be read-only: the core writes to the books alone.

    It keeps the arrays alive. :meth:`put` replaces them by others of the same types.
    """

    __slots__ = ("_arrays", "_table", "address", "type")

    def __init__(self, arrays: tuple[Any, ...]) -> None:
        if not all(a.flags.c_contiguous for a in arrays):
            raise ValueError("not all of these arrays are in C's order")
        self.type = _bundle_type(tuple((a.dtype, a.ndim) for a in arrays))
        self._table = np.zeros(_PLACES * len(arrays), dtype=np.int64)
        self.address: int = self._table.ctypes.data
        self.put(arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy has a table of its own, of the copied arrays."""
        return Bundle, (self._arrays,)

    def put(self, arrays: tuple[Any, ...]) -> None:
        """Take other arrays in the places of the present ones."""
        self._arrays = arrays
        rows = [(a.__array_interface__["data"][0], a.shape[0], a.shape[1] if a.ndim == 2 else 0) for a in arrays]
        self._table[:] = np.array(rows, dtype=np.int64).reshape(-1)


@typeof_impl.register(Bundle)
def _type_of(bundle: Bundle, _: Any) -> BundleType:
    return bundle.type


@register_model(BundleType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64).as_pointer())


@unbox(BundleType)
def _unbox(kind: Any, value: Any, c: Any) -> NativeValue:
    address = c.pyapi.object_getattr_string(value, "address")
    number = c.pyapi.long_as_longlong(address)
    c.pyapi.decref(address)
    return NativeValue(c.builder.inttoptr(number, c.context.get_value_type(kind)))


@infer
class _Part(AbstractTemplate):
    key = "static_getitem"

    def generic(self, arguments: Any, _: Any) -> Any:
        bundle, index = arguments
        if isinstance(bundle, BundleType) and isinstance(index, int):
            return signature(bundle.parts[index], *arguments)
        return None


@lower_builtin("static_getitem", BundleType, types.IntegerLiteral)
def _part(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    kind, first = sig.return_type, _PLACES * sig.args[1].literal_value

    def number(n: int) -> Any:
        return builder.load(cgutils.gep_inbounds(builder, arguments[0], first + n))

    element = context.get_data_type(kind.dtype)
    size = context.get_constant(types.intp, context.get_abi_sizeof(element))
    shape = [number(1 + d) for d in range(kind.ndim)]
    strides = [size] if kind.ndim == 1 else [builder.mul(size, shape[1]), size]
    array = arrayobj.make_array(kind)(context, builder)
    data = builder.inttoptr(number(0), element.as_pointer())
    arrayobj.populate_array(array, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return array._getvalue()


@intrinsic
def soon(_: Any, array: Any, index: Any) -> Any:
    """Ask for the memory of a row of an array that will be read soon; reads nothing, so any row will do."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        kind = sig.args[0]
        parts = arrayobj.make_array(kind)(context, builder, arguments[0])
        strides = cgutils.unpack_tuple(builder, parts.strides, kind.ndim)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.gep(builder.bitcast(parts.data, byte), [builder.mul(arguments[1], strides[0])])
        prefetch = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, number, number, number]), "llvm.prefetch.p0"
        )
        builder.call(prefetch, [place, number(0), number(3), number(1)])  # to read, to keep, data
        return context.get_dummy_value()

    return signature(types.void, array, types.int64), generate


@intrinsic
def eight(_: Any, array: Any, index: Any) -> Any:
    """Whether one of eight bytes of a (T,) array is not 0; nobody looks whether there are eight."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        data = arrayobj.make_array(sig.args[0])(context, builder, arguments[0]).data
        word = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.icmp_unsigned("!=", builder.load(word, align=1), ir.IntType(64)(0))

    return signature(types.boolean, array, types.int64), generate


@intrinsic
def column(_: Any, array: Any) -> Any:
    """The one column of a (T, 1) array as a contiguous (T,), where a slice of it would be gathered one by one."""
    flat = array.copy(ndim=1)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        whole = arrayobj.make_array(sig.args[0])(context, builder, arguments[0])
        rows = cgutils.unpack_tuple(builder, whole.shape, 2)[0]
        out = arrayobj.make_array(flat)(context, builder)
        arrayobj.populate_array(
            out, data=whole.data, shape=[rows], strides=[whole.itemsize], itemsize=whole.itemsize, meminfo=None
        )
        return out._getvalue()

    return signature(flat, array), generate
