"""One tile of samples forwards and backwards through the network, compiled once for each precision.

Layers are laid out as in ``quench.networks.mlp``: (outputs, inputs) row by row, one layer after the other. Activations
and deltas of a layer are [block][unit][64 samples]; a tile has the same number of blocks in every layer, filled or not.
"""

from __future__ import annotations

import functools

from numba import types

from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.microkernels import (
    BLOCK,
    PARTIAL_SUMS,
    VECTORS,
    add_outer_product,
    masked_product,
    plain_product,
    rectified_product,
)
from quench.dynamics.fused.pointers import prefetch, shift
from quench.numerics.compiled import entry_point


@functools.cache
def entry_points(precision: str) -> tuple[int, int]:
    """Addresses of the machine code of ``_forward`` and ``_backward`` for float32 or float64."""
    array, integer = types.CPointer(getattr(types, precision)), types.int64
    sizes = [integer] * 5
    return entry_point(_forward, [array] * 4 + sizes), entry_point(_backward, [array] * 6 + [*sizes, integer])


def _forward(weights, inputs, activations, output, n_inputs, width, depth, tile, vectors):
    """Activations of all hidden layers, [layer][block][unit][64], and the output, of ``vectors`` vectors of samples."""
    for block in range((vectors + VECTORS - 1) // VECTORS):
        count = min(VECTORS, vectors - block * VECTORS)
        source = shift(inputs, block * n_inputs * BLOCK)
        # The data come from memory, block after block: the next block is prefetched (behind the last, a few unused lines).
        for line in range(n_inputs * BLOCK, 2 * n_inputs * BLOCK, LANES):
            prefetch(shift(source, line))
        target = shift(activations, block * width * BLOCK)
        rectified_product(weights, n_inputs, 1, width, n_inputs, source, BLOCK, count, target, BLOCK, target)
        matrix = shift(weights, width * n_inputs)
        for _ in range(depth - 1):
            source, target = target, shift(target, width * tile)
            rectified_product(matrix, width, 1, width, width, source, BLOCK, count, target, BLOCK, target)
            matrix = shift(matrix, width * width)
        place = shift(output, block * BLOCK)
        plain_product(matrix, width, 1, 1, width, target, BLOCK, count, place, BLOCK, place)


def _backward(weights, inputs, activations, errors, deltas, sums, n_inputs, width, depth, tile, vectors, fresh):
    """Add to ``sums`` [weight][4] the gradient of sum_s errors[s] f[s] at fixed errors dL/df.

    Where ``fresh`` is 1, the earlier content of ``sums`` is dropped. ``deltas`` is memory for the derivatives with respect
    to the units of two layers, [2][block][unit][64].
    """
    layer, stride = width * tile, width * BLOCK
    first = width * n_inputs + (depth - 1) * width * width
    activation = shift(activations, (depth - 1) * layer)
    add_outer_product(errors, BLOCK, 1, activation, stride, width, vectors, shift(sums, PARTIAL_SUMS * first), fresh)
    source, units, target, spare = errors, 1, deltas, shift(deltas, layer)
    for index in range(depth - 1, -1, -1):
        matrix = shift(weights, first)
        for block in range((vectors + VECTORS - 1) // VECTORS):
            size = min(VECTORS, vectors - block * VECTORS)
            below, mask = shift(target, block * stride), shift(activation, block * stride)
            above = shift(source, block * units * BLOCK)
            masked_product(matrix, 1, width, width, units, above, BLOCK, size, below, BLOCK, mask)
        if index > 0:
            first -= width * width
            activation = shift(activation, -layer)
            below, below_stride, below_units = activation, stride, width
        else:
            first = 0
            below, below_stride, below_units = inputs, n_inputs * BLOCK, n_inputs
        place = shift(sums, PARTIAL_SUMS * first)
        add_outer_product(target, stride, width, below, below_stride, below_units, vectors, place, fresh)
        source, units, target, spare = target, width, spare, target
