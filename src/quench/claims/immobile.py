"""Quantities of the immobile weights: their shares among dead and live weights, and their size."""

from __future__ import annotations

import math

import xarray as xr

from quench.claims.measured import Measured, networks, of_panel, quantity


@quantity
def immobile_of_dead(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of immobile weights among those with a data gradient of exactly zero."""
    return _number(numbers, panel, "immobile_of_dead", "no weight has a data gradient of exactly zero")


@quantity
def immobile_of_live(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of immobile weights among those with a data gradient."""
    return _number(numbers, panel, "immobile_of_live", "every weight has a data gradient of exactly zero")


@quantity
def size_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Median size of the immobile weights over that of the mobile ones."""
    one = of_panel(numbers, panel)
    return Measured(float(one["immobile_size"] / one["mobile_size"]), n_networks=networks(one))


def _number(numbers: xr.Dataset, panel: str, name: str, absent: str) -> Measured:
    one = of_panel(numbers, panel)
    value = float(one[name])
    return Measured(value, n_networks=networks(one), reason=absent if math.isnan(value) else "")
