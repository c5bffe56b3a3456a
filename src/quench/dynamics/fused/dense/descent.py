"""SGD, losses and gradients of one network, many updates or all samples in one call of compiled code.

Images are (sample, input) and classes int64 (sample); weights are flat, as in ``quench.networks.classifier``.
"""

from __future__ import annotations

import numpy as np

from quench.dynamics.fused.dense.losses import output_errors, sample_loss
from quench.dynamics.fused.dense.memory import TILE, addresses, pack, unpack
from quench.dynamics.fused.gradient import is_finite
from quench.dynamics.fused.pointers import call, pointer, shift
from quench.numerics.compiled import compiled
from quench.numerics.random import fill_integers, fill_permutation

FULL, EPOCH, IID = 0, 1, 2


@compiled
def stretch(shape, work, weights, velocity, images, classes, order, key, rate, momentum, first_step, n_steps):
    """``n_steps`` updates of ``weights`` and ``velocity`` in place, from number ``first_step`` on.

    ``key`` = (sampling, seed, stream, batch size, updates for which one draw lasts), ``order`` int64 memory for a draw.
    Returns the number of updates after which an output or a weight was first not finite, or -1.
    """
    sampling, seed, stream, batch_size, period = key
    at = addresses(shape, work, images, classes)
    pack(shape.table, weights, work.weights)
    if momentum > 0:
        pack(shape.table, velocity, work.gradient)
    diverged = -1
    for step in range(first_step, first_step + n_steps):
        first = step % period * batch_size
        if step == first_step or first == 0:
            _draw(order, sampling, seed, stream, np.uint64(step // period), np.uint64(classes.size))
        samples = min(batch_size, order.size - first)
        if _update(shape, work, at, pointer(order, first), samples, rate, momentum) > 0:
            diverged = step
            break
    unpack(shape.table, work.weights, weights)
    if diverged < 0 and not _finite(weights):
        diverged = first_step + n_steps
    if momentum > 0:
        unpack(shape.table, work.gradient, velocity)
    return diverged


@compiled
def _finite(weights):
    infinite = 0
    for w in weights:
        infinite += not is_finite(w)
    return infinite == 0


@compiled
def _draw(order, sampling, seed, stream, group, n_samples):
    if sampling == EPOCH:
        fill_permutation(order, seed, stream, group)
    elif sampling == IID:
        fill_integers(order, seed, stream, group, n_samples)
    else:
        for s in range(order.size):
            order[s] = s


@compiled
def _update(shape, work, at, indices, samples, rate, momentum):
    """One update by the samples with these numbers; no update if an output is not finite. Returns how many are not."""
    real = work.weights.dtype.type
    if momentum == 0 and samples <= TILE:
        _forward(shape, at, indices, samples)
        diverged = _errors(shape, at, samples)
        if diverged == 0:
            _backward(shape, at, at.weights, real(-rate / samples), samples)
        return diverged
    for i in range(work.gradient.size):
        work.gradient[i] = momentum * work.gradient[i] if momentum > 0 else 0
    diverged = 0
    for first in range(0, samples, TILE):
        count = min(TILE, samples - first)
        _forward(shape, at, shift(indices, first), count)
        diverged += _errors(shape, at, count)
        _backward(shape, at, at.gradient, real(1 / samples), count)
    if diverged == 0:
        for i in range(work.weights.size):
            work.weights[i] -= rate * work.gradient[i]
    return diverged


@compiled
def measure(shape, work, weights, images, classes, order, losses, right, outputs, squares, gradient):
    """Record, for every sample in ``order``, its loss, whether its largest output is its class, and its outputs.

    Unless ``squares`` is empty, also record the squared norm of its gradient, and the mean ``gradient`` (weight).
    """
    real = work.weights.dtype.type
    at = addresses(shape, work, images, classes)
    pack(shape.table, weights, work.weights)
    for i in range(work.gradient.size):
        work.gradient[i] = 0
    stride, z = at.strides[shape.layers], shift(at.signals, at.signals_at[shape.layers])
    for first in range(0, order.size, TILE):
        count = min(TILE, order.size - first)
        _forward(shape, at, pointer(order, first), count)
        for s in range(first, first + count):
            row, n_classes = shift(z, (s - first) * stride), outputs.shape[1]
            losses[s], right[s] = sample_loss(shape.loss, row, at.classes[s - first], n_classes, at.outputs)
            for k in range(n_classes):
                outputs[s, k] = row[k]
        if squares.size > 0:
            _errors(shape, at, count)
            _backward(shape, at, at.gradient, real(1 / order.size), count)
            for s in range(count):
                squares[first + s] = _gradient_square(shape, at, s)
    if squares.size > 0:
        unpack(shape.table, work.gradient, gradient)


@compiled
def _forward(shape, at, indices, samples):
    """Gather samples by their numbers, and run them through the network."""
    inputs, stride = at.units[0], at.strides[0]
    for s in range(samples):
        source, target = shift(at.images, indices[s] * inputs), shift(at.signals, s * stride)
        for i in range(inputs):
            target[i] = source[i]
        at.classes[s] = at.all_classes[indices[s]]
    call(shape.forward, (at.units, at.weights, at.signals, shape.layers, samples))


@compiled
def _errors(shape, at, samples):
    """Derivatives of each sample's own loss with respect to its outputs; returns how many outputs are not finite."""
    classes, stride, offset = at.units[shape.layers], at.strides[shape.layers], at.signals_at[shape.layers]
    z, deltas = shift(at.signals, offset), shift(at.deltas, offset)
    diverged = 0
    for s in range(samples):
        row, delta = shift(z, s * stride), shift(deltas, s * stride)
        diverged += output_errors(shape.loss, row, at.classes[s], classes, delta, at.outputs)
    return diverged


@compiled
def _backward(shape, at, target, factor, samples):
    call(shape.backward, (at.units, at.weights, at.signals, at.deltas, target, factor, shape.layers, samples))


@compiled
def _gradient_square(shape, at, s):
    """|gradient|^2 of one sample of the tile: sum over layers of |delta|^2 |signals below|^2, with the constant signal."""
    total, below = 0.0, _square(shift(at.signals, s * at.strides[0]), at.units[0] + 1)
    for layer in range(1, shape.layers + 1):
        place = at.signals_at[layer] + s * at.strides[layer]
        total += below * _square(shift(at.deltas, place), at.units[layer])
        below = _square(shift(at.signals, place), at.units[layer] + 1)
    return total


@compiled
def _square(row, n):
    """Sum of squares, float64."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for i in range(0, n - 3, 4):
        a += np.float64(row[i]) ** 2
        b += np.float64(row[i + 1]) ** 2
        c += np.float64(row[i + 2]) ** 2
        d += np.float64(row[i + 3]) ** 2
    for i in range(n - n % 4, n):
        a += np.float64(row[i]) ** 2
    return (a + b) + (c + d)
