"""Percentile bootstrap over networks, the unit of independence; draws are keyed, so that intervals are reproducible."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quench.numerics import bootstrap
from quench.numerics.bootstrap import RESAMPLES, percentiles
from quench.observables.relaxation import first_crossing

BOOTSTRAP_KEY = 20240524


def draws(count: int, resamples: int = RESAMPLES, stream: int = 0) -> NDArray[np.int64]:
    """Indices of the networks in each resample, (resample, network); another ``stream`` gives independent draws."""
    return bootstrap.draws(count, resamples, BOOTSTRAP_KEY + stream)


def interval(
    estimate: Callable[[NDArray[np.int64]], float], count: int, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """``estimate`` of all networks and the ends of its 95 % percentile interval over resampled ones (``spread``).

    ``estimate`` takes the indices of the networks to use, with repetition.
    """
    return spread([estimate(chosen) for chosen in _picks(count, resamples)])


def joint_crossings(
    lags: NDArray[np.float64], overlaps: Sequence[NDArray[np.float64]], level: float, resamples: int = 200
) -> NDArray[np.float64]:
    """Time at which the mean overlap falls to ``level``, (1 + resamples, temperature); row 0 is that of all networks.

    ``overlaps``: (network, lag) at every temperature. A resample takes the same networks at every temperature: they start
    from the same weights and share their overlap lengths, so that ratios and slopes in T require paired values. NaN where
    the level is not reached, or where a network has diverged.
    """
    count = min(len(table) for table in overlaps)
    return np.array(
        [
            [first_crossing(lags, table[chosen].mean(axis=0), level) for table in overlaps]
            for chosen in _picks(count, resamples)
        ]
    )


def spread(samples: ArrayLike) -> tuple[float, float, float]:
    """Value (row 0) and ends of the 95 % interval (other rows) of a resampled number; NaN ends without other rows.

    Resamples where the number does not exist (NaN), such as a time that is not reached, count as infinitely large, so that
    the interval has no upper end.
    """
    value, resampled = np.asarray(samples, float)[0], np.asarray(samples, float)[1:]
    if not resampled.size:
        return float(value), np.nan, np.nan
    low, high = percentiles(np.where(np.isnan(resampled), np.inf, resampled))
    return float(value), float(low), float(high)


def _picks(count: int, resamples: int) -> list[NDArray[np.int64]]:
    """Indices of all networks, then of each resample; a single network is not resampled."""
    return [np.arange(count), *(draws(count, resamples) if count > 1 else [])]
