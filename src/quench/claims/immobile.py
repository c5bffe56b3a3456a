"""Quantities of the immobile weights: their shares among dead and live weights, and their size."""

from __future__ import annotations

import xarray as xr

from quench.claims.measured import Measured, mean, of_panel, quantity, single


@quantity
def immobile_of_dead(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of immobile weights among those with a data gradient of exactly zero."""
    return _share(numbers, panel, "immobile_of_dead", "no weight has a data gradient of exactly zero")


@quantity
def immobile_of_live(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of immobile weights among those with a data gradient."""
    return _share(numbers, panel, "immobile_of_live", "every weight has a data gradient of exactly zero")


@quantity
def dead_of_immobile(numbers: xr.Dataset, panel: str) -> Measured:
    """Share of weights with a data gradient of exactly zero among the immobile ones."""
    return _share(numbers, panel, "dead_of_immobile", "no weight is immobile")


@quantity
def size_ratio(numbers: xr.Dataset, panel: str) -> Measured:
    """Median size of the immobile weights over that of the mobile ones, geometric mean over networks."""
    one = of_panel(numbers, panel)
    return mean(single(one, "immobile_size") / single(one, "mobile_size"), "log", "no weight is immobile")


def _share(numbers: xr.Dataset, panel: str, name: str, absent: str) -> Measured:
    return mean(single(of_panel(numbers, panel), name), missing=absent)
