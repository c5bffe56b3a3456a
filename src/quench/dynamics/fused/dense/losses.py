"""Losses of a sample and their derivatives with respect to the outputs z, in compiled code and in float64.

The losses are those of ``quench.networks.classifier``. Differences that would cancel are avoided, so the derivative of a
sample that is classified with near certainty keeps all its digits. Loops run to a multiple of eight classes, so that
they become vectors; the values beyond the last class are finite, and no sum includes them.
"""

from __future__ import annotations

import numpy as np

from quench.dynamics.fused.gradient import is_finite
from quench.numerics.compiled import compiled
from quench.numerics.elementary import exponential, logarithm_of_one_plus

NEGATIVE_LOG_LIKELIHOOD, SIGMOID_SQUARED_ERROR = 0, 1


@compiled
def output_errors(loss, z, target, classes, deltas, work):
    """Derivatives of one sample's loss, into ``deltas``; returns how many outputs are not finite.

    ``work`` is float64 memory for two rows of outputs.
    """
    diverged = 0
    for k in range(classes):
        diverged += not is_finite(z[k])
    if loss == NEGATIVE_LOG_LIKELIHOOD:
        others = _exponentials(z, target, classes, work)
        share = 1.0 / (others + work[target])
        for k in range(_padded(classes)):
            deltas[k] = work[k] * share
        deltas[target] = -others * share
    else:
        row = _sigmoids(z, classes, work)
        for k in range(_padded(classes)):
            error = -work[row + k] if k == target else work[k]
            deltas[k] = 2.0 / classes * error * (work[k] * work[row + k])
    return diverged


@compiled
def sample_loss(loss, z, target, classes, work):
    """The loss of one sample, and whether its largest output, the first of them, is the right one."""
    largest = 0
    for k in range(1, classes):
        largest = k if z[k] > z[largest] else largest
    if loss == NEGATIVE_LOG_LIKELIHOOD:
        others = _exponentials(z, largest, classes, work)
        value = logarithm_of_one_plus(others) + (np.float64(z[largest]) - np.float64(z[target]))
    else:
        row = _sigmoids(z, classes, work)
        value = 0.0
        for k in range(classes):
            value += (work[row + k] if k == target else work[k]) ** 2
        value /= classes
    return value, largest == target


@compiled(inline=True)
def _padded(classes):
    return (classes + 7) // 8 * 8


@compiled(inline=True)
def _exponentials(z, chosen, classes, work):
    """e^(z_k - max z) for all k, into ``work``; returns their sum but for the ``chosen`` one."""
    largest = np.float64(z[0])
    for k in range(1, classes):
        largest = max(largest, np.float64(z[k]))
    for k in range(_padded(classes)):
        work[k] = exponential(np.float64(z[k]) - largest)
    others = 0.0
    for k in range(classes):
        others += 0.0 if k == chosen else work[k]
    return others


@compiled(inline=True)
def _sigmoids(z, classes, work):
    """o = 1 / (1 + e^-z) for all outputs, then 1 - o, into ``work``; returns where the latter begin."""
    row = _padded(classes)
    for k in range(row):
        output = np.float64(z[k])
        small = exponential(-abs(output))
        larger = 1.0 / (1.0 + small)
        smaller = small * larger
        work[k] = larger if output >= 0.0 else smaller
        work[row + k] = smaller if output >= 0.0 else larger
    return row
