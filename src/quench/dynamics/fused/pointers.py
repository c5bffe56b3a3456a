"""Addresses in compiled code: of array elements, and of functions that were compiled on their own."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def pointer(typing, array, start):
    """The address of element ``start`` of a contiguous array; nothing keeps the array alive or checks the bound."""

    def emit(context, builder, signature, values):
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, values[0]).data
        return builder.gep(data, [values[1]])

    return types.CPointer(array.dtype)(array, types.int64), emit


@intrinsic
def shift(typing, pointer, elements):
    """The address ``elements`` further on."""

    def emit(context, builder, signature, values):
        return builder.gep(values[0], [values[1]])

    return pointer(pointer, types.int64), emit


@intrinsic
def prefetch(typing, pointer):
    """Ask for the cache line at an address, which may be any, ahead of its use."""

    def emit(context, builder, signature, values):
        byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, *[integer] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # For reading, to be kept in all caches, data.
        builder.call(function, [builder.bitcast(values[0], byte), integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.void(pointer), emit


@intrinsic
def call(typing, address, arguments):
    """Call the C function at ``address``, which returns nothing, with a tuple of pointers and integers."""

    def emit(context, builder, signature, values):
        unpacked = cgutils.unpack_tuple(builder, values[1])
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in unpacked])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), unpacked)
        return context.get_dummy_value()

    return types.void(types.int64, arguments), emit
