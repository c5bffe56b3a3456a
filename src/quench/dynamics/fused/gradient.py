"""Forward and backward pass of one network over its data, tile by tile, in compiled code.

A tile of samples goes through the whole network and back while its activations stay in the cache. Only samples with a
positive hinge 1 - y f contribute to the gradient; where they are few, they are set aside until they fill a tile of
their own, which then goes forwards and back (hinge compaction). That leaves out terms that are exactly zero and adds
the rest in another, but fixed, order. The samples that are set aside, and with them all bits, depend on the weights and
the data alone, never on threads or on how a run is cut into calls.
"""

from __future__ import annotations

import numpy as np

from quench.dynamics.fused.emitter import LANES
from quench.dynamics.fused.memory import addresses
from quench.dynamics.fused.microkernels import BLOCK, PARTIAL_SUMS
from quench.dynamics.fused.pointers import call, copy_column, prefetch, shift
from quench.numerics.compiled import compiled

# Samples of a random order that are fetched into the cache before their turn: about one batch.
AHEAD = 128
# float32 constants do not promote the type of the other operand.
_ZERO, _ONE = np.float32(0), np.float32(1)
_EXPONENT = 0x7FF0000000000000  # all ones in infinities and NaN


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
        # NaN is active: a diverged network shows in its gradient.
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
    """Zeros behind the samples, to the end of their last vector: earlier contents must not count."""
    for s in range(n_samples, _vectors(n_samples) * LANES):
        labels[s] = 0
        place = _place(shape, inputs, s)
        for i in range(shape.inputs):
            place[i * BLOCK] = 0


@compiled
def _gather(shape, at, indices, n_samples, n_ahead):
    """Copy samples into the workspace; ``n_ahead`` more indices follow, and the next of them are prefetched."""
    for s in range(n_samples):
        if s + AHEAD < n_samples + n_ahead:
            prefetch(shift(at.rows, indices[s + AHEAD] * at.columns))
        row = shift(at.rows, indices[s] * at.columns)
        at.labels[s] = row[shape.inputs]
        copy_column(_place(shape, at.inputs, s), BLOCK, row, 1, shape.inputs)
    _pad(shape, at.inputs, at.labels, n_samples)


@compiled
def _set_aside(shape, at, inputs, labels, n_samples, n_waiting):
    """Copy the active samples of a tile behind those already waiting; returns how many are waiting now."""
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
    """Add the gradient of the first ``n_samples`` waiting samples."""
    _pad(shape, at.waiting, at.waiting_labels, n_samples)
    _forward(shape, at, at.waiting, _vectors(n_samples))
    _hinge(at, at.waiting_labels, n_samples)
    _backward(shape, at, at.waiting, _vectors(n_samples), fresh)


@compiled
def _fetch(shape, at, indices, gathered, start, count, n_ahead):
    """Addresses of the inputs and labels of a tile, which are copied to the workspace first if they are ``gathered``."""
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
