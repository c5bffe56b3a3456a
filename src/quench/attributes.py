"""Variables that say what they hold: CF-style attributes on every one."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr


def described(values: Any, dims: tuple[str, ...], long_name: str, units: str = "1", **attrs: Any) -> xr.Variable:
    """A variable with CF-style attributes; ``references`` and ``comment`` go in ``attrs``."""
    return xr.Variable(dims, np.asarray(values), {"long_name": long_name, "units": units, **attrs})
