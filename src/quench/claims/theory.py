"""Quantities of closed forms: KWJ Fig. A5."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.claims.measured import Measured, quantity


@quantity
def steep_to_shallow(numbers: xr.Dataset, level: float = 0.5) -> Measured:
    """Time at which the overlap falls to ``level`` in the steepest well of Fig. A5, over that in the shallowest."""
    ordered = numbers.sortby("stiffness")
    log_times = np.log(ordered["time"].values)
    # np.interp needs rising abscissae.
    shallow, *_, steep = (np.interp(-level, -row, log_times) for row in ordered["overlap"].values)
    return Measured(float(np.exp(steep - shallow)), exact="a closed form")
