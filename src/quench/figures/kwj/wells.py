"""Overlaps of the measured weights in a harmonic well of stiffness lambda: Q_inf of KWJ Eq. 22 (Fig. 4b, A7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from quench.theory.harmonic import DiscreteWell, Well


def reference_weights(sizes: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """|w(t_w)| of one network from its histogram of log10 |w|: every weight is placed at the middle of its bin."""
    return np.repeat(10.0 ** ((edges[1:] + edges[:-1]) / 2), np.maximum(sizes, 0))


def overlaps(dataset: xr.Dataset, *, temperature: float, facts: Mapping[str, Any]) -> tuple[float, float]:
    """Q_inf and Q at the longest lag in wells of stiffness lambda, means over networks with their own w(t_w) and epsilon.

    ``dataset``: observables of single networks at one waiting time; ``facts``: of its run. NaN without regularisation or
    at T = 0.
    """
    if not (facts["weight_decay"] > 0 and temperature > 0):
        return np.nan, np.nan
    well = {
        "stiffness": facts["weight_decay"],
        "step_size": facts["step_size"],
        "temperature": temperature,
        "n_samples": facts["P_D"],
    }
    edges, longest = dataset["motility_edge"].values, float(dataset["lag"].max())
    plateau, final = [], []
    for network in range(dataset.sizes["network"]):
        epsilon = float(dataset["epsilon"][network])
        if not np.isfinite(epsilon):
            continue
        start = reference_weights(dataset["weight_sizes"].values[network], edges)
        plateau.append(Well(**well).overlap_plateau(start, epsilon))
        final.append(float(DiscreteWell(**well).overlap(longest, start, epsilon)))
    return float(np.mean(plateau)), float(np.mean(final))
