"""Forward and backward pass of one network over its data, tile by tile, in compiled code.

A tile of samples goes through the whole network and back while its activations stay in the cache. Only samples with a
positive hinge 1 - y f contribute to the gradient; where they are few, they are set aside until they fill a tile of
their own, which then goes forwards and back (hinge compaction). That leaves out terms that are exactly zero and adds
the rest in another, but fixed, order: which samples are set aside depends on the weights and the data alone, never on
threads or on how a run is cut into calls, and so do all bits.

The functions pass addresses of elements, not arrays: numba counts references to arrays, which is felt in small batches.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from quench.compiled import compiled
from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.microkernels import BLOCK, PARTIAL_SUMS
from quench.dynamics.fused.pointers import call, copy_column, pointer, prefetch, shift

# Bytes of activations in a tile: with the sums of the gradient beside them they fit a second-level cache of 1 MiB.
TILE_BYTES = 192 * 1024
TILE_BOUNDS = (128, 256)
CACHE_LINE = 64  # bytes
# Samples of a random order that are fetched into the cache before their turn: about one batch.
AHEAD = 128
# float32 numbers leave the type of what they meet as it is.
_ZERO, _ONE = np.float32(0), np.float32(1)
_EXPONENT = 0x7FF0000000000000  # all ones in infinities and NaN


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
    inputs + 1 or more) ends every sample with its label, in as few cache lines as can be.
    """

    blocks: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    n_samples: int


class Workspace(NamedTuple):
    """What one thread needs while it works on one network; all flat, all aligned to cache lines."""

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
    """Where the arrays of a workspace and of the data begin, under the same names."""

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


