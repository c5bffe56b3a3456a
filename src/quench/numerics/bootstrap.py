"""Percentile bootstrap over networks, the unit of independence: keyed draws, and the ends of the interval."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
CONFIDENCE = 0.95


@functools.cache
def draws(count: int, resamples: int, key: int) -> NDArray[np.int64]:
    """Indices of the networks in each resample, (resample, network); another ``key``, independent draws."""
    # Raw words of a keyed counter generator, whose values NumPy keeps fixed; the bias of the remainder is below 2^-50.
    words = np.random.Philox(key=key).random_raw(resamples * count)
    return (words % np.uint64(count)).astype(np.int64).reshape(resamples, count)


def percentiles(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the central 95 % of ``samples`` along the last axis, (...) each; samples may be infinite."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(samples, [tail, 100 - tail], axis=-1, method="nearest")
    return low, high
