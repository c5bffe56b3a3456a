"""The fluctuation-dissipation ratio X = 2 T chi/MSD of an ensemble (Cugliandolo & Kurchan 1993): 1 in equilibrium."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from quench.numerics import intervals
from quench.theory import brownian

_NEEDED = ("temperature", "step_size", "P_D")


def ratio(over: xr.DataArray, under: xr.DataArray) -> dict[str, xr.DataArray]:
    """Ratio of the means over the dimension network, with its jackknife interval: mean, low and high.

    X is that of 2 T chi = 2 D t G, G being the observable ``response``, and the mean square displacement.
    """
    rows = xr.DataArray(intervals.without_each(over.sizes["network"]), dims=("left_out", "network"))
    over, under = (xr.dot(rows, one.transpose("network", ...), dim="network") for one in (over, under))
    ratios = over / under
    low, high = intervals.jackknife(ratios.values)
    whole = ratios.isel(left_out=0)
    return {"mean": whole, "low": whole.copy(data=low), "high": whole.copy(data=high)}


def drift_temperature(temperature: xr.DataArray, ratio: xr.DataArray) -> xr.DataArray:
    """T_0 = T (1/X - 1) of the ``ratio`` X at ``temperature`` T: the effective temperature T/X is T + T_0."""
    return temperature * (1 / ratio - 1)


def sentence(observables: xr.Dataset, config: Mapping[str, Any]) -> str:
    """X at the longest lag of the oldest waiting time that has it, in words; empty where no response was measured.

    ``config`` of the trajectory must hold T, mu and P_D as ``temperature``, ``step_size`` and ``P_D``. Where there is no X
    the sentence says why.
    """
    if "response_mean" not in observables or config.get("anneal"):
        return ""
    values = [config.get(name) for name in _NEEDED]
    for name, value in zip(_NEEDED, values, strict=True):
        if not isinstance(value, int | float) or not value > 0:
            return f"no X = 2 T chi/MSD: the recording's config holds no positive number {name!r}"
    known = observables["response_mean"].notnull() & (observables["msd_mean"] > 0)
    if not known.any():
        return "no X = 2 T chi/MSD: the noise of a network was not recorded, or none is left"
    lag = int(observables["lag"][known.any("waiting_time").values][-1])
    age = int(observables["waiting_time"][known.sel(lag=lag).values][-1])
    at = observables.sel(lag=lag, waiting_time=age).isel(network=observables["averaged"].values == 1)
    free = 2 * brownian.diffusion_constant(*map(float, values)) * lag  # type: ignore[arg-type]
    mean, low, high = (float(value) for value in ratio(free * at["response"], at["msd"]).values())
    interval = f" [{low:.3g}, {high:.3g}]" if np.isfinite(low) else ""
    return f"X = 2 T chi/MSD = {mean:.3g}{interval} at lag {lag} after t_w = {age} (1 in equilibrium)"
