"""The overlap of two configurations: the share of weights that stayed within a length (KWJ Sec. III.2, App. B)."""

from __future__ import annotations

import numpy as np
import xarray as xr


def overlap(weights: xr.DataArray, reference: xr.DataArray, epsilon: xr.DataArray | float) -> xr.DataArray:
    """Fraction of weights that moved by at most ``epsilon`` (Kerr Winter & Janssen 2024, Eq. 4).

    Q = (1/N) sum_i [1 - Theta(|w_i - w_i^ref| - epsilon)]

    Parameters: ``weights`` (..., weight) and ``reference`` (..., weight), dimensionless; ``epsilon`` > 0, same units, one
    number or one per network. Returns Q in [0, 1] with the ``weight`` dimension reduced; NaN where a weight is not finite.
    Raises ``ValueError`` where epsilon is not positive or is below the float resolution of the weights.
    """
    check_resolution(np.abs(reference).max("weight", skipna=False), epsilon, reference.dtype)
    moved = weights.astype(np.float64) - reference.astype(np.float64)
    return xr.apply_ufunc(share_within, moved, xr.DataArray(epsilon), input_core_dims=[["weight"], []])


def share_within(moved: np.ndarray, epsilon: np.ndarray | float) -> np.ndarray:
    """Share of |moved| <= epsilon along the last axis of ``moved``, float64; NaN where one is not finite."""
    counts = np.count_nonzero(np.abs(moved) <= np.expand_dims(epsilon, -1), axis=-1)
    return np.where(np.isfinite(moved).all(axis=-1), counts / moved.shape[-1], np.nan)


def check_resolution(largest: xr.DataArray, epsilon: xr.DataArray | float, dtype: np.dtype) -> None:
    """Raise ``ValueError`` where ``epsilon`` is not positive or not above the spacing of floats at the largest weight."""
    # A lost network has no length scale; whatever it left behind must not stop the others.
    largest = largest.where(np.isfinite(largest))
    resolution = np.finfo(dtype).eps * largest
    length = xr.DataArray(epsilon)
    if bool((length <= 0).any()):
        raise ValueError("epsilon must be positive")
    if bool((length <= resolution).any()):
        raise ValueError(
            f"epsilon = {float(length.min()):.3g} is below the resolution {float(resolution.max()):.3g} of"
            f" {dtype} weights as large as {float(largest.max()):.3g}; use a smaller chi"
        )
