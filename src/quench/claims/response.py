"""Quantities of the response: the fluctuation-dissipation ratio X, the drift temperature, layers, and the run at T = 0."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, Missing, jackknifed, mean, of_panel, quantity, within
from quench.estimators import powerlaw
from quench.estimators.fluctuation_dissipation import drift_temperature
from quench.figures.ours import responses
from quench.numerics import intervals


@quantity
def ratio(numbers: xr.Dataset, panel: str, lag: float, temperatures: tuple[float, float]) -> Measured:
    """X at the oldest t_w and the even lag nearest to ``lag``, mean over the ``temperatures`` from one to another."""
    single = within(_at(numbers, panel, lag), temperatures)["ratio_single"]
    return mean(single.mean("temperature").values)


@quantity
def drift_slope(numbers: xr.Dataset, panel: str, lag: float, temperatures: tuple[float, float]) -> Measured:
    """Exponent of the drift temperature T_0 = T (1/X - 1) against T, mean over networks; 1 for a mean-field glass."""
    one = within(_at(numbers, panel, lag), temperatures)
    return mean(_exponents(one, "temperature"))


@quantity
def drift_over_kink(numbers: xr.Dataset, panel: str, temperatures: tuple[float, float]) -> Measured:
    """T_0 at each network's own tau90 of T = 0, over its T*: geometric mean over ``temperatures`` and networks."""
    one = within(responses.oldest(of_panel(numbers, panel)), temperatures)
    logs = xr.DataArray(np.log(one["drift_single"].where(one["drift_single"] > 0)))
    own = np.exp(logs.mean("temperature"))
    return mean(own / one["kink_single"], "log", "no network has tau90 at T = 0 and X below 1 there")


@quantity
def response_spread(numbers: xr.Dataset, panel: str, lag: float, temperatures: tuple[float, float]) -> Measured:
    """Largest over smallest response G of the ``temperatures``, of the means over networks."""
    table = within(_at(numbers, panel, lag), temperatures)["response_single"].transpose("network", "temperature")
    values = table.dropna("network", how="all").values

    def spread(members: np.ndarray) -> float:
        means = values[members].mean(axis=0)
        return float(means.max() / means.min())

    found = xr.DataArray(intervals.leaving_out(spread, len(values)), dims="left_out")
    return jackknifed(found, len(values))


@quantity
def drift_ageing(numbers: xr.Dataset, panel: str, lag: float) -> Measured:
    """Exponent of the drift temperature T_0 against the waiting time t_w, mean over networks."""
    one = responses.near(of_panel(numbers, panel), lag).dropna("temperature", how="all", subset=["ratio_single"])
    one = one.isel(temperature=0).dropna("waiting_time", how="all", subset=["ratio_single"])
    return mean(_exponents(one, "waiting_time"))


@quantity
def layer_over_layer(numbers: xr.Dataset, panel: str, lag: float, layers: tuple[int, int]) -> Measured:
    """X of one layer over X of another (counted from 1 at the input) at the temperature that the figure shows."""
    one = _at(numbers, panel, lag).isel(temperature=0)["layer_ratio_single"]
    if max(layers) > one.sizes["layer"]:
        raise Missing(f"the networks have {one.sizes['layer']} layers")
    first, second = (one.sel(layer=layer - 1) for layer in layers)
    return mean(first / second)


@quantity
def hidden_layers(numbers: xr.Dataset, panel: str, lag: float) -> Measured:
    """X of the layers between two hidden layers, mean over them, at the temperature that the figure shows."""
    one = _at(numbers, panel, lag).isel(temperature=0)["layer_ratio_single"]
    return mean(one.isel(layer=slice(1, -1)).mean("layer"))


@quantity
def control_projection(numbers: xr.Dataset, panel: str, temperature: float) -> Measured:
    """Projection of the displacement at ``temperature`` on that of the same network at T = 0, mean over networks."""
    return _beside_control(numbers, panel, temperature, "control_projection")


@quantity
def control_cosine(numbers: xr.Dataset, panel: str, temperature: float) -> Measured:
    """Cosine of the displacement at ``temperature`` and that of the same network at T = 0, mean over networks."""
    return _beside_control(numbers, panel, temperature, "control_cosine")


def _beside_control(numbers: xr.Dataset, panel: str, temperature: float, name: str) -> Measured:
    one = within(of_panel(numbers, panel), (temperature, temperature)).isel(temperature=0)
    return mean(one[f"{name}_single"], missing="no network moves at T = 0")


def _at(numbers: xr.Dataset, panel: str, lag: float) -> xr.Dataset:
    return responses.near(responses.oldest(of_panel(numbers, panel)), lag)


def _exponents(one: xr.Dataset, along: str) -> np.ndarray:
    """Exponent of T_0 against ``along``, of each network; NaN for fewer than three points with X between 0 and 1."""
    drift = drift_temperature(one["temperature"], one["ratio_single"])
    return powerlaw.exponents(one[along], drift.transpose(along, "network"), points=3)
