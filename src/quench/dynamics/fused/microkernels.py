"""The two loops that take nearly all the time, written as vector instructions: products and outer products.

Samples are the lanes of vectors. Arrays hold blocks [block][row][64 samples], so that every load is a whole cache-line
aligned vector and neighbouring rows never meet in the same cache set. Both loops keep a rectangle of sums in registers:
each value that is loaded enters several fused multiply-adds. The products also serve ``quench.dynamics.fused.dense``,
where the rows of a matrix lie one after the other and the lanes are its columns.

The logical vector has 16 lanes on every processor; LLVM cuts it into the registers that there are (one of AVX-512, two
of AVX2, four of NEON). Every sum runs over the same terms in the same order whatever the rectangle, and the
multiply-adds are fused explicitly, so all processors give the same bits. float32 and float64 come from the same lines:
the element type of the arrays decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import config
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from quench.dynamics.fused.emitter import LANES, Emitter, define

BLOCK = 64
VECTORS = BLOCK // LANES
# Sums over samples stay split over so many lanes; they are added up once, when a gradient is complete.
PARTIAL_SUMS = 4

_I1, _I64 = ir.IntType(1), ir.IntType(64)


class Rectangle(NamedTuple):
    """Sums held in registers: output rows x vectors of samples, or gradient rows x gradient columns."""

    rows: int
    columns: int


def rectangles(itemsize: int) -> tuple[Rectangle, Rectangle]:
    """Shapes for the product and the outer product that fit the vector registers; they change no result."""
    features = config.CPU_FEATURES if config.CPU_FEATURES is not None else get_host_cpu_features()
    logical_vectors = (32 * 64 if "+avx512f" in features else 16 * 32) // (LANES * itemsize)
    if logical_vectors >= 32:
        return Rectangle(6, 4), Rectangle(6, 4)
    if logical_vectors >= 16:
        return Rectangle(6, 2), Rectangle(3, 4)
    if logical_vectors >= 8:
        return Rectangle(6, 1), Rectangle(3, 2)
    return Rectangle(3, 1), Rectangle(1, 2)


def _rectify(emit: Emitter, value: ir.Value, out: ir.Value, offset: ir.Value, _: ir.Value) -> ir.Value:
    """max(0, value), but NaN stays NaN: a diverged network must not look finite."""
    return emit.builder.select(emit.builder.fcmp_ordered(">", emit.zero, value), emit.zero, value)


def _mask(emit: Emitter, value: ir.Value, out: ir.Value, offset: ir.Value, activations: ir.Value) -> ir.Value:
    """The derivative of ReLU: ``value`` where the activation in the same place is positive."""
    activation = emit.load(emit.at(activations, offset))
    return emit.builder.select(emit.builder.fcmp_ordered(">", activation, emit.zero), value, emit.zero)


def _add(emit: Emitter, value: ir.Value, out: ir.Value, offset: ir.Value, factor: ir.Value) -> ir.Value:
    """The earlier content of ``out``, plus ``factor`` times ``value``."""
    return emit.multiply_add(emit.everywhere(factor), value, emit.load(emit.at(out, offset)))


def _keep(emit: Emitter, value: ir.Value, out: ir.Value, offset: ir.Value, _: ir.Value) -> ir.Value:
    return value


def _product_microkernel(ending: Callable, emit: Emitter, shape: Rectangle, operands, place, extra) -> None:
    w, stride_m, stride_k, terms, a, a_stride, out, out_stride = operands
    builder = emit.builder

    def add_term(k: ir.Value, sums: Sequence[ir.Value]) -> list[ir.Value]:
        row = emit.at(a, builder.add(builder.mul(k, a_stride), place))
        column = emit.at(w, builder.mul(k, stride_k))
        samples = [emit.load(emit.at(row, LANES * v)) for v in range(shape.columns)]
        added = []
        for m in range(shape.rows):
            weight = emit.load_everywhere(emit.at(column, builder.mul(stride_m, _I64(m))))
            for v, sample in enumerate(samples):
                added.append(emit.multiply_add(weight, sample, sums[m * shape.columns + v]))
        return added

    sums = emit.repeat(terms, [emit.zero] * (shape.rows * shape.columns), add_term)
    for i, value in enumerate(sums):
        m, v = divmod(i, shape.columns)
        offset = builder.add(builder.mul(out_stride, _I64(m)), builder.add(place, _I64(v * LANES)))
        emit.store(ending(emit, value, out, offset, extra), emit.at(out, offset))


def _product(ending: Callable) -> Callable:
    """An intrinsic for out[m, n] = ending(sum_k w[m, k] a[k, n]) over ``vectors`` whole vectors of n.

    Arguments: pointer to w, the strides of m and k in it, the numbers of m and k; pointer to a, the stride of k in it,
    the number of vectors; pointer to out, the stride of m in it; and what the ending needs: a pointer to numbers with
    the layout of out, or one number.
    """

    def strip(rows: int, most_columns: int) -> Callable:
        def body(emit: Emitter, w, stride_m, stride_k, terms, a, a_stride, vectors, out, out_stride, extra) -> None:
            def rectangle(start: ir.Value, columns: int) -> None:
                place, shape = emit.builder.mul(start, _I64(LANES)), Rectangle(rows, columns)
                operands = (w, stride_m, stride_k, terms, a, a_stride, out, out_stride)
                _product_microkernel(ending, emit, shape, operands, place, extra)

            emit.tile(vectors, most_columns, rectangle)

        return body

    @intrinsic
    def product(typing, w, stride_m, stride_k, rows, terms, a, a_stride, vectors, out, out_stride, extra):
        def emit_call(context, builder, signature, values):
            w, stride_m, stride_k, rows, terms, a, a_stride, vectors, out, out_stride, extra = values
            element = w.type.pointee
            shape, _ = rectangles(signature.args[0].dtype.bitwidth // 8)
            emit = Emitter(builder, element)

            def one_strip(start: ir.Value, size: int) -> None:
                below = builder.mul(start, out_stride)
                beside = emit.at(extra, below) if isinstance(extra.type, ir.PointerType) else extra
                first, target = emit.at(w, builder.mul(start, stride_m)), emit.at(out, below)
                arguments = [first, stride_m, stride_k, terms, a, a_stride, vectors, target, out_stride, beside]
                kinds = [value.type for value in arguments]
                name = f"quench.product.{ending.__name__}.{size}.{element}"
                builder.call(define(builder.module, name, kinds, element, strip(size, shape.columns)), arguments)

            emit.tile(rows, shape.rows, one_strip)
            return context.get_dummy_value()

        integer, pointer = types.int64, w
        arguments = [pointer, *[integer] * 4, pointer, *[integer] * 2, pointer, integer, extra]
        return types.void(*arguments), emit_call

    return product


rectified_product = _product(_rectify)
masked_product = _product(_mask)
plain_product = _product(_keep)
add_product = _product(_add)


def _quarter_sums(emit: Emitter, sums: Sequence[ir.Value]) -> list[ir.Value]:
    """The 16 lanes of each sum added up to 4, four sums in one vector of 16 where there are four."""
    builder = emit.builder
    low, high = range(LANES // 2), range(LANES // 2, LANES)
    if len(sums) == 4:
        pairs = []
        for a, b in (sums[:2], sums[2:]):
            # Lanes 16 ... 31 of a shuffle are those of its second vector.
            lower = emit.shuffle(a, b, [*low, *(LANES + i for i in low)])
            upper = emit.shuffle(a, b, [*high, *(LANES + i for i in high)])
            pairs.append(builder.fadd(lower, upper))
        first = [quarter + i for quarter in (0, 8, 16, 24) for i in range(4)]
        return [builder.fadd(emit.shuffle(*pairs, first), emit.shuffle(*pairs, [4 + i for i in first]))]
    quarters = []
    for value in sums:
        half = builder.fadd(emit.shuffle(value, value, low), emit.shuffle(value, value, high))
        quarters.append(builder.fadd(emit.shuffle(half, half, range(4)), emit.shuffle(half, half, range(4, 8))))
    return quarters


def _outer_microkernel(emit: Emitter, shape: Rectangle, d, d_stride, a, a_stride, vectors, out, width, fresh) -> None:
    builder = emit.builder

    def add_samples(v: ir.Value, sums: Sequence[ir.Value]) -> list[ir.Value]:
        block = builder.lshr(v, _I64(VECTORS.bit_length() - 1))
        lane = builder.mul(builder.and_(v, _I64(VECTORS - 1)), _I64(LANES))
        left = emit.at(d, builder.add(builder.mul(block, d_stride), lane))
        right = emit.at(a, builder.add(builder.mul(block, a_stride), lane))
        columns = [emit.load(emit.at(right, n * BLOCK)) for n in range(shape.columns)]
        added = []
        for m in range(shape.rows):
            row = emit.load(emit.at(left, m * BLOCK))
            for n, column in enumerate(columns):
                added.append(emit.multiply_add(row, column, sums[m * shape.columns + n]))
        return added

    sums = emit.repeat(vectors, [emit.zero] * (shape.rows * shape.columns), add_samples)
    for m in range(shape.rows):
        place = emit.at(out, builder.mul(width, _I64(PARTIAL_SUMS * m)))
        for quarters in _quarter_sums(emit, sums[m * shape.columns : (m + 1) * shape.columns]):
            lanes = quarters.type.count
            before = builder.select(builder.trunc(fresh, _I1), emit.zeros(lanes), emit.load(place, lanes))
            emit.store(builder.fadd(before, quarters), place)
            place = emit.at(place, lanes)


def _outer_rows(rows: int, most_columns: int) -> Callable:
    def body(emit: Emitter, d, d_stride, a, a_stride, vectors, out, width, fresh) -> None:
        def rectangle(start: ir.Value, size: int) -> None:
            right = emit.at(a, emit.builder.mul(start, _I64(BLOCK)))
            place = emit.at(out, emit.builder.mul(start, _I64(PARTIAL_SUMS)))
            _outer_microkernel(emit, Rectangle(rows, size), d, d_stride, right, a_stride, vectors, place, width, fresh)

        emit.tile(width, most_columns, rectangle)

    return body


@intrinsic
def add_outer_product(typing, d, d_stride, rows, a, a_stride, columns, vectors, out, fresh):
    """out[m, n, 0:4] += four partial sums of sum_s d[m, s] a[n, s] over ``vectors`` vectors of samples.

    ``d``, ``a`` and ``out`` are pointers; the blocks of samples of ``d`` and ``a`` lie ``d_stride`` and ``a_stride``
    elements apart. Where ``fresh`` is 1, the earlier content of ``out`` counts as 0.
    """

    def emit_call(context, builder, signature, values):
        d, d_stride, rows, a, a_stride, columns, vectors, out, fresh = values
        element = d.type.pointee
        _, shape = rectangles(signature.args[0].dtype.bitwidth // 8)
        emit = Emitter(builder, element)

        def some_rows(start: ir.Value, size: int) -> None:
            left = emit.at(d, builder.mul(start, _I64(BLOCK)))
            place = emit.at(out, builder.mul(builder.mul(start, columns), _I64(PARTIAL_SUMS)))
            arguments = [left, d_stride, a, a_stride, vectors, place, columns, fresh]
            name = f"quench.outer.{size}.{element}"
            kinds = [value.type for value in arguments]
            function = define(builder.module, name, kinds, element, _outer_rows(size, shape.columns))
            builder.call(function, arguments)

        emit.tile(rows, shape.rows, some_rows)
        return context.get_dummy_value()

    integer, pointer = types.int64, d
    return types.void(pointer, integer, integer, pointer, integer, integer, integer, pointer, integer), emit_call
