"""The snapshots file: the weights of an ensemble along a trajectory. Any program may write one; reading checks it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from quench.errors import QuenchError
from quench.store import contracts, files, unfinished

# Units of a clock or a calendar.
_CLOCK = re.compile(
    r"(?:[mun]?s|\w*sec(?:ond)?s?|min(?:ute)?s?|h(?:ou)?rs?|h|d(?:ay)?s?|weeks?|months?|years?)(?: since .*)?$"
)


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
    """The file at ``path``, of one of these kinds, as it is; an unfinished recording is a file of snapshots.

    Raises ``QuenchError`` also for a file beside which a newer recording of its name is unfinished.
    """
    if unfinished.is_unfinished(path):
        return unfinished.read(path)
    path = Path(os.path.expanduser(path))
    part = unfinished.part_path(path)
    if part.exists() and not path.exists():
        raise QuenchError(f"{path}: not written yet; the snapshots so far are in {part}")
    if part.exists() and path.stat().st_mtime_ns < part.stat().st_mtime_ns:
        raise QuenchError(
            f"{path}: older than the recording of this name in {part}, which is not finished; name that file, or move one of"
            " them to another folder"
        )
    return files.read(path, kind=kind)


def check(dataset: xr.Dataset, path: str | Path) -> xr.Dataset:
    """``dataset``, read from ``path``, with its dimensions in the order of the contract.

    Raises ``QuenchError`` that names the file and what it lacks. ``diverged_at`` and ``seed`` are filled in where another
    program left them out; networks whose weights are not all finite are then marked as diverged, and reported on stderr.
    """
    if "weights" not in dataset.variables:
        raise QuenchError(f"{path}: no variable 'weights'; a snapshots file holds weights (network, time, weight)")
    given = dataset["weights"].dims
    # The names of dimensions tell their order, whichever program wrote the file.
    dataset = dataset.transpose("network", "time", "weight", ..., missing_dims="ignore")
    weights = dataset["weights"]
    if weights.dims != contracts.SNAPSHOTS["weights"].dims:
        dims = ", ".join(map(str, given))
        raise QuenchError(f"{path}: weights has dimensions ({dims}), not (network, time, weight)")
    if weights.dtype.kind != "f" or 0 in weights.shape:
        raise QuenchError(f"{path}: weights must be floating-point numbers, and at least one")
    if "diverged_at" not in dataset.variables:
        dataset = _marked(dataset, path)
    if "loss" in dataset and dataset["loss"].dtype.kind == "f":
        # A loss may overflow in half precision while the weights do not.
        dataset["loss"] = dataset["loss"].where(np.isfinite(dataset["loss"]))
    contracts.check_rows(dataset, contracts.SNAPSHOTS, "snapshots", path)
    # Not every program says which variables are coordinates, or writes whole numbers as integers.
    for name in ("time", "layer", "seed", "diverged_at"):
        if name in dataset.variables:
            variable = dataset[name].variable
            whole = np.where(np.isnan(variable.values), -1, variable.values).astype(np.int64)
            dataset = dataset.assign_coords({name: variable.copy(data=whole)})
    if (np.diff(dataset["time"].values) <= 0).any():
        raise QuenchError(f"{path}: time must increase")
    units = str(dataset["time"].attrs.get("units", ""))
    if _CLOCK.match(units):
        raise QuenchError(f"{path}: time is in {units!r}; updates are needed")
    if (dataset["diverged_at"] >= 0).all() and "kind" not in dataset.attrs:
        raise QuenchError(f"{path}: every network is marked as diverged (diverged_at from 0 on; -1 stands for never)")
    if "seed" not in dataset.coords:
        dataset = dataset.assign_coords(seed=("network", np.arange(dataset.sizes["network"])))
    return dataset


def _marked(dataset: xr.Dataset, path: str | Path) -> xr.Dataset:
    """``dataset`` with ``diverged_at``: 0 for networks of which a weight is not finite, -1 for the others."""
    finite = xr.apply_ufunc(np.isfinite, dataset["weights"]).all(("time", "weight")).values
    if not finite.any():
        raise QuenchError(f"{path}: no network has finite weights")
    for number in np.flatnonzero(~finite):
        print(f"quench: {path}: network {number} has weights that are not finite, and is left out", file=sys.stderr)
    return dataset.assign_coords(diverged_at=("network", np.where(finite, -1, 0)))
