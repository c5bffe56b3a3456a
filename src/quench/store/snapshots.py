"""The snapshots file: the weights of an ensemble along a trajectory. Any program may write one; reading checks it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.store import files, unfinished

REQUIRED = {"weights": ("network", "time", "weight")}


def build(weights: np.ndarray, times: np.ndarray, *, layer: np.ndarray, **trajectory: np.ndarray) -> xr.Dataset:
    """The ``snapshots`` contract from plain arrays.

    ``weights`` (network, time, weight); ``times`` (time) in updates; ``layer`` (weight); ``trajectory``: the other arguments
    of ``along``. Diverged networks stay, as NaN.
    """
    described = files.described(weights, ("network", "time", "weight"), "weights")
    return along(times, **trajectory).assign(weights=described).assign_coords(layer=files.layers(layer))


def along(
    times: np.ndarray,
    *,
    seeds: np.ndarray,
    diverged_at: np.ndarray,
    loss: np.ndarray,
    data_loss: np.ndarray,
    active_fraction: np.ndarray,
    sigma: np.ndarray,
) -> xr.Dataset:
    """What a file holds of a trajectory besides the weights, or what was measured of them.

    ``times`` (time) in updates; ``seeds``, ``diverged_at`` and ``sigma`` (network); ``loss``, ``data_loss`` and
    ``active_fraction`` (network, time).
    """
    kwj = "Kerr Winter & Janssen 2024"
    by_time = ("network", "time")
    return xr.Dataset(
        {
            "loss": files.described(loss, by_time, "training loss with regularisation", references=f"{kwj}, Eq. 2"),
            "data_loss": files.described(data_loss, by_time, "quadratic hinge loss", references=f"{kwj}, Eq. 1"),
            "active_fraction": files.described(active_fraction, by_time, "share of samples with a positive hinge"),
            "sigma": files.described(
                sigma,
                ("network",),
                "standard deviation of the weights at the end of training",
                references=f"{kwj}, Eq. 14",
            ),
        },
        coords={
            "time": files.described(
                times.astype(np.int64), ("time",), "updates since the start of this dynamics", "updates"
            ),
            "seed": files.described(seeds.astype(np.int64), ("network",), "seed of each network"),
            "diverged_at": files.described(
                diverged_at, ("network",), "updates after which a weight was first not finite; -1: never", "updates"
            ),
        },
    )


def read(path: str | Path) -> xr.Dataset:
    """The snapshots at ``path``, checked against the contract."""
    return check(opened(path), path)


def opened(path: str | Path, kind: str | tuple[str, ...] = "snapshots") -> xr.Dataset:
    """The file at ``path``, of one of these kinds, as it is; an unfinished recording is a file of snapshots."""
    if unfinished.is_unfinished(path):
        return unfinished.read(path)
    if not Path(path).exists() and unfinished.part_path(path).exists():
        raise QuenchError(f"{path}: not written yet; the snapshots so far are in {unfinished.part_path(path)}")
    return files.read(path, kind=kind)


def check(dataset: xr.Dataset, path: str | Path) -> xr.Dataset:
    """``dataset``, read from ``path``, with its dimensions in the order of the contract.

    Raises ``QuenchError`` that names the file and what it lacks. ``diverged_at`` and ``seed`` are filled in where another
    program left them out.
    """
    for name, dims in REQUIRED.items():
        if name not in dataset:
            raise QuenchError(f"{path}: no variable {name!r}; a snapshots file holds weights (network, time, weight)")
        if set(dataset[name].dims) != set(dims):
            raise QuenchError(f"{path}: {name} has dimensions {dataset[name].dims}, not {dims}")
    if dataset["weights"].dtype.kind != "f" or 0 in dataset["weights"].shape:
        raise QuenchError(f"{path}: weights must be floating-point numbers, and at least one")
    # Not every program says which variables are coordinates.
    dataset = dataset.set_coords([name for name in ("time", "layer", "seed", "diverged_at") if name in dataset])
    if "time" not in dataset.coords:
        raise QuenchError(f"{path}: no coordinate 'time' (updates since the start)")
    time = dataset["time"].values
    if time.dtype.kind not in "iu" and not np.array_equal(time, np.round(time)):
        raise QuenchError(f"{path}: time must hold whole numbers of updates")
    if (np.diff(time) <= 0).any():
        raise QuenchError(f"{path}: time must increase")
    finite = xr.apply_ufunc(np.isfinite, dataset["weights"]).all(("time", "weight"))
    if "diverged_at" not in dataset.coords:
        dataset = dataset.assign_coords(diverged_at=("network", np.where(finite.values, -1, 0)))
    elif dataset["diverged_at"].dtype.kind == "f":
        never = dataset["diverged_at"].fillna(-1)
        dataset = dataset.assign_coords(diverged_at=never.astype(np.int64).assign_attrs(dataset["diverged_at"].attrs))
    if "seed" not in dataset.coords:
        dataset = dataset.assign_coords(seed=("network", np.arange(dataset.sizes["network"])))
    if (~finite & (dataset["diverged_at"] < 0)).any():
        raise QuenchError(f"{path}: weights that are not finite in a network that is not marked as diverged")
    return dataset.transpose("network", "time", "weight", ...)
