"""Relaxation times: when the overlap falls to a level, interpolated between recorded lags, censored where it does not."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import erfinv

LEVELS = {"tau90": 0.9, "tau_e": float(np.exp(-1.0))}
# A smaller overlap is that of no weight at all.
NONE_LEFT = 1e-12


def crossing_time(curve: xr.DataArray, level: float, along: str = "lag") -> xr.DataArray:
    """First time at which the overlap ``curve`` falls to ``level``, interpolated between the two times around it.

    The interpolation is exact for free Brownian weights and wherever the displacement grows as a power of time
    (``first_crossing``). NaN where the level is never reached (censored: the time is longer than the longest lag measured,
    see ``longest_lag``). Units of ``along``; that dimension is reduced.
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
    """``crossing_time`` of one curve, ``values`` (time) at ``times`` (time); points that are not finite are left out.

    Q = erf(epsilon / sqrt(2 m)) of Gaussian displacements of mean square m makes u = erfinv(Q)^-2 proportional to m. u is
    interpolated as a power of time; linearly from a point where no weight has moved (u = 0); and where every weight has
    (Q = 0, u infinite), Q itself linearly.
    """
    kept = np.isfinite(values)
    t, q = times[kept], values[kept]
    below = np.flatnonzero(q <= level)
    if not below.size:
        return np.nan
    after = below[0]
    if after == 0 or q[after] == level:
        return float(t[after])
    (earlier, later), (start, end) = t[after - 1 : after + 1], q[after - 1 : after + 1]
    if end < NONE_LEFT:
        return float(earlier + (start - level) / (start - end) * (later - earlier))
    before, here, goal = erfinv([min(start, 1.0), end, level]) ** -2.0
    if before == 0 or earlier <= 0:
        return float(earlier + (goal - before) / (here - before) * (later - earlier))
    return float(earlier * (later / earlier) ** (np.log(goal / before) / np.log(here / before)))


def longest_lag(curve: xr.DataArray, along: str = "lag") -> xr.DataArray:
    """Longest measured lag of every curve: a censored relaxation time lies beyond it; NaN where nothing was measured."""
    return curve[along].where(np.isfinite(curve)).max(along)
