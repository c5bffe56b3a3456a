"""Layout of a fully connected network in memory: padded rows of signals and weights, and the memory of one thread.

Layer 0 is the input, layer L the output before the loss. A row of signals of a layer holds its units, then a constant 1
through which the bias of the next layer acts like any other weight, then zeros to the end of the last vector; a row of
weights holds one unit's weights from the layer below and its bias in the same places. Rows are an odd number of vectors
apart, so that neighbouring ones never meet in the same cache set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.memory import aligned
from quench.dynamics.fused.pointers import pointer
from quench.numerics.compiled import compiled

# Samples that go through the network together; it decides the order of sums over larger batches.
TILE = 128


class Shape(NamedTuple):
    """The architecture, the loss and the machine code: everything but the weights."""

    table: np.ndarray  # int64 [units, vectors, stride, offset of signals, offset of weights][layer 0 ... L]
    layers: int  # L
    loss: int
    forward: int  # addresses of the two passes
    backward: int


class Workspace(NamedTuple):
    """Memory of one thread; all arrays are flat and aligned to cache lines."""

    weights: np.ndarray  # [layer][unit][row]
    gradient: np.ndarray  # the same
    signals: np.ndarray  # [layer][sample of the tile][row]
    deltas: np.ndarray  # derivatives of the loss with respect to the units, the same; layer 0 is never touched
    classes: np.ndarray  # int64 [sample of the tile]
    outputs: np.ndarray  # float64, two rows of outputs


class Addresses(NamedTuple):
    """Addresses of the rows of the table, and of the first elements of the workspace and the data."""

    units: Any
    vectors: Any
    strides: Any
    signals_at: Any
    weights_at: Any
    weights: Any
    gradient: Any
    signals: Any
    deltas: Any
    classes: Any
    outputs: Any
    images: Any
    all_classes: Any


def table(sizes: Sequence[int]) -> np.ndarray:
    """The table of a ``Shape`` for units ``sizes`` of layers 0 ... L."""
    units = np.array(sizes, dtype=np.int64)
    vectors = -(-(units + 1) // LANES)
    strides = LANES * (vectors | 1)
    signals = np.concatenate([[0], np.cumsum(TILE * strides)[:-1]])
    weights = np.concatenate([[0], np.cumsum(units[1:] * strides[:-1])])
    return np.stack([units, vectors, strides, signals, weights])


def workspace(table: np.ndarray, dtype: np.dtype) -> Workspace:
    """Fresh memory for one thread; the constant signals are in their places."""
    units, _, strides, offsets, weights = table
    signals = aligned(int(offsets[-1] + TILE * strides[-1]), dtype)
    for size, stride, offset in zip(units, strides, offsets, strict=True):
        signals[offset + size : offset + TILE * stride : stride] = 1
    n_weights = int(weights[-1])
    return Workspace(
        weights=aligned(n_weights, dtype),
        gradient=aligned(n_weights, dtype),
        signals=signals,
        deltas=aligned(signals.size, dtype),
        classes=aligned(TILE, np.int64),
        outputs=aligned(int(2 * strides[-1]), np.float64),
    )


@compiled
def addresses(shape, work, images, classes):
    """To be taken by whichever function holds the arrays, which must stay alive meanwhile."""
    return Addresses(
        pointer(shape.table, 0),
        pointer(shape.table, shape.layers + 1),
        pointer(shape.table, 2 * (shape.layers + 1)),
        pointer(shape.table, 3 * (shape.layers + 1)),
        pointer(shape.table, 4 * (shape.layers + 1)),
        pointer(work.weights, 0),
        pointer(work.gradient, 0),
        pointer(work.signals, 0),
        pointer(work.deltas, 0),
        pointer(work.classes, 0),
        pointer(work.outputs, 0),
        pointer(images, 0),
        pointer(classes, 0),
    )


@compiled
def pack(table, flat, packed):
    """Copy ``flat``, which has for each layer the matrix (unit, unit below) and then the biases, into padded rows."""
    units, strides, offsets = table[0], table[2], table[4]
    start = 0
    for layer in range(units.size - 1):
        below, above = units[layer], units[layer + 1]
        for unit in range(above):
            place = offsets[layer] + unit * strides[layer]
            row = start + unit * below
            packed[place : place + below] = flat[row : row + below]
            packed[place + below] = flat[start + above * below + unit]
            packed[place + below + 1 : place + strides[layer]] = 0
        start += above * (below + 1)


@compiled
def unpack(table, packed, flat):
    """The reverse of ``pack``."""
    units, strides, offsets = table[0], table[2], table[4]
    start = 0
    for layer in range(units.size - 1):
        below, above = units[layer], units[layer + 1]
        for unit in range(above):
            place = offsets[layer] + unit * strides[layer]
            row = start + unit * below
            flat[row : row + below] = packed[place : place + below]
            flat[start + above * below + unit] = packed[place + below]
        start += above * (below + 1)
