"""The result of a quantity, the registry of all quantities, and how they read a figure's plotted numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from quench.numerics import intervals
from quench.numerics.intervals import Estimate, Scale


@dataclass(frozen=True)
class Measured:
    """A quantity: ``value``, the ends of its 95 % interval (NaN where it has none), and the number of networks behind it.

    ``reason``: why there is no value (NaN) or no interval. ``exact``: why it needs no interval, empty where it does.
    ``beyond``: some times are not reached within the longest lag, so that the value is a lower bound; ``high`` is infinite.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n_networks: int = 0
    reason: str = ""
    exact: str = ""
    beyond: bool = False

    @classmethod
    def of(cls, estimate: Estimate, missing: str = "no network has this number") -> Measured:
        """An ``estimate`` over networks; ``missing`` is the reason where it has no value."""
        reason = ""
        if math.isnan(estimate.value):
            reason = missing
        elif math.isnan(estimate.low):
            reason = f"no interval: {estimate.n} network{'s' if estimate.n != 1 else ''}"
        return cls(*estimate, reason)


class Missing(Exception):
    """The figures of this scenario lack what a quantity needs, such as a phase or a temperature."""


Quantity = Callable[..., Measured]
"""``quantity(*figures, **arguments)``: takes the plotted numbers of the figures that a claim reads, in its order."""

# By module and name; a module registers its quantities when it is imported.
QUANTITIES: dict[str, dict[str, Quantity]] = {}


def quantity(function: Quantity) -> Quantity:
    """Register ``function`` under the name that claims give it, such as ``kwj_phases.regions``."""
    module = function.__module__.rpartition(".")[2]
    QUANTITIES.setdefault(module, {})[function.__name__] = function
    return function


def of_panel(numbers: xr.Dataset, panel: str | None) -> xr.Dataset:
    """One panel of a figure, or the figure itself for None; ``Missing`` for a panel that it does not show."""
    if panel is None:
        return numbers
    if panel not in [str(name) for name in numbers["panel"].values]:
        raise Missing(f"the figure shows no {panel!r}")
    return numbers.sel(panel=panel, drop=True)


def within(one: xr.Dataset, temperatures: tuple[float, float]) -> xr.Dataset:
    """``one`` at the temperatures from one to another, ends included; ``Missing`` where there is none."""
    values, (low, high) = one["temperature"].values, temperatures
    chosen = one.isel(temperature=(values >= 0.99 * low) & (values <= 1.01 * high))
    if not chosen.sizes["temperature"]:
        raise Missing(f"no temperature from {low:g} to {high:g}")
    return chosen


def networks(numbers: xr.Dataset) -> int:
    """Number of networks behind one panel."""
    return int(numbers["n_networks"])


def mean(numbers: ArrayLike, scale: Scale = "linear", missing: str = "no network has this number") -> Measured:
    """The mean of one number per network with Student's interval; networks without the number (NaN) are left out."""
    return Measured.of(intervals.mean(numbers, scale), missing)


def jackknifed(numbers: xr.DataArray, count: int, scale: Scale = "log", missing: str = "") -> Measured:
    """A number of the ensemble along the dimension ``left_out``: of all ``count`` networks, then without each."""
    values = numbers.isel(left_out=slice(0, 1 + count if count > 1 else 1)).values
    found = Measured.of(intervals.jackknifed(values, scale), missing)
    return dataclasses.replace(found, n_networks=count)


def size(measured: Measured) -> Measured:
    """``measured`` with the sign that makes its value positive, so that a limit on its size is one limit."""
    if measured.value >= 0 or math.isnan(measured.value):
        return measured
    return dataclasses.replace(measured, value=-measured.value, low=-measured.high, high=-measured.low)


def single(one: xr.Dataset, name: str, *dims: str) -> np.ndarray:
    """The numbers ``name``_single of the single networks, with dimensions ``dims`` and then network."""
    values: np.ndarray = one[f"{name}_single"].transpose(*dims, "network").values
    return values
