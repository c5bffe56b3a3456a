"""Variables with CF-style attributes, chunks put together, and the parameters that a file was made with.

The one module of ``store`` that is part of every fingerprint: names and units are part of a result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr


def described(values: Any, dims: tuple[str, ...], long_name: str, units: str = "1", **attrs: Any) -> xr.Variable:
    """A variable with CF-style attributes; ``attrs`` takes others, such as ``references`` and ``comment``."""
    return xr.Variable(dims, np.asarray(values), {"long_name": long_name, "units": units, **attrs})


def layers(index: Any, **attrs: Any) -> xr.Variable:
    """The coordinate ``layer`` (weight)."""
    return described(index, ("weight",), "layer of each weight, 0 at the input", **attrs)


def concat_chunks(chunks: Sequence[xr.Dataset], along: str) -> xr.Dataset:
    """Chunks of one result, concatenated along ``along``; a variable without this dimension is that of the first chunk."""
    return xr.concat(chunks, along, data_vars="minimal", coords="minimal", join="exact", combine_attrs="override")


def config_of(dataset: xr.Dataset) -> dict[str, Any]:
    """The resolved parameters of the step that wrote ``dataset``; empty for a file of other software."""
    config: dict[str, Any] = json.loads(dataset.attrs["config"]) if "kind" in dataset.attrs else {}
    return config
