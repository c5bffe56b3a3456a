"""Overlaps of the measured weights in a harmonic well of stiffness lambda: Q_inf of KWJ Eq. 22 (Fig. 4b, A7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from quench.theory.harmonic import DiscreteWell, Well


def reference_weights(sizes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """|w(t_w)| of one network from its histogram of log10 |w|: every weight is placed at the middle of its bin."""
    return np.repeat(10.0 ** ((edges[1:] + edges[:-1]) / 2), np.maximum(sizes, 0))


def overlaps(dataset: xr.Dataset, *, temperature: float, facts: Mapping[str, Any]) -> NDArray[np.float64]:
    """Q_inf (row 0) and Q at the longest lag (row 1) of every network in wells of stiffness lambda, (2, network).

    Each network has its own w(t_w) and epsilon. ``dataset``: observables of single networks at one waiting time; ``facts``:
    of its run. NaN without regularisation, at T = 0, and for a network that diverged.
    """
    found = np.full((2, dataset.sizes["network"]), np.nan)
    if not (facts["weight_decay"] > 0 and temperature > 0):
        return found
    well = {
        "stiffness": facts["weight_decay"],
        "step_size": facts["step_size"],
        "temperature": temperature,
        "n_samples": facts["P_D"],
    }
    edges, longest = dataset["motility_edge"].values, float(dataset["lag"].max())
    for network, epsilon in enumerate(dataset["epsilon"].values):
        if np.isfinite(epsilon):
            start = reference_weights(dataset["weight_sizes"].values[network], edges)
            found[0, network] = Well(**well).overlap_plateau(start, epsilon)
            found[1, network] = DiscreteWell(**well).overlap(longest, start, epsilon)
    return found
