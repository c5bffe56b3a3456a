"""Files and variables that say what they hold: CF-style attributes on every variable, resolved parameters on every file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr


def described(values: Any, dims: tuple[str, ...], long_name: str, units: str = "1", **attrs: Any) -> xr.Variable:
    """A variable with CF-style attributes; ``references`` and ``comment`` go in ``attrs``."""
    return xr.Variable(dims, np.asarray(values), {"long_name": long_name, "units": units, **attrs})


def config_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The resolved parameters that the step which wrote ``dataset`` ran with; empty for a foreign file."""
    return json.loads(dataset.attrs["config"]) if "kind" in dataset.attrs else {}


def whole(chunks: Sequence[xr.Dataset], along: str) -> xr.Dataset:
    """Chunks of one result along ``along``; what does not have this dimension is that of the first."""
    return xr.concat(chunks, along, data_vars="minimal", coords="minimal", join="exact", combine_attrs="override")


def layers(index: Any, **attrs: Any) -> xr.Variable:
    """The coordinate ``layer`` (weight)."""
    return described(index, ("weight",), "layer of each weight, 0 at the input", **attrs)
