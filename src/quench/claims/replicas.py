"""Quantities of replicas and of persistence: chance and fate, weights that move together, weights that came back."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, mean, of_panel, quantity, size, within

_LATE = "the overlap does not fall far enough within the longest lag"


@quantity
def at_level(numbers: xr.Dataset, panel: str, name: str, temperatures: tuple[float, float]) -> Measured:
    """The number ``name`` of the figure at Q = 0.7, mean over the ``temperatures`` from one to another that reach it."""
    one = within(of_panel(numbers, panel), temperatures)
    return mean(one[f"{name}_single"].mean("temperature").values, missing=_LATE)


@quantity
def propensity_rise(numbers: xr.Dataset, panel: str) -> Measured:
    """Smallest rise of P, mean over networks, from one temperature to the next lower one that reaches Q = 0.7."""
    one = of_panel(numbers, panel)["propensity_single"].sortby("temperature", ascending=False)
    rises = one.dropna("temperature", how="all").transpose("temperature", "network").values
    rises = rises[1:] - rises[:-1]
    if not len(rises):
        return mean([np.nan], missing=_LATE)
    return mean(rises[np.nanargmin(np.nanmean(rises, axis=1))])


@quantity
def persistence_excess(numbers: xr.Dataset, panel: str, temperatures: tuple[float, float]) -> Measured:
    """Largest distance of P from that of free weights, mean over networks, at any lag and any of the ``temperatures``."""
    one = within(of_panel(numbers, panel), temperatures)["excess_single"]
    rows = one.stack(place=("temperature", "lag")).transpose("place", "network").values
    rows = rows[np.isfinite(rows).any(axis=1)]
    return size(mean(rows[np.abs(np.nanmean(rows, axis=1)).argmax()]))


@quantity
def returned(numbers: xr.Dataset, panel: str, temperature: float) -> Measured:
    """Share (Q - P)/Q of the weights within epsilon that had left before, where Q = 0.6."""
    one = within(of_panel(numbers, panel), (temperature, temperature))
    return mean(one["level_returned_single"].isel(temperature=0).values, missing=_LATE)
