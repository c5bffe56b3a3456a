"""Mobility of single weights: how far each moves, how large it is, and how strongly the data pull on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from quench.dynamics.problem import Problem, origin
from quench.errors import QuenchError
from quench.store.variables import described, layers


class MobilityRecorder:
    """Mobility of networks in training between ``waiting_time`` and ``waiting_time`` + ``lag``, as of their snapshots."""

    def __init__(self, task: Problem, waiting_time: int, lag: int) -> None:
        self.task, self.waiting_time, self.lag = task, waiting_time, lag
        self.held: dict[str, np.ndarray] = {}

    def record(self, time: int, weights: np.ndarray) -> None:
        """Keep of the ``weights`` (network, weight) at ``time`` what the result needs."""
        if time == self.waiting_time:
            reference = weights.astype(np.float64)
            self.held = {"mobility reference": reference, "mobility gradient": self.task.gradient(reference)}
        if time == self.waiting_time + self.lag:
            self.held["mobility later"] = weights.astype(np.float64)

    def memory(self) -> dict[str, np.ndarray]:
        return dict(self.held)

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        self.held = {name: values for name, values in memory.items() if name.startswith("mobility ")}

    def variables(self) -> dict[str, xr.Variable]:
        """The ``mobility`` contract, for a streamed file: ``of_streamed`` takes it out again."""
        held = (self.held[f"mobility {name}"] for name in ("reference", "later", "gradient"))
        times = {"mobility_times": described([self.waiting_time, self.lag], ("mobility_time",), "t_w and t", "updates")}
        measured = {str(name): variable for name, variable in mobility(*held).variables.items()}
        return measured | times | {"weight_layer": layers(self.task.architecture.layer_index)}


def of_streamed(streamed: xr.Dataset, waiting_time: int, lag: int) -> xr.Dataset:
    """``mobility`` as it was measured during a run. Raises ``QuenchError`` where that was not between these times."""
    measured = streamed["mobility_times"].values.tolist() if "mobility_times" in streamed else None
    if measured != [waiting_time, lag]:
        known = "no times" if measured is None else f"t_w = {measured[0]}, t = {measured[1]}"
        raise QuenchError(
            f"{origin(streamed, 'streamed')}: the mobility from t_w = {waiting_time} over t = {lag} was not measured during"
            f" training; measured: {known}"
        )
    result = _by_weight(*(streamed[name].values for name in ("size", "displacement", "data_gradient")))
    return _identified(result, streamed, streamed["weight_layer"].values)


def of_snapshots(snapshots: xr.Dataset, task: Problem, waiting_time: int, lag: int) -> xr.Dataset:
    """``mobility`` from ``waiting_time`` to ``waiting_time`` + ``lag`` (updates), of networks trained on ``task``.

    Raises ``QuenchError`` where ``snapshots`` (network, time, weight) hold none at one of these times.
    """
    reference, later = (configuration(snapshots, moment) for moment in (waiting_time, waiting_time + lag))
    result = mobility(reference, later, task.gradient(reference))
    return _identified(result, snapshots, task.architecture.layer_index)


def configuration(snapshots: xr.Dataset, moment: int) -> np.ndarray:
    """Weights at an update, float64 (network, weight). Raises ``QuenchError`` where there is no snapshot of it."""
    times = snapshots["time"].values
    if moment not in times:
        close = times[np.abs(times - moment).argmin()]
        raise QuenchError(f"{origin(snapshots, 'snapshots')}: no snapshot at {moment} (nearest: {close})")
    weights = snapshots["weights"].sel(time=moment).transpose("network", "weight")
    return weights.values.astype(np.float64)


def identity(trajectory: xr.Dataset) -> dict[str, xr.Variable]:
    """Seed and state of every network, as far as ``trajectory`` states them."""
    return {name: trajectory[name].variable for name in ("seed", "state") if name in trajectory.coords}


def _identified(result: xr.Dataset, trajectory: xr.Dataset, layer: np.ndarray) -> xr.Dataset:
    """``result`` with the seeds and states of the networks of ``trajectory``, and the ``layer`` of each weight."""
    return result.assign_coords(identity(trajectory) | {"layer": layers(layer)})


def mobility(reference: np.ndarray, later: np.ndarray, gradient: np.ndarray) -> xr.Dataset:
    """Size |w(t_w)|, displacement |w(t_w + t) - w(t_w)| and data gradient |dL_data/dw| at t_w, each (network, weight).

    A weight of a dead unit, whose input or output side is never active on any sample, has a data gradient of exactly 0:
    nothing but regularisation and noise moves it. All arguments (network, weight), dimensionless; NaN in diverged networks.
    """
    return _by_weight(np.abs(reference), np.abs(later - reference), np.abs(gradient))


def _by_weight(size: np.ndarray, displacement: np.ndarray, data_gradient: np.ndarray) -> xr.Dataset:
    dims = ("network", "weight")
    return xr.Dataset(
        {
            "size": described(size, dims, "size of the weight at the waiting time"),
            "displacement": described(displacement, dims, "distance moved since the waiting time"),
            "data_gradient": described(data_gradient, dims, "size of the gradient of the data loss"),
        }
    )
