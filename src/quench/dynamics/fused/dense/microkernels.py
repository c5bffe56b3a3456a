"""The product of a layer's weights with its signals, written as vector instructions, for any number of samples.

Matrices lie row by row, a row being one sample's signals or one unit's weights, padded to whole vectors of 16 lanes. A
layer maps signals to ``add_dot_products`` of rows, so that even one sample fills the lanes. (The backward pass and the
update are products as in ``quench.dynamics.fused.microkernels``, where one number of the first matrix meets a vector of
the second.) Every sum has the same terms in the same order whatever the rectangle of sums that registers hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from quench.dynamics.fused.emitter import LANES, Emitter, define
from quench.dynamics.fused.microkernels import Rectangle, rectangles

# Units whose sums over lanes are completed together.
UNITS = 4

_I64 = ir.IntType(64)


def _folded(emit: Emitter, size: int, *vectors: ir.Value) -> ir.Value:
    """One or two vectors, in a row, with the halves of each piece of ``size`` lanes added up."""
    lower = [lane for lane in range(sum(v.type.count for v in vectors)) if lane % size < size // 2]
    upper = [lane + size // 2 for lane in lower]
    left, right = vectors[0], vectors[-1]
    return emit.builder.fadd(emit.shuffle(left, right, lower), emit.shuffle(left, right, upper))


def _completed(emit: Emitter, sums: Sequence[ir.Value]) -> ir.Value:
    """The lanes of each of up to four vectors added up; a vector of four numbers."""
    a, b, c, d = [*sums, *[emit.zero] * (UNITS - len(sums))]
    eighths = _folded(emit, 8, _folded(emit, 16, a, b), _folded(emit, 16, c, d))
    return _folded(emit, 2, _folded(emit, 4, eighths))


def _dot_microkernel(emit: Emitter, shape: Rectangle, w, w_stride, x, x_stride, vectors, out, out_stride) -> None:
    builder = emit.builder

    def row(start: ir.Value, stride: ir.Value, index: int) -> ir.Value:
        return emit.at(start, builder.mul(stride, _I64(index)))

    def add_inputs(v: ir.Value, sums: Sequence[ir.Value]) -> list[ir.Value]:
        offset = builder.mul(v, _I64(LANES))
        weights = [emit.load(emit.at(row(w, w_stride, u), offset)) for u in range(shape.columns)]
        added = []
        for s in range(shape.rows):
            signal = emit.load(emit.at(row(x, x_stride, s), offset))
            for u, weight in enumerate(weights):
                added.append(emit.multiply_add(weight, signal, sums[s * shape.columns + u]))
        return added

    sums = emit.repeat(vectors, [emit.zero] * (shape.rows * shape.columns), add_inputs)
    for s in range(shape.rows):
        place, own = row(out, out_stride, s), sums[s * shape.columns : (s + 1) * shape.columns]
        emit.store(builder.fadd(emit.load(place, UNITS), _completed(emit, own)), place)


def _dot_rows(units: int, most_samples: int) -> Callable:
    """All samples with some units."""

    def body(emit: Emitter, w, w_stride, samples, x, x_stride, vectors, out, out_stride) -> None:
        def rectangle(start: ir.Value, count: int) -> None:
            signals = emit.at(x, emit.builder.mul(start, x_stride))
            place = emit.at(out, emit.builder.mul(start, out_stride))
            shape = Rectangle(count, units)
            _dot_microkernel(emit, shape, w, w_stride, signals, x_stride, vectors, place, out_stride)

        emit.tile(samples, most_samples, rectangle)

    return body


@intrinsic
def add_dot_products(typing, w, w_stride, units, samples, x, x_stride, vectors, out, out_stride):
    """out[s, u] += sum_i x[s, i] w[u, i] over ``vectors`` whole vectors of i.

    ``w``, ``x`` and ``out`` are pointers, the strides those of their rows. Rows of ``out`` are written up to the next
    multiple of 4 units.
    """

    def emit_call(context, builder, signature, values):
        w, w_stride, units, samples, x, x_stride, vectors, out, out_stride = values
        element = w.type.pointee
        most_samples = rectangles(signature.args[0].dtype.bitwidth // 8)[0].columns * 3 // 2
        emit = Emitter(builder, element)

        def some_units(start: ir.Value, count: int) -> None:
            rows, place = emit.at(w, builder.mul(start, w_stride)), emit.at(out, start)
            arguments = [rows, w_stride, samples, x, x_stride, vectors, place, out_stride]
            kinds = [value.type for value in arguments]
            name = f"quench.dot.{count}.{element}"
            builder.call(define(builder.module, name, kinds, element, _dot_rows(count, most_samples)), arguments)

        emit.tile(units, UNITS, some_units)
        return context.get_dummy_value()

    integer, pointer = types.int64, w
    arguments = [pointer, *[integer] * 3, pointer, *[integer] * 2, pointer, integer]
    return types.void(*arguments), emit_call
