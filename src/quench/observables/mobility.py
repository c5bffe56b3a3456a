"""Mobility of single weights: how far each moves, how large it is, and how strongly the data pull on it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from quench.dynamics.problem import Problem, origin
from quench.errors import QuenchError
from quench.store.variables import described, layers


def of_snapshots(snapshots: xr.Dataset, task: Problem, waiting_time: int, lag: int) -> xr.Dataset:
    """``mobility`` from ``waiting_time`` to ``waiting_time`` + ``lag`` (updates), of networks trained on ``task``.

    Raises ``QuenchError`` where ``snapshots`` (network, time, weight) hold none at one of these times.
    """
    times = snapshots["time"].values
    for moment in (waiting_time, waiting_time + lag):
        if moment not in times:
            close = times[np.abs(times - moment).argmin()]
            raise QuenchError(f"{origin(snapshots, 'snapshots')}: no snapshot at {moment} (nearest: {close})")
    reference, later = (
        snapshots["weights"].sel(time=moment).values.astype(np.float64) for moment in (waiting_time, waiting_time + lag)
    )
    result = mobility(reference, later, task.gradient(reference))
    known = {name: snapshots[name].variable for name in ("seed", "state") if name in snapshots.coords}
    return result.assign_coords(known | {"layer": layers(task.architecture.layer_index)})


def mobility(reference: np.ndarray, later: np.ndarray, gradient: np.ndarray) -> xr.Dataset:
    """Size |w(t_w)|, displacement |w(t_w + t) - w(t_w)| and data gradient |dL_data/dw| at t_w, each (network, weight).

    A weight of a dead unit, whose input or output side is never active on any sample, has a data gradient of exactly 0:
    nothing but regularisation and noise moves it. All arguments (network, weight), dimensionless; NaN in diverged networks.
    """
    by_weight = ("network", "weight")
    return xr.Dataset(
        {
            "size": described(np.abs(reference), by_weight, "size of the weight at the waiting time"),
            "displacement": described(np.abs(later - reference), by_weight, "distance moved since the waiting time"),
            "data_gradient": described(np.abs(gradient), by_weight, "size of the gradient of the data loss"),
        }
    )
