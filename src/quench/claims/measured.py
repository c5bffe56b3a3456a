"""The result of a quantity, the registry of all quantities, and how they read a figure's plotted numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

BOUNDS = ("value", "low", "high")


@dataclass(frozen=True)
class Measured:
    """A quantity: ``value`` (NaN where it does not exist, with ``reason``), the ends of its 95 % interval (NaN where it
    has none) and the number of networks behind it. An infinite value is a result: a time that is never reached."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n_networks: int = 0
    reason: str = ""


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
    """One panel of a figure, or the figure itself for None; ``KeyError`` for a panel that it does not show."""
    if panel is None:
        return numbers
    if panel not in [str(name) for name in numbers["panel"].values]:
        raise KeyError(f"no phase {panel!r}")
    return numbers.sel(panel=panel, drop=True)


def networks(numbers: xr.Dataset) -> int:
    """Number of networks behind one panel."""
    return int(numbers["n_networks"]) if "n_networks" in numbers else 0


def stored(numbers: xr.Dataset, name: str) -> Measured:
    """A number of the figure, with the ends of its interval where the figure has them."""
    low, high = (float(numbers[f"{name}_{end}"]) if f"{name}_{end}" in numbers else math.nan for end in ("low", "high"))
    return Measured(float(numbers[name]), low, high, networks(numbers))


def bounded(values: xr.DataArray, n_networks: int, missing: str = "") -> Measured:
    """Value and interval along the dimension ``bound``; ``missing`` is the reason where the value is NaN."""
    value, low, high = (float(values.sel(bound=bound)) for bound in BOUNDS)
    return Measured(value, low, high, n_networks, missing if math.isnan(value) else "")
