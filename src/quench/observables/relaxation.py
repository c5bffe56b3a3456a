"""Relaxation times: when the overlap falls to a level, interpolated between recorded lags, censored where it does not."""

from __future__ import annotations

import numpy as np
import xarray as xr

LEVELS = {"tau90": 0.9, "tau_e": float(np.exp(-1.0))}


def crossing_time(curve: xr.DataArray, level: float, along: str = "lag") -> xr.DataArray:
    """First time at which ``curve`` falls to ``level``, interpolated linearly in log t between the two times around it.

    From lag 0, which has no logarithm, the interpolation is linear in t. NaN where the level is never reached (censored:
    the time is longer than the longest lag measured, see ``longest_lag``). Units of ``along``; that dimension is reduced.
    """
    times = curve[along].values.astype(np.float64)
    crossed: xr.DataArray = xr.apply_ufunc(
        lambda values: first_crossing(times, values, level),
        curve,
        input_core_dims=[[along]],
        vectorize=True,
        output_dtypes=[np.float64],
    )
    return crossed


def first_crossing(times: np.ndarray, values: np.ndarray, level: float) -> float:
    """``crossing_time`` of one curve, ``values`` (time) at ``times`` (time); points that are not finite are left out."""
    kept = np.isfinite(values)
    t, q = times[kept], values[kept]
    below = np.flatnonzero(q <= level)
    if not below.size:
        return np.nan
    after = below[0]
    if after == 0 or q[after] == level:
        return float(t[after])
    share = (q[after - 1] - level) / (q[after - 1] - q[after])
    if t[after - 1] <= 0:
        return float(t[after - 1] + share * (t[after] - t[after - 1]))
    return float(t[after - 1] * (t[after] / t[after - 1]) ** share)


def longest_lag(curve: xr.DataArray, along: str = "lag") -> xr.DataArray:
    """Longest measured lag of every curve: a censored relaxation time lies beyond it; NaN where nothing was measured."""
    return curve[along].where(np.isfinite(curve)).max(along)
