"""Pieces that the figures of the response share: runs at all temperatures, their fluctuation-dissipation ratio, panels."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.estimators.fluctuation_dissipation import ratio
from quench.figures.figure_inputs import FigureInputs, facts
from quench.figures.stacking import stack_panels
from quench.networks.state import singles
from quench.store.variables import config_of
from quench.theory import brownian

MEANS = {
    "free": "mean square displacement 2 D t of a free weight",
    "response_single": "response G to a field, over that of a free weight, of each network",
    "ratio": "fluctuation-dissipation ratio X = 2 T chi/MSD",
    "ratio_mean": "fluctuation-dissipation ratio X = 2 T chi/MSD, ratio of the means over networks",
    "layer_ratio_mean": "fluctuation-dissipation ratio X of a layer, ratio of the means over networks",
    "ratio_single": "fluctuation-dissipation ratio X of each network",
    "tau90_single": ("tau90 of each network", "updates"),
    "layer_ratio": "fluctuation-dissipation ratio X of a layer",
    "layer_ratio_single": "fluctuation-dissipation ratio X of a layer, of each network",
    "layer": "layer, 0 at the input",
    "control_cosine_single": "cosine c of the displacement and that at T = 0, of each network",
    "control_projection_single": "projection p of the displacement on that at T = 0, of each network",
    "control_cosine": "cosine c of the displacement and that of the same network at T = 0",
    "control_projection": "projection p of the displacement on that of the same network at T = 0",
}
_MEASURED = ("msd", "response", "layer_overlap", "layer_msd", "layer_response", "control_cosine", "control_projection")


def stacked(inputs: FigureInputs) -> xr.Dataset:
    """All runs under ``response`` along a new dimension ``panel`` (the run's name), NaN where one lacks a T, t_w or lag."""
    parts = [of_run(inputs, name).expand_dims(panel=[name]) for name in inputs.of("response")]
    return stack_panels(parts).sortby("temperature", ascending=False)


def of_run(inputs: FigureInputs, name: str) -> xr.Dataset:
    """The response of a run, from the hottest temperature to the coldest: (temperature, waiting_time, lag, ...).

    Of G, the moments, Q by layer and what compares with T = 0: mean and interval. X: the ratio of means over networks, with
    its jackknife interval. ``response_single`` and ``ratio_single`` hold each network's own.
    """
    chosen = inputs.choices.get("temperatures", ())
    files = {float(config_of(one)["trajectory"]["temperature"]): one for one in inputs.of("response")[name]}
    points = sorted((T for T in files if not chosen or T in chosen), reverse=True)
    parts = [_at_temperature(files[T]).expand_dims(temperature=[T]) for T in points]
    stacked = stack_panels(parts, "temperature")
    known = facts(files[points[0]])
    return stacked.assign({fact: known[fact] for fact in ("chi", "step_size", "P_D", "n_networks")})


def _at_temperature(measured: xr.Dataset) -> xr.Dataset:
    """Numbers of one file: means, intervals, and X whole and by layer."""
    trajectory = config_of(measured)["trajectory"]
    diffusion = brownian.diffusion_constant(*(trajectory[key] for key in ("step_size", "temperature", "P_D")))
    measured = measured.isel(lag=measured["lag"].values > 0)
    # A network that diverged at this temperature alone keeps its place among the others.
    own = singles(measured).drop_vars(["seed", "state"], errors="ignore")
    alive = own.isel(network=own["diverged_at"].values < 0)
    own = own.drop_vars("diverged_at")
    free = 2 * diffusion * measured["lag"].astype(float)
    names = [f"{name}_{end}" for name in _MEASURED for end in ("mean", "low", "high") if f"{name}_{end}" in measured]
    single = {
        "response_single": own["response"],
        "ratio_single": free * own["response"] / own["msd"],
        "layer_ratio_single": free * own["layer_response"] / own["layer_msd"],
        "tau90_single": own["tau90"],
    }
    single |= {f"{name}_single": own[name] for name in ("control_cosine", "control_projection") if name in own}
    ratios = {
        f"{layer}ratio_{end}": values
        for layer in ("", "layer_")
        for end, values in ratio(free * alive[f"{layer}response"], alive[f"{layer}msd"]).items()
    }
    return measured[names].assign(single | ratios | {"free": free})


def near(numbers: xr.Dataset, lag: float) -> xr.Dataset:
    """``numbers`` at the lag closest to ``lag``, which must be within a third of it; NaN where there is none.

    At low T networks at the edge of stability oscillate with period 2: below 100 updates even lags alone are compared.
    """
    lags = numbers["lag"].values
    even = np.flatnonzero((lags % 2 == 0) | (lags >= 100))
    place = even[np.abs(np.log(lags[even] / lag)).argmin()] if even.size else 0
    chosen = numbers.isel(lag=place)
    return chosen if abs(np.log(lags[place] / lag)) < 0.3 else chosen.where(False)


def even(numbers: xr.Dataset) -> xr.Dataset:
    """``numbers`` at even lags, between which networks at the edge of stability do not oscillate."""
    return numbers.isel(lag=numbers["lag"].values % 2 == 0)


def oldest(numbers: xr.Dataset) -> xr.Dataset:
    """``numbers`` of one panel at its last waiting time, without the temperatures and lags that it does not have."""
    one = numbers.dropna("waiting_time", how="all", subset=["ratio_mean"]).isel(waiting_time=-1)
    for dimension in ("temperature", "lag"):
        one = one.dropna(dimension, how="all", subset=["ratio_mean"])
    return one
