"""Memory of the fused engine: shapes, data in blocks, the workspace of one thread, and the addresses of all of it.

Compiled functions pass addresses of elements to each other, not arrays: numba counts references to arrays, which costs
time in small batches.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from quench.dynamics.fused.microkernels import BLOCK, PARTIAL_SUMS
from quench.dynamics.fused.pointers import pointer
from quench.numerics.compiled import compiled

# Bytes of activations in a tile: with the sums of the gradient beside them they fit a second-level cache of 1 MiB.
TILE_BYTES = 192 * 1024
TILE_BOUNDS = (128, 256)
CACHE_LINE = 64  # bytes


class Shape(NamedTuple):
    """Numbers of inputs, units in a hidden layer, hidden layers, and samples in a tile; addresses of the two passes."""

    inputs: int
    width: int
    depth: int
    tile: int
    forward: int
    backward: int


class Data(NamedTuple):
    """Samples twice: in order, and for gathering.

    ``blocks`` is flat [block][input][64 samples] and ``labels`` -1 or +1, both padded with zeros; ``rows`` (sample,
    inputs + 1 or more) ends every sample with its label, in as few cache lines as possible.
    """

    blocks: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    n_samples: int


class Workspace(NamedTuple):
    """Arrays that one thread needs for one network; all flat, all aligned to cache lines."""

    weights: np.ndarray  # working copy, in the precision of the arithmetic
    activations: np.ndarray  # [layer][block][unit][64]
    deltas: np.ndarray  # dL/d(input of a layer), two of [block][unit][64]
    output: np.ndarray  # f, [sample of the tile]
    errors: np.ndarray  # dL/df times the number of samples
    inputs: np.ndarray  # gathered samples, [block][input][64]
    labels: np.ndarray
    waiting: np.ndarray  # samples set aside by the compaction, two tiles like ``inputs``
    waiting_labels: np.ndarray
    sums: np.ndarray  # gradient in partial sums, [weight][4]
    active: np.ndarray  # indices within a tile
    noise: np.ndarray  # float32 [weight]


class Addresses(NamedTuple):
    """Addresses of the arrays of a workspace and of the data, under the same names."""

    weights: Any
    activations: Any
    deltas: Any
    output: Any
    errors: Any
    inputs: Any
    labels: Any
    waiting: Any
    waiting_labels: Any
    sums: Any
    active: Any
    all_inputs: Any
    all_labels: Any
    rows: Any
    columns: int  # of ``rows``


def tile_size(width: int, depth: int, itemsize: int) -> int:
    """Samples in a tile: a function of the network alone, because it decides the order of sums."""
    fitting = TILE_BYTES // (width * depth * itemsize)
    smallest, largest = TILE_BOUNDS
    return max(smallest, min(largest, fitting // BLOCK * BLOCK))


def aligned(size: int, dtype: DTypeLike) -> np.ndarray:
    """Zeros that begin at a cache line."""
    spare = CACHE_LINE // np.dtype(dtype).itemsize
    zeros = np.zeros(size + spare, dtype)
    start = -zeros.ctypes.data % CACHE_LINE // zeros.itemsize
    return zeros[start : start + size]


def workspace(shape: Shape, n_weights: int, dtype: np.dtype) -> Workspace:
    """New memory for one thread."""
    units = shape.width * shape.tile
    return Workspace(
        weights=aligned(n_weights, dtype),
        activations=aligned(shape.depth * units, dtype),
        deltas=aligned(2 * units, dtype),
        output=aligned(shape.tile, dtype),
        errors=aligned(shape.tile, dtype),
        inputs=aligned(shape.inputs * shape.tile, dtype),
        labels=aligned(shape.tile, dtype),
        waiting=aligned(2 * shape.inputs * shape.tile, dtype),
        waiting_labels=aligned(2 * shape.tile, dtype),
        sums=aligned(PARTIAL_SUMS * n_weights, dtype),
        active=aligned(shape.tile, np.int64),
        noise=aligned(n_weights, np.float32),
    )


@compiled
def addresses(work, data):
    """Addresses of the arrays, which the caller must keep alive while they are used."""
    return Addresses(
        pointer(work.weights, 0),
        pointer(work.activations, 0),
        pointer(work.deltas, 0),
        pointer(work.output, 0),
        pointer(work.errors, 0),
        pointer(work.inputs, 0),
        pointer(work.labels, 0),
        pointer(work.waiting, 0),
        pointer(work.waiting_labels, 0),
        pointer(work.sums, 0),
        pointer(work.active, 0),
        pointer(data.blocks, 0),
        pointer(data.labels, 0),
        pointer(data.rows, 0),
        data.rows.shape[1],
    )