def aligned(size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that begin at a cache line."""
    spare = CACHE_LINE // np.dtype(dtype).itemsize
    zeros = np.zeros(size + spare, dtype)
    start = -zeros.ctypes.data % CACHE_LINE // zeros.itemsize
    return zeros[start : start + size]


def workspace(shape: Shape, n_weights: int, dtype: np.dtype) -> Workspace:
    """Fresh memory for one thread."""
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
    """To be taken by whoever holds the arrays, which must stay alive meanwhile."""
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


@compiled
def _forward(shape, at, inputs, vectors):
    """Activations and outputs of ``vectors`` vectors of samples that begin at the address ``inputs``."""
    sizes = (shape.inputs, shape.width, shape.depth, shape.tile, vectors)
    call(shape.forward, (at.weights, inputs, at.activations, at.output, *sizes))


@compiled
def _backward(shape, at, inputs, vectors, fresh):
    """Add the gradient of the samples whose activations and errors are in the workspace to its partial sums.

    The first call for a gradient is ``fresh``: it overwrites them.
    """
    sizes = (shape.inputs, shape.width, shape.depth, shape.tile, vectors, np.int64(fresh))
    call(shape.backward, (at.weights, inputs, at.activations, at.errors, at.deltas, at.sums, *sizes))


@compiled
def _hinge(at, labels, n_samples):
    """Errors -y max(0, 1 - y f), which are dL/df times the number of samples; returns how many are not zero.

    The padding up to a whole vector has label 0 and so no error.
    """
    errors, output = at.errors, at.output
    active = 0
    for s in range(_vectors(n_samples) * LANES):
        margin = _ONE - labels[s] * output[s]
        # NaN is active: a network that is lost shows in its gradient.
        error = -labels[s] * (_ZERO if margin < _ZERO else margin)
        errors[s] = error
        active += error != _ZERO
    return active


@compiled(inline=True)
def _vectors(n_samples):
    return (n_samples + LANES - 1) // LANES


@compiled(inline=True)
def _place(shape, inputs, sample):
    """Address of the first input of a sample in blocks."""
    return shift(inputs, sample // BLOCK * shape.inputs * BLOCK + sample % BLOCK)


@compiled
def _pad(shape, inputs, labels, n_samples):
    """Zeros behind the samples, to the end of their last vector: what others left there must not count."""
    for s in range(n_samples, _vectors(n_samples) * LANES):
        labels[s] = 0
        place = _place(shape, inputs, s)
        for i in range(shape.inputs):
            place[i * BLOCK] = 0


@compiled
def _gather(shape, at, indices, n_samples, n_ahead):
    """Copy samples into the workspace; ``n_ahead`` indices follow, of which the next will be wanted soon."""
    for s in range(n_samples):
        if s + AHEAD < n_samples + n_ahead:
            prefetch(shift(at.rows, indices[s + AHEAD] * at.columns))
        row = shift(at.rows, indices[s] * at.columns)
        at.labels[s] = row[shape.inputs]
        copy_column(_place(shape, at.inputs, s), BLOCK, row, 1, shape.inputs)
    _pad(shape, at.inputs, at.labels, n_samples)


@compiled
def _set_aside(shape, at, inputs, labels, n_samples, n_waiting):
    """Copy the active samples of a tile behind those that wait already; returns how many wait now."""
    errors, active = at.errors, at.active
    n_active = 0
    for s in range(n_samples):
        # Written whether active or not, and overwritten then: a branch would be mispredicted.
        active[n_active] = s
        n_active += errors[s] != _ZERO
    for k in range(n_active):
        at.waiting_labels[n_waiting + k] = labels[active[k]]
        source, target = _place(shape, inputs, active[k]), _place(shape, at.waiting, n_waiting + k)
        copy_column(target, BLOCK, source, BLOCK, shape.inputs)
    return n_waiting + n_active


@compiled
def _work_off(shape, at, n_samples, fresh):
    """Add the gradient of the first samples that wait."""
    _pad(shape, at.waiting, at.waiting_labels, n_samples)
    _forward(shape, at, at.waiting, _vectors(n_samples))
    _hinge(at, at.waiting_labels, n_samples)
    _backward(shape, at, at.waiting, _vectors(n_samples), fresh)


@compiled
def _fetch(shape, at, indices, gathered, start, count, n_ahead):
    """Addresses of the inputs and labels of a tile, which are copied there first if they are ``gathered``."""
    if gathered:
        _gather(shape, at, shift(indices, start), count, n_ahead)
        return at.inputs, at.labels
    labels = shift(at.all_labels, start)
    for line in range(shape.tile, 2 * shape.tile, LANES):
        prefetch(shift(labels, line))
    return shift(at.all_inputs, start * shape.inputs), labels


@compiled
def sum_gradient(shape, at, n_weights, n_samples, indices, n_ahead, gathered):
    """Set the partial sums to the gradient of sum_i max(0, 1 - y_i f_i)^2 / 2.

    The samples are the first ``n_samples`` that the address ``indices`` tells, which ``n_ahead`` more follow, where they
    are to be ``gathered``, and else those of the data in order.
    """
    n_waiting = 0
    fresh = True
    for start in range(0, n_samples, shape.tile):
        count = min(shape.tile, n_samples - start)
        inputs, labels = _fetch(shape, at, indices, gathered, start, count, n_samples - start - count + n_ahead)
        _forward(shape, at, inputs, _vectors(count))
        active = _hinge(at, labels, count)
        # Forwards and back again for the active samples, or back for all. Back costs as much as twice forwards, so that
        # a share of 2/3 would break even but for the copying.
        if 2 * active > count:
            _backward(shape, at, inputs, _vectors(count), fresh)
            fresh = False
        else:
            n_waiting = _set_aside(shape, at, inputs, labels, count, n_waiting)
            if n_waiting >= shape.tile:
                _work_off(shape, at, shape.tile, fresh)
                fresh = False
                n_waiting -= shape.tile
                for i in range(shape.inputs * shape.tile):
                    at.waiting[i] = at.waiting[shape.inputs * shape.tile + i]
                for s in range(n_waiting):
                    at.waiting_labels[s] = at.waiting_labels[shape.tile + s]
    if n_waiting > 0:
        _work_off(shape, at, n_waiting, fresh)
    elif fresh:
        for i in range(PARTIAL_SUMS * n_weights):
            at.sums[i] = 0


@compiled(inline=True)
def partial_sum(sums, i):
    """Component ``i`` of the gradient."""
    a, b, c, d = sums[4 * i], sums[4 * i + 1], sums[4 * i + 2], sums[4 * i + 3]
    return np.float64((a + b) + (c + d))


@compiled(inline=True)
def is_finite(value):
    """Whether a float64 is neither infinite nor NaN, in integer arithmetic that LLVM can vectorise."""
    return (np.float64(value).view(np.int64) & _EXPONENT) != _EXPONENT


@compiled
def round_weights(at, weights):
    """Copy float64 ``weights`` into the workspace, in the precision of the arithmetic."""
    for i in range(weights.size):
        at.weights[i] = weights[i]


@compiled
def mean_gradient(shape, work, data, weights, gradient):
    """Gradient of the data loss over all samples, into ``gradient`` (weight), float64."""
    at = addresses(work, data)
    round_weights(at, weights)
    sum_gradient(shape, at, weights.size, data.n_samples, at.active, 0, False)
    share = 1.0 / data.n_samples
    for i in range(gradient.size):
        gradient[i] = partial_sum(at.sums, i) * share


@compiled
def mean_loss(shape, work, data, weights):
    """The data loss, and the share of samples with a positive hinge."""
    at = addresses(work, data)
    round_weights(at, weights)
    total, active = 0.0, 0
    for start in range(0, data.n_samples, shape.tile):
        count = min(shape.tile, data.n_samples - start)
        _forward(shape, at, shift(at.all_inputs, start * shape.inputs), _vectors(count))
        active += _hinge(at, shift(at.all_labels, start), count)
        for s in range(count):
            total += np.float64(at.errors[s]) ** 2
    return total / 2 / data.n_samples, active / data.n_samples
