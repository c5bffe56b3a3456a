"""Overlap of two configurations: the share of weights that moved by at most a length (KWJ Sec. III.2, App. B)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Spacing of the numbers from 1 on, of types that NumPy lacks.
_SPACING = {"bfloat16": 2.0**-7, "float8_e4m3fn": 2.0**-3, "float8_e5m2": 2.0**-2}


def overlap(displacement: np.ndarray, epsilon: ArrayLike) -> np.ndarray:
    """Fraction of weights that moved by at most ``epsilon`` (Kerr Winter & Janssen 2024, Eq. 4), float64 (...).

    Q = (1/N) sum_i [1 - Theta(|w_i - w_i^ref| - epsilon)]

    ``displacement`` w - w^ref, float64 (..., weight), dimensionless; ``epsilon`` > 0, one number or one per network (...),
    above the resolution of the weights (``check_resolution``). NaN where a weight is not finite.
    """
    counts = np.count_nonzero(np.abs(displacement) <= np.expand_dims(epsilon, -1), axis=-1)
    return np.where(np.isfinite(displacement).all(axis=-1), counts / displacement.shape[-1], np.nan)


def check_resolution(largest: ArrayLike, epsilon: ArrayLike, dtype: str) -> None:
    """Raise ``ValueError`` where ``epsilon`` is not positive or not above the spacing of floats at the largest weight.

    ``largest``: largest |w| of each network, whose weights have the type of name ``dtype``, one of NumPy's or torch's;
    ``epsilon``: one number, or one each.
    """
    # A diverged network has no length scale; its weights must not stop the others.
    largest = np.where(np.isfinite(largest), largest, np.nan)
    resolution = _spacing(dtype) * largest
    length = np.asarray(epsilon)
    if (length <= 0).any():
        raise ValueError("epsilon must be positive")
    if (length <= resolution).any():
        raise ValueError(
            f"epsilon = {np.nanmin(length):.3g} is below the resolution {np.nanmax(resolution):.3g} of"
            f" {dtype} weights as large as {np.nanmax(largest):.3g}; use a smaller chi"
        )


def _spacing(dtype: str) -> float:
    """The distance from 1 to the next larger number of a floating-point type."""
    try:
        return _SPACING[dtype] if dtype in _SPACING else float(np.finfo(dtype).eps)
    except (TypeError, ValueError):
        raise ValueError(f"dtype_of_weights: {dtype!r} is not a floating-point type") from None
