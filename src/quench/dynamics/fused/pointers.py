"""Addresses in compiled code: of array elements, and of functions that were compiled on their own."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def pointer(typing, array, start):
    """The address of element ``start`` of a contiguous array. The array is not kept alive and the bound is not checked."""

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
    """Request the cache line at an address ahead of its use; any address is allowed."""

    def emit(context, builder, signature, values):
        byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, *[integer] * 3])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # For reading, to be kept in all caches, data.
        builder.call(function, [builder.bitcast(values[0], byte), integer(0), integer(3), integer(1)])
        return context.get_dummy_value()

    return types.void(pointer), emit


@intrinsic
def copy_column(typing, target, target_stride, source, source_stride, count):
    """target[i target_stride] = source[i source_stride] for i < count, one by one: LLVM would scatter, which is slower."""

    def emit(context, builder, signature, values):
        target, target_stride, source, source_stride, count = values
        with cgutils.for_range(builder, count) as loop:
            element = builder.load(builder.gep(source, [builder.mul(loop.index, source_stride)]))
            place = builder.gep(target, [builder.mul(loop.index, target_stride)])
            # An atomic store is a plain one to the processor, but LLVM leaves it single.
            builder.store_atomic(element, place, "unordered", align=signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), emit


@intrinsic
def call(typing, address, arguments):
    """Call the C function at ``address``, which returns nothing, with a tuple of pointers and integers."""

    def emit(context, builder, signature, values):
        unpacked = cgutils.unpack_tuple(builder, values[1])
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in unpacked])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), unpacked)
        return context.get_dummy_value()

    return types.void(types.int64, arguments), emit
