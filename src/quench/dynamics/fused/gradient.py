"""Forward and backward pass of one network over its data, tile by tile, in compiled code.

A tile of samples goes through the whole network and back while its activations stay in the cache. Only samples with a
positive hinge 1 - y f contribute to the gradient; where they are few, they are set aside until they fill a tile of
their own, which then goes forwards and back (hinge compaction). That leaves out terms that are exactly zero and adds
the rest in another, but fixed, order: which samples are set aside depends on the weights and the data alone, never on
threads or on how a run is cut into calls, and so do all bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quench.compiled import compiled
from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.microkernels import BLOCK, PARTIAL_SUMS
from quench.dynamics.fused.pointers import call, pointer, prefetch

# Bytes of activations in a tile: with the sums of the gradient beside them they fit a second-level cache of 1 MiB.
TILE_BYTES = 192 * 1024
TILE_BOUNDS = (128, 256)
CACHE_LINE = 64  # bytes
# Samples of a random order that are fetched into the cache before their turn: about one batch.
AHEAD = 128
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
    sums: np.ndarray  # gradient in partial sums, [weight][4]
    active: np.ndarray  # indices within a tile
    waiting: np.ndarray  # samples set aside by the compaction, two tiles like ``inputs``
    waiting_labels: np.ndarray
    no_indices: np.ndarray
    noise: np.ndarray  # float32 [weight]


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
        sums=aligned(PARTIAL_SUMS * n_weights, dtype),
        active=aligned(shape.tile, np.int64),
        waiting=aligned(2 * shape.inputs * shape.tile, dtype),
        waiting_labels=aligned(2 * shape.tile, dtype),
        no_indices=aligned(0, np.int64),
        noise=aligned(n_weights, np.float32),
    )


@compiled
def _forward(shape, work, inputs, start, vectors):
    """Activations and outputs of ``vectors`` vectors of samples that lie in ``inputs`` from element ``start`` on."""
    call(
        shape.forward,
        (
            pointer(work.weights, 0),
            pointer(inputs, start),
            pointer(work.activations, 0),
            pointer(work.output, 0),
            shape.inputs,
            shape.width,
            shape.depth,
            shape.tile,
            vectors,
        ),
    )


@compiled
def _hinge(work, labels, start, n_samples):
    """Errors -y max(0, 1 - y f), which are dL/df times the number of samples; returns how many are not zero.

    The padding up to a whole vector has label 0 and so no error.
    """
    zero, one = labels.dtype.type(0), labels.dtype.type(1)
    label, output, errors = pointer(labels, start), pointer(work.output, 0), pointer(work.errors, 0)
    active = 0
    for s in range((n_samples + LANES - 1) // LANES * LANES):
        margin = one - label[s] * output[s]
        # NaN is active: a network that is lost shows in its gradient.
        hinge = zero if margin < zero else margin
        errors[s] = -label[s] * hinge
        active += hinge * label[s] != zero
    return active


@compiled
def _backward(shape, work, inputs, start, vectors, fresh):
    """Add the gradient of the samples whose activations and errors are in the workspace to its partial sums.

    The first call for a gradient is ``fresh``: it overwrites them.
    """
    call(
        shape.backward,
        (
            pointer(work.weights, 0),
            pointer(inputs, start),
            pointer(work.activations, 0),
            pointer(work.errors, 0),
            pointer(work.deltas, 0),
            pointer(work.sums, 0),
            shape.inputs,
            shape.width,
            shape.depth,
            shape.tile,
            vectors,
            np.int64(fresh),
        ),
    )


@compiled
def _gather(shape, work, data, indices, first, n_samples):
    """Copy the samples ``indices[first:]`` into the workspace, padded with zeros to whole vectors."""
    for s in range((n_samples + LANES - 1) // LANES * LANES):
        place = s // BLOCK * shape.inputs * BLOCK + s % BLOCK
        if s < n_samples:
            if first + s + AHEAD < indices.size:
                prefetch(pointer(data.rows, indices[first + s + AHEAD] * data.rows.shape[1]))
            sample = indices[first + s]
            work.labels[s] = data.rows[sample, shape.inputs]
            for i in range(shape.inputs):
                work.inputs[place + i * BLOCK] = data.rows[sample, i]
        else:
            work.labels[s] = 0
            for i in range(shape.inputs):
                work.inputs[place + i * BLOCK] = 0


@compiled
def _set_aside(shape, work, inputs, place, labels, label, n_samples, n_waiting):
    """Copy the active samples of a tile behind those that wait already; returns how many wait now."""
    errors, active = pointer(work.errors, 0), pointer(work.active, 0)
    n_active = 0
    for s in range(n_samples):
        # Written whether active or not, and overwritten then: a branch would be mispredicted.
        active[n_active] = s
        n_active += errors[s] != 0
    stride = shape.inputs * BLOCK
    for k in range(n_active):
        s, t = active[k], n_waiting + k
        source, target = place + s // BLOCK * stride + s % BLOCK, t // BLOCK * stride + t % BLOCK
        work.waiting_labels[t] = labels[label + s]
        for i in range(shape.inputs):
            work.waiting[target + i * BLOCK] = inputs[source + i * BLOCK]
    return n_waiting + n_active


@compiled
def _work_off(shape, work, n_samples, fresh):
    """Add the gradient of the first samples that wait."""
    zero = np.int64(0)
    vectors = (n_samples + LANES - 1) // LANES
    for s in range(n_samples, vectors * LANES):
        # What was left here by others must not count, whatever this network makes of it.
        work.waiting_labels[s] = 0
        for i in range(shape.inputs):
            work.waiting[(s // BLOCK * shape.inputs + i) * BLOCK + s % BLOCK] = 0
    _forward(shape, work, work.waiting, zero, vectors)
    _hinge(work, work.waiting_labels, zero, n_samples)
    _backward(shape, work, work.waiting, zero, vectors, fresh)


@compiled
def sum_gradient(shape, work, data, indices, first, n_samples):
    """Set the partial sums to the gradient of sum_i max(0, 1 - y_i f_i)^2 / 2 over the samples ``indices[first:]``.

    No indices means the samples 0 ... n_samples - 1 as they lie in their blocks.
    """
    # Variables for what could be literals: numba compiles a callee again for every literal.
    zero = n_waiting = np.int64(0)
    fresh = True
    for start in range(first, first + n_samples, shape.tile):
        count = min(shape.tile, first + n_samples - start)
        vectors = (count + LANES - 1) // LANES
        if indices.size > 0:
            _gather(shape, work, data, indices, start, count)
            inputs, place, labels, label = work.inputs, zero, work.labels, zero
        else:
            inputs, place, labels, label = data.blocks, start * shape.inputs, data.labels, start
        _forward(shape, work, inputs, place, vectors)
        active = _hinge(work, labels, label, count)
        # Forwards and back again for the active samples, or back for all. Back costs as much as twice forwards, so that
        # a share of 2/3 would break even but for the gathering.
        if 2 * active <= count:
            n_waiting = _set_aside(shape, work, inputs, place, labels, label, count, n_waiting)
            if n_waiting >= shape.tile:
                _work_off(shape, work, shape.tile, fresh)
                fresh = False
                n_waiting -= shape.tile
                work.waiting[: work.waiting.size // 2] = work.waiting[work.waiting.size // 2 :]
                work.waiting_labels[: shape.tile] = work.waiting_labels[shape.tile :]
        else:
            _backward(shape, work, inputs, place, vectors, fresh)
            fresh = False
    if n_waiting > 0:
        _work_off(shape, work, n_waiting, fresh)
    elif fresh:
        work.sums[:] = 0


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
def mean_gradient(shape, work, data, weights, gradient):
    """Gradient of the data loss over all samples, into ``gradient`` (weight), float64."""
    round_weights(work, weights)
    sum_gradient(shape, work, data, work.no_indices, np.int64(0), data.n_samples)
    share = 1.0 / data.n_samples
    for i in range(gradient.size):
        gradient[i] = partial_sum(work.sums, i) * share


@compiled
def mean_loss(shape, work, data, weights):
    """The data loss, and the share of samples with a positive hinge."""
    round_weights(work, weights)
    total, active = 0.0, 0
    for start in range(0, data.n_samples, shape.tile):
        count = min(shape.tile, data.n_samples - start)
        vectors = (count + LANES - 1) // LANES
        _forward(shape, work, data.blocks, start * shape.inputs, vectors)
        active += _hinge(work, data.labels, start, count)
        for s in range(count):
            total += np.float64(work.errors[s]) ** 2
    return total / 2 / data.n_samples, active / data.n_samples


@compiled
def round_weights(work, weights):
    """Copy float64 ``weights`` into the workspace, in the precision of the arithmetic."""
    for i in range(weights.size):
        work.weights[i] = weights[i]
