"""Sums over long arrays in float64, in one order on every processor: a library's order may depend on it."""

from __future__ import annotations

import numpy as np

from quench.numerics.compiled import compiled

# Sums that run side by side, each over every 64th term: LLVM turns them into vectors.
_ROW = 64


@compiled
def mean(a: np.ndarray) -> float:
    """(1/n) sum_i a_i."""
    sums, whole = np.zeros(_ROW), a.size // _ROW * _ROW
    for start in range(0, whole, _ROW):
        for k in range(_ROW):
            sums[k] += np.float64(a[start + k])
    for i in range(whole, a.size):
        sums[i - whole] += np.float64(a[i])
    return _total(sums) / a.size


@compiled
def mean_square(a: np.ndarray) -> float:
    """(1/n) sum_i a_i^2."""
    sums, whole = np.zeros(_ROW), a.size // _ROW * _ROW
    for start in range(0, whole, _ROW):
        for k in range(_ROW):
            sums[k] += np.float64(a[start + k]) ** 2
    for i in range(whole, a.size):
        sums[i - whole] += np.float64(a[i]) ** 2
    return _total(sums) / a.size


@compiled
def mean_square_difference(a: np.ndarray, b: np.ndarray) -> float:
    """(1/n) sum_i (a_i - b_i)^2, the differences in the precision of ``a`` and ``b``."""
    sums, whole = np.zeros(_ROW), a.size // _ROW * _ROW
    for start in range(0, whole, _ROW):
        for k in range(_ROW):
            sums[k] += np.float64(a[start + k] - b[start + k]) ** 2
    for i in range(whole, a.size):
        sums[i - whole] += np.float64(a[i] - b[i]) ** 2
    return _total(sums) / a.size


@compiled
def _total(sums: np.ndarray) -> float:
    total = 0.0
    for value in sums:
        total += value
    return total
