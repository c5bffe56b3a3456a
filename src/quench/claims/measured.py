"""What a quantity gives back, and how it picks one phase out of a figure's plotted numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True)
class Measured:
    """A quantity: ``value`` (NaN where it does not exist, with ``reason``), the ends of its 95 % interval (NaN where it
    has none) and the number of networks behind it. Infinite values are meant: a time that is never reached."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n_networks: int = 0
    reason: str = ""


def of_panel(numbers: xr.Dataset, panel: str) -> xr.Dataset:
    """One panel of a figure; ``KeyError`` for a phase that it does not show."""
    if panel not in [str(name) for name in numbers["panel"].values]:
        raise KeyError(f"no phase {panel!r}")
    return numbers.sel(panel=panel, drop=True)


def networks(numbers: xr.Dataset) -> int:
    """Number of networks behind one panel."""
    return int(numbers["n_networks"]) if "n_networks" in numbers else 0


def stored(numbers: xr.Dataset, name: str) -> Measured:
    """A number that the figure itself gives, with its interval where it has one."""
    ends = [float(numbers[f"{name}_{end}"]) if f"{name}_{end}" in numbers else math.nan for end in ("low", "high")]
    return Measured(float(numbers[name]), *ends, networks(numbers))
