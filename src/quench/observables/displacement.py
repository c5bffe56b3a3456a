"""How far weights move: mean square displacement, its local slope, the non-Gaussian parameter, the motility histogram."""

from __future__ import annotations

import numpy as np
import xarray as xr

# Bins of log10 |dw|: fine enough for a test of bimodality, wide enough for T = 1e-16.
MOTILITY_EDGES = np.round(np.arange(-16.0, 2.0 + 1e-9, 0.02), 2)


def moment(weights: xr.DataArray, reference: xr.DataArray, order: int) -> xr.DataArray:
    """<(w_i - w_i^ref)^order> over the weights, order 2 or 4: order 2 is the MSD (KWJ Eq. 7). Weights (..., weight).

    NaN where a weight is not finite.
    """
    moved = weights.astype(np.float64) - reference.astype(np.float64)
    return xr.apply_ufunc(mean_power, moved, input_core_dims=[["weight"]], kwargs={"order": order})


def msd(weights: xr.DataArray, reference: xr.DataArray) -> xr.DataArray:
    """Mean square displacement (1/N) sum_i (w_i - w_i^ref)^2 (KWJ Eq. 7). Weights (..., weight).

    NaN where a weight is not finite.
    """
    return moment(weights, reference, order=2)


def mean_power(moved: np.ndarray, order: int) -> np.ndarray:
    """Mean of moved^order along the last axis, float64, for order 2 or 4; NaN where one is not finite."""
    if order not in (2, 4):
        raise ValueError(f"order must be 2 or 4, not {order}")
    # Products alone: the last bit of a library's power function depends on the processor, and even on the sign. Rows
    # side by side in memory: sums round differently for another layout.
    power = square = np.ascontiguousarray(np.square(moved))
    if order == 4:
        power = np.square(square)
    return np.where(np.isfinite(moved).all(axis=-1), np.mean(power, axis=-1), np.nan)


def alpha2(second: xr.DataArray, fourth: xr.DataArray) -> xr.DataArray:
    """Non-Gaussian parameter <dw^4> / (3 <dw^2>^2) - 1 of scalar displacements (KWJ Eq. 9); 0 for a Gaussian.

    NaN where nothing has moved. Averages over networks and noise are taken of the moments, before the ratio.
    """
    return (fourth / (3 * second**2).where(second > 0)) - 1


def local_slope(curve: xr.DataArray, along: str = "lag") -> xr.DataArray:
    """d log(curve) / d log(along) by central differences on the measured points; NaN at 0 and where the curve is not > 0."""
    positive = curve.where((curve > 0) & (curve[along] > 0))
    log_curve = np.log(positive)
    log_time = np.log(positive[along].where(positive[along] > 0))
    forward, back = {along: -1}, {along: 1}
    rise = log_curve.shift(forward) - log_curve.shift(back)
    return rise / (log_time.shift(forward) - log_time.shift(back))


def motility(weights: xr.DataArray, reference: xr.DataArray) -> xr.DataArray:
    """Number of weights per bin of log10 |w - w_ref| (KWJ Fig. 7): int32 (..., motility_bin).

    The first and the last bin also hold what lies beyond them, exact zeros included; -1 everywhere for a lost network.
    """
    moved = weights.astype(np.float64) - reference.astype(np.float64)
    return xr.apply_ufunc(motility_counts, moved, input_core_dims=[["weight"]], output_core_dims=[["motility_bin"]])


def motility_counts(moved: np.ndarray) -> np.ndarray:
    """Histograms of log10 |moved| along the last axis, int32 (..., motility_bin), as ``motility`` has them."""
    flat = np.abs(moved).reshape(-1, moved.shape[-1])
    rows = np.empty((len(flat), len(MOTILITY_EDGES) - 1), dtype=np.int32)
    low, high = MOTILITY_EDGES[[0, -1]]
    for row, displacements in zip(rows, flat, strict=True):
        if not np.isfinite(displacements).all():
            row[:] = -1
            continue
        logs = np.log10(np.maximum(displacements, 10.0**low))
        row[:] = np.histogram(np.clip(logs, low, high), bins=MOTILITY_EDGES)[0]
    return rows.reshape(*moved.shape[:-1], -1)
