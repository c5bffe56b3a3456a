"""A tile of samples forwards and backwards through the network, compiled once for each precision."""

from __future__ import annotations

import functools

import numpy as np
from numba import types

from quench.dynamics.fused.dense.microkernels import UNITS, add_dot_products
from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.microkernels import add_product, masked_product
from quench.dynamics.fused.pointers import shift
from quench.numerics.compiled import compiled, entry_point

# Vectors of a row that enter a sum of products before it is completed: some rows of them stay in the first-level cache.
# It decides the order of sums.
TERMS = 52
# Vectors of all the rows that a product runs over at a time: they stay in the second-level cache. It changes no sum.
CACHED_VECTORS = 4096
# A float32 number leaves the type of what it meets as it is.
_ZERO = np.float32(0)


@functools.cache
def entry_points(precision: str) -> tuple[int, int]:
    """Addresses of the machine code of ``_forward`` and ``_backward`` for float32 or float64."""
    element, integer = getattr(types, precision), types.int64
    array, numbers = types.CPointer(element), types.CPointer(types.int64)
    return (
        entry_point(_forward, [numbers, array, array, integer, integer]),
        entry_point(_backward, [numbers, *[array] * 4, element, integer, integer]),
    )


def _forward(table, weights, signals, layers, samples):
    """Signals of all layers from those of layer 0."""
    n = layers + 1
    units, vectors, strides = table, shift(table, n), shift(table, 2 * n)
    signals_at, weights_at = shift(table, 3 * n), shift(table, 4 * n)
    for layer in range(layers):
        x, out = shift(signals, signals_at[layer]), shift(signals, signals_at[layer + 1])
        w, stride, above, rows = shift(weights, weights_at[layer]), strides[layer], strides[layer + 1], units[layer + 1]
        for i in range(samples * above):
            out[i] = 0
        # Pieces of even lengths; weights that come from memory are read in their order.
        pieces = (vectors[layer] + TERMS - 1) // TERMS
        size = (vectors[layer] + pieces - 1) // pieces
        block = rows if pieces == 1 else UNITS
        for unit in range(0, rows, block):
            count, place = min(block, rows - unit), shift(out, unit)
            for first in range(0, vectors[layer], size):
                terms, i = min(size, vectors[layer] - first), first * LANES
                part = shift(w, unit * stride + i)
                add_dot_products(part, stride, count, samples, shift(x, i), stride, terms, place, above)
        if layer < layers - 1:
            _rectify(out, rows, above, samples)


@compiled
def _rectify(signals, units, stride, samples):
    """max(0, z) of every unit, and the constant signal behind them; NaN stays NaN, which shows a diverged network."""
    for s in range(samples):
        row = shift(signals, s * stride)
        for u in range(units):
            row[u] = _ZERO if row[u] < _ZERO else row[u]
        # The product wrote zeros up to the next multiple of four units.
        row[units] = 1


def _backward(table, weights, signals, deltas, target, factor, layers, samples):
    """target += factor x sum over samples of the gradient, from the derivatives with respect to the outputs.

    ``target`` may be the weights themselves: those of a layer change when the layer below no longer needs them.
    """
    n = layers + 1
    units, vectors, strides = table, shift(table, n), shift(table, 2 * n)
    signals_at, weights_at = shift(table, 3 * n), shift(table, 4 * n)
    for layer in range(layers - 1, -1, -1):
        x, w = shift(signals, signals_at[layer]), shift(weights, weights_at[layer])
        delta, out = shift(deltas, signals_at[layer + 1]), shift(target, weights_at[layer])
        stride, above, rows = strides[layer], strides[layer + 1], units[layer + 1]
        if layer > 0:
            below = shift(deltas, signals_at[layer])
            for first in range(0, vectors[layer], _piece(rows)):
                count, i = min(_piece(rows), vectors[layer] - first), first * LANES
                product, mask = shift(below, i), shift(x, i)
                masked_product(delta, above, 1, samples, rows, shift(w, i), stride, count, product, stride, mask)
        for first in range(0, vectors[layer], _piece(samples)):
            count, i = min(_piece(samples), vectors[layer] - first), first * LANES
            add_product(delta, 1, above, rows, samples, shift(x, i), stride, count, shift(out, i), stride, factor)


@compiled(inline=True)
def _piece(rows):
    """Vectors of so many rows that fit the cache, and fill the register rectangles."""
    return max(4, CACHED_VECTORS // rows // 4 * 4)
