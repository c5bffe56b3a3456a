"""Displacements of weights: their moments, non-Gaussian parameter and histogram, and the local slope of a curve.

A displacement dw_i = w_i(t_w + t) - w_i(t_w) is dimensionless, float64 (..., weight). A result is NaN, or -1 where it
counts, in place of a network of which a weight is not finite.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import xarray as xr

# Bins of log10 |dw|: fine enough for a test of bimodality, wide enough for T = 1e-16.
MOTILITY_EDGES = np.round(np.arange(-16.0, 2.0 + 1e-9, 0.02), 2)


def msd(displacement: np.ndarray) -> np.ndarray:
    """Mean square displacement (1/N) sum_i dw_i^2 (KWJ Eq. 7), float64 (...), of ``displacement`` (..., weight)."""
    return _mean(np.square(displacement), displacement)


def fourth_moment(displacement: np.ndarray) -> np.ndarray:
    """(1/N) sum_i dw_i^4, the numerator of KWJ Eq. 9, float64 (...), of ``displacement`` (..., weight)."""
    # Products alone: the last bit of a library's power function depends on the processor, and even on the sign.
    return _mean(np.square(np.square(displacement)), displacement)


def _mean(powers: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    # Rows side by side in memory: sums round differently for another layout.
    mean = np.mean(np.ascontiguousarray(powers), axis=-1)
    return np.where(np.isfinite(displacement).all(axis=-1), mean, np.nan)


def alpha2(second: xr.DataArray, fourth: xr.DataArray) -> xr.DataArray:
    """Non-Gaussian parameter <dw^4> / (3 <dw^2>^2) - 1 of scalar displacements (KWJ Eq. 9); 0 for a Gaussian.

    NaN where nothing has moved. Average the moments over networks and noise first: alpha2 is the ratio of averages.
    """
    gaussian = 3 * second**2
    return fourth / gaussian.where(gaussian > 0) - 1


def local_slope(curve: xr.DataArray, along: str = "lag") -> xr.DataArray:
    """d log(curve) / d log(along) by central differences on the measured points; NaN at 0 and where the curve is not > 0."""
    positive = curve.where((curve > 0) & (curve[along] > 0))
    log_curve = cast(xr.DataArray, np.log(positive))
    log_time = cast(xr.DataArray, np.log(positive[along].where(positive[along] > 0)))
    forward, back = {along: -1}, {along: 1}
    rise = log_curve.shift(forward) - log_curve.shift(back)
    return rise / (log_time.shift(forward) - log_time.shift(back))


def motility(displacement: np.ndarray) -> np.ndarray:
    """Number of weights per bin of log10 |dw| (KWJ Fig. 7), int32 (..., motility_bin), of ``displacement`` (..., weight).

    The edges are ``MOTILITY_EDGES``. The first and the last bin include the weights beyond them, exact zeros among them.
    """
    flat = np.abs(displacement).reshape(-1, displacement.shape[-1])
    rows = np.empty((len(flat), len(MOTILITY_EDGES) - 1), dtype=np.int32)
    low, high = MOTILITY_EDGES[[0, -1]]
    for row, distances in zip(rows, flat, strict=True):
        if not np.isfinite(distances).all():
            row[:] = -1
            continue
        logs = np.log10(np.maximum(distances, 10.0**low))
        row[:] = np.histogram(np.clip(logs, low, high), bins=MOTILITY_EDGES)[0]
    return rows.reshape(*displacement.shape[:-1], -1)
