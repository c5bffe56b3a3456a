"""What several of KWJ's figures share: one dataset a run stacked into panels, and the Brownian lines laid on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from quench.estimators.resampling import joint_crossings
from quench.figures import style
from quench.figures.inputs import Inputs
from quench.figures.stacking import joined
from quench.observables.relaxation import LEVELS
from quench.theory import brownian

PHASES = ("regularised", "underparameterised", "overparameterised")
FACTS = ("chi", "step_size", "P_D", "width", "weight_decay", "n_networks")


def stacked(
    inputs: Inputs, numbers: Callable[[xr.Dataset], xr.Dataset], names: Sequence[str] | None = None
) -> xr.Dataset:
    """``numbers(run)`` of every run of the figure along a new dimension ``panel`` (the run's name), NaN where one run has
    no such temperature or lag; what is known of each run comes along as variables (panel)."""
    panels = []
    for name in names or inputs.runs:
        run = inputs.run(name)
        known = {fact: run.attrs[fact] for fact in FACTS}
        panels.append(numbers(run).assign(known).expand_dims(panel=[name]))
    whole = joined(panels, "panel")
    return whole.sortby("temperature", ascending=False) if "temperature" in whole.dims else whole


def title(name: str) -> str:
    """What a run is called over its panel: ``cifar_regularised`` is "regularised, CIFAR-10"."""
    phase = next((phase for phase in PHASES if phase in name), name)
    return f"{phase}, CIFAR-10" if name.startswith("cifar") else phase


def panel(numbers: xr.Dataset, name: str) -> xr.Dataset:
    """One panel of stacked numbers, without the temperatures and lags that its run does not have."""
    one = numbers.sel(panel=name, drop=True)
    for dimension in ("temperature", "lag"):
        has_it = [str(v) for v in one if dimension in one[v].dims]
        if has_it:
            one = one.dropna(dimension, how="all", subset=has_it)
    return one.assign_attrs(temperatures=numbers["temperature"].values) if "temperature" in numbers.dims else one


def palette(one: xr.Dataset) -> list:
    """A colour for every temperature of a panel, the same as in the other panels of its figure."""
    return style.colors(one["temperature"].values, one.attrs.get("temperatures"))


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


def brownian_tau(run: xr.Dataset, level: float = 0.9) -> xr.DataArray:
    """tau = epsilon^2 P_D / (4 mu T erfinv(level)^2) with the run's mean epsilon^2: no free parameter; NaN at T = 0."""
    length = np.sqrt(float((run["epsilons"] ** 2).mean()))
    values = [
        brownian.tau(level, length, brownian.diffusion_constant(run.attrs["step_size"], t, run.attrs["P_D"]))
        if t > 0
        else np.nan
        for t in run["temperature"].values.astype(float)
    ]
    return xr.DataArray(values, dims="temperature", coords={"temperature": run["temperature"]})


def paired_times(inputs: Inputs, name: str, quantity: str = "tau90", **choice) -> xr.DataArray:
    """Relaxation times of jointly resampled networks, (resample, temperature); row 0 is that of all networks."""
    files = inputs.networks(name, **choice)
    lags = files[0]["lag"].values.astype(float)
    alive = np.logical_and.reduce([np.isfinite(dataset["overlap"].isel(lag=0)).values for dataset in files])
    tables = [dataset["overlap"].transpose("network", "lag").values[alive] for dataset in files]
    if not alive.any():
        return xr.DataArray(np.full((1, len(files)), np.nan), dims=("resample", "temperature"))
    return xr.DataArray(joint_crossings(lags, tables, LEVELS[quantity]), dims=("resample", "temperature"))


def relaxation_times(ax: Axes, one: xr.Dataset, name: str, label: str) -> None:
    """A relaxation time against T with intervals, the Brownian line, and the level at T = 0 (KWJ Fig. 3d-f, A4)."""
    hot = one.isel(temperature=one["temperature"].values > 0)
    temperatures = hot["temperature"].values
    for row, color in zip(range(len(temperatures)), palette(hot), strict=True):
        point = hot.isel(temperature=row)
        value, low, high = (float(point[f"{name}_{end}"]) for end in ("mean", "low", "high"))
        # Within the first update there is nothing to see but the interpolation from t = 0.
        if np.isfinite(value) and value >= 1:
            up = high - value if np.isfinite(high) else 0.0
            error = [[max(value - low, 0)], [max(up, 0)]]
            ax.errorbar(temperatures[row], value, yerr=error, color=color, fmt="o", ms=4, capsize=2)
    ax.plot(temperatures, hot[f"{name}_brownian"], **style.THEORY, label="free Brownian weights (slope $-1$)")
    measured = hot[f"{name}_mean"].values
    if 0 in one["temperature"].values:
        frozen = float(one[f"{name}_mean"].sel(temperature=0))
        if np.isfinite(frozen):
            ax.axhline(frozen, **style.LEVEL, label="$T=0$")
            measured = np.append(measured, frozen)
    ax.set_xscale("log")
    ax.set_yscale("log")
    seen = measured[np.isfinite(measured) & (measured >= 1)]
    if seen.size:
        ax.set_ylim(seen.min() / 4, seen.max() * 6)
    ax.set(xlabel="$T$", ylabel=rf"{label} (updates)")
    style.log_ticks(ax)
    ax.legend(loc="lower left")


def frozen_level(run: xr.Dataset) -> float:
    """tau90 at T = 0, else at the coldest temperature; NaN where it is not reached."""
    return float(run["tau90_mean"].values[int(run["temperature"].values.argmin())])
