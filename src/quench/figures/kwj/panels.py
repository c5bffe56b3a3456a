"""What several of KWJ's figures share: one dataset a run stacked into panels, and the Brownian lines laid on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from quench.figures.inputs import Inputs
from quench.theory import brownian

TITLES = {
    "regularised": "regularised",
    "underparameterised": "underparameterised",
    "overparameterised": "overparameterised",
}
FACTS = ("chi", "step_size", "P_D", "width", "weight_decay", "n_networks")


def stacked(inputs: Inputs, numbers: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    """``numbers(run)`` of every run of the figure along a new dimension ``panel`` (the run's name), NaN where one run has
    no such temperature or lag; what is known of each run comes along as variables (panel)."""
    panels = []
    for name in inputs.runs:
        run = inputs.run(name)
        known = {fact: run.attrs[fact] for fact in FACTS}
        panels.append(numbers(run).assign(known).expand_dims(panel=[name]))
    joined = xr.concat(panels, "panel", join="outer", combine_attrs="drop_conflicts")
    return joined.sortby("temperature", ascending=False) if "temperature" in joined.dims else joined


def panel(numbers: xr.Dataset, name: str) -> xr.Dataset:
    """One panel of stacked numbers, without the temperatures that its run does not have."""
    one = numbers.sel(panel=name, drop=True)
    return one.dropna("temperature", how="all", subset=[str(v) for v in one if "temperature" in one[v].dims])


def brownian_overlap(run: xr.Dataset) -> xr.DataArray:
    """Overlap of free Brownian weights at the run's own lengths, averaged over its networks (KWJ Eq. 6)."""
    lengths = run["epsilons"].values  # (temperature, network)
    rows = []
    for temperature, epsilons in zip(run["temperature"].values, lengths, strict=True):
        diffusion = brownian.diffusion_constant(run.attrs["step_size"], float(temperature), run.attrs["P_D"])
        curves = [brownian.overlap(run["lag"].values, e, diffusion) for e in epsilons if np.isfinite(e)]
        rows.append(np.mean(curves, axis=0))
    return xr.DataArray(
        rows, dims=("temperature", "lag"), coords={"temperature": run["temperature"], "lag": run["lag"]}
    )


def brownian_tau90(run: xr.Dataset) -> xr.DataArray:
    """tau90 = epsilon^2 P_D / (4 mu T erfinv(0.9)^2) with the run's mean epsilon^2: no free parameter; NaN at T = 0."""
    square = float((run["epsilons"] ** 2).mean())
    values = [
        brownian.tau90(np.sqrt(square), brownian.diffusion_constant(run.attrs["step_size"], t, run.attrs["P_D"]))
        if t > 0
        else np.nan
        for t in run["temperature"].values.astype(float)
    ]
    return xr.DataArray(values, dims="temperature", coords={"temperature": run["temperature"]})
