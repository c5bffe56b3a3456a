"""Curvature of the loss at a configuration of a trajectory: every eigenvalue of its Hessian, of each network."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.dynamics.problem import Problem
from quench.observables.mobility import configuration, identity
from quench.store.variables import described

# Far below the distance to the next kink of a ReLU or of the hinge; float64 leaves errors of 1e-7 in the derivative.
DELTA = 1e-9
_ROWS = 200  # of the Hessian at a time


def of_snapshots(snapshots: xr.Dataset, task: Problem, waiting_time: int, weight_decay: float) -> xr.Dataset:
    """``stiffness`` at ``waiting_time`` of networks trained on ``task`` (float64), (network, direction), with their seeds.

    Raises ``QuenchError`` where ``snapshots`` (network, time, weight) hold none at that time.
    """
    found = stiffness(task, configuration(snapshots, waiting_time), weight_decay)
    dims = ("network", "direction")
    return xr.Dataset(
        {"stiffness": described(found, dims, "eigenvalue of the Hessian of the loss, ascending")}, identity(snapshots)
    )


def stiffness(task: Problem, weights: np.ndarray, weight_decay: float) -> np.ndarray:
    """Eigenvalues k of the Hessian of L_data + lambda |w|^2 / 2, ascending, float64 (network, direction).

    From central differences of the gradient of ``task`` at ``weights`` (network, weight), 2 N gradients for N weights. NaN
    in a network with weights that are not finite.
    """
    result = np.full(weights.shape, np.nan)
    for network in np.flatnonzero(np.isfinite(weights).all(axis=1)):
        hessian = _hessian(task, weights[network])
        result[network] = np.linalg.eigvalsh((hessian + hessian.T) / 2) + weight_decay
    return result


def _hessian(task: Problem, weights: np.ndarray) -> np.ndarray:
    """Hessian of the data loss at ``weights`` (weight), symmetric up to rounding."""
    size = len(weights)
    rows = []
    for first in range(0, size, _ROWS):
        shift = DELTA * np.eye(min(_ROWS, size - first), size, first)
        rows.append((task.gradient(weights + shift) - task.gradient(weights - shift)) / (2 * DELTA))
    return np.concatenate(rows)
