"""Percentile bootstrap over networks, the unit of independence, with keyed draws so that intervals repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quench.numerics import bootstrap
from quench.numerics.bootstrap import RESAMPLES, percentiles
from quench.observables.relaxation import first_crossing

BOOTSTRAP_KEY = 20240524


def draws(count: int, resamples: int = RESAMPLES, stream: int = 0) -> NDArray[np.int64]:
    """Indices of the networks in each resample, (resample, network); another ``stream``, independent draws."""
    return bootstrap.draws(count, resamples, BOOTSTRAP_KEY + stream)


def interval(
    estimate: Callable[[NDArray[np.int64]], float], count: int, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """``estimate`` of all networks and the ends of its 95 % percentile interval over resampled ones.

    ``estimate`` takes the indices of the networks to use (with repetition). Resamples that give NaN (an estimate that
    does not exist, such as a threshold not reached) count as infinitely large, so that such an interval has no upper end.
    """
    value = float(estimate(np.arange(count)))
    if count < 2:
        return value, np.nan, np.nan
    samples = np.array([estimate(chosen) for chosen in draws(count, resamples)], dtype=float)
    low, high = percentiles(np.where(np.isnan(samples), np.inf, samples))
    return value, float(low), float(high)


def joint_crossings(
    lags: NDArray[np.float64], overlaps: Sequence[NDArray[np.float64]], level: float, resamples: int = 200
) -> NDArray[np.float64]:
    """Time at which the mean overlap falls to ``level``, (1 + resamples, temperature); row 0 is that of all networks.

    ``overlaps``: (network, lag) at every temperature. A resample takes the same networks at every temperature: they
    start from the same weights and share their lengths, so that ratios and slopes in T must be made of paired values.
    NaN where the level is not reached, or where a network is lost.
    """
    count = min(len(table) for table in overlaps)
    picks = [np.arange(count), *(draws(count, resamples) if count > 1 else [])]
    return np.array(
        [[first_crossing(lags, table[chosen].mean(axis=0), level) for table in overlaps] for chosen in picks]
    )


def spread(samples: NDArray[np.float64]) -> tuple[float, float, float]:
    """Value (row 0) and 95 % interval (the other rows) of a resampled number; NaN rows count as infinitely large."""
    if len(samples) < 2:
        return float(samples[0]), np.nan, np.nan
    low, high = percentiles(np.where(np.isnan(samples[1:]), np.inf, samples[1:]))
    return float(samples[0]), float(low), float(high)
