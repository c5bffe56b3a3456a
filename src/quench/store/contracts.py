"""The contents of each kind of file, whichever program wrote it: variables, their dimensions, and bounds of their values."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from quench.errors import QuenchError


class Wanted(NamedTuple):
    """Dimensions and bounds of a variable; with ``gaps``, NaN stands for what was not measured.

    An ``optional`` variable may be absent or empty; otherwise it keeps the rest of its contract. ``whole``: whole numbers
    that fit into int64, of any type but bool.
    """

    dims: tuple[str, ...]
    low: float = -np.inf
    high: float = np.inf
    gaps: bool = False
    optional: bool = False
    whole: bool = False


_CURVE = Wanted(("network", "time"), 0, gaps=True)
_BY_POINT = Wanted(("point", "network"), 0)
_BY_WEIGHT = Wanted(("network", "weight"), 0, gaps=True)
_PIXELS = ("channel", "row", "column")
_NUMBER = ("network",)

# A name stands for a function that returns the rows, in a sub-package that imports this one.
CONTRACTS: dict[str, dict[str, Wanted] | str] = {
    "dataset": {"x": Wanted(("sample", "component")), "y": Wanted(("sample",))},
    "pretrained": {"weights": Wanted(("network", "weight")), "seed": Wanted(_NUMBER, 0)},
    # Snapshots may come from any program, with dimensions in any order: quench.store.snapshots checks them.
    "snapshots": {},
    "streamed": "quench.observables.streaming:contract",
    "observables": "quench.observables.measure:contract",
    "mobility": {"size": _BY_WEIGHT, "displacement": _BY_WEIGHT, "data_gradient": _BY_WEIGHT},
    "curvature": {"stiffness": Wanted(("network", "direction"), gaps=True)},
    "scan": {
        "data_loss": _BY_POINT,
        "loss": _BY_POINT,
        "squared_norm": _BY_POINT,
        "active_fraction": Wanted(("point", "network"), 0, 1),
        "width": Wanted(("point",), 1),
        "weight_decay": Wanted(("point",), 0),
        "seed": Wanted(_NUMBER, 0),
        "diverged_at": Wanted(("point", "network"), -1),
    },
    "images": {
        "train_images": Wanted(("train_sample", *_PIXELS), 0, 255),
        "train_classes": Wanted(("train_sample",), 0),
        "test_images": Wanted(("test_sample", *_PIXELS), 0, 255),
        "test_classes": Wanted(("test_sample",), 0),
    },
    "training": {
        "train_loss": _CURVE,
        "test_loss": _CURVE,
        "noise": _CURVE,
        "displacement": Wanted(("network", "waiting_time", "start", "lag"), 0, gaps=True),
        "weights": Wanted(("network", "kept_time", "weight")),
        "seed": Wanted(_NUMBER, 0),
        "diverged_at": Wanted(_NUMBER, -1),
    },
    "flatness": {
        "edges": Wanted(("network", "time", "edge"), gaps=True),
        "flat": Wanted(("network", "time", "threshold", "bound"), 0, 1, gaps=True),
    },
    "drift": {
        "sgd": Wanted(("network", "waiting_time", "lag"), 0, gaps=True),
        "gradient_descent": Wanted(("network", "waiting_time", "lag"), 0, gaps=True),
        "cosine": Wanted(("network", "waiting_time", "lag"), gaps=True),
    },
    "glass": {"energy": Wanted(("time",), gaps=True), "correlation": Wanted(("waiting_time", "lag"), gaps=True)},
    "figure": {},
}

# What snapshots of any program may hold, with dimensions in any order.
SNAPSHOTS = {
    "weights": Wanted(("network", "time", "weight")),
    "time": Wanted(("time",), 0, 2**62, whole=True),
    "layer": Wanted(("weight",), 0, optional=True, whole=True),
    "seed": Wanted(_NUMBER, 0, optional=True, whole=True),
    "diverged_at": Wanted(_NUMBER, -1, gaps=True, optional=True, whole=True),
    "loss": Wanted(("network", "time"), gaps=True, optional=True),
    "noise": Wanted(("network", "time", "weight"), gaps=True, optional=True),
}

# Sums and square roots may exceed an exact bound by this much.
_ROUNDING = 1e-9


def rows(kind: str) -> dict[str, Wanted]:
    """The contract of ``kind``: what a file must hold, by name."""
    contract = CONTRACTS[kind]
    return pkgutil.resolve_name(contract)() if isinstance(contract, str) else contract


def check(dataset: xr.Dataset, kind: str, path: object) -> None:
    """Raise ``QuenchError``, naming the file at ``path`` and the variable, where ``dataset`` is not of its ``kind``.

    Networks that are marked as diverged (``diverged_at`` from 0 on) may hold any value.
    """
    check_rows(dataset, rows(kind), kind, path)


def check_rows(dataset: xr.Dataset, contract: Mapping[str, Wanted], kind: str, path: object) -> None:
    """``check`` against the rows of a ``contract``."""
    for name, wanted in contract.items():
        dims = ", ".join(wanted.dims)
        if name not in dataset.variables and wanted.optional:
            continue
        if name not in dataset.variables:
            raise QuenchError(f"{path}: no variable {name!r}; a file of kind {kind} holds {name} ({dims})")
        variable = dataset[name]
        if variable.dims != wanted.dims:
            raise QuenchError(f"{path}: {name} has dimensions ({', '.join(map(str, variable.dims))}), not ({dims})")
        if variable.dtype.kind not in "iufb":
            raise QuenchError(f"{path}: {name} does not hold numbers")
        if wanted.whole and variable.dtype.kind == "b":
            raise QuenchError(f"{path}: {name} holds true and false, not whole numbers")
        if 0 in variable.shape and "kept_time" not in wanted.dims and not wanted.optional:
            raise QuenchError(f"{path}: {name} is empty: {dict(variable.sizes)}")
        _check_values(variable, wanted, dataset.get("diverged_at") if name != "diverged_at" else None, path)


def _check_values(variable: xr.DataArray, wanted: Wanted, diverged_at: xr.DataArray | None, path: object) -> None:
    low, high = wanted.low - _ROUNDING, wanted.high + _ROUNDING
    fine = xr.apply_ufunc(np.isfinite, variable) & (variable >= low) & (variable <= high)
    if wanted.whole:
        with np.errstate(invalid="ignore"):
            fine &= variable.astype(np.int64) == variable
    if wanted.gaps:
        fine |= variable.isnull()
    # A foreign file may call anything else so; its own check follows.
    if diverged_at is not None and (
        diverged_at.dtype.kind not in "iuf" or not set(diverged_at.dims) <= set(variable.dims)
    ):
        diverged_at = None
    if not fine.all() and diverged_at is not None:
        fine |= diverged_at >= 0
    if not fine.all():
        value = variable.values[~fine.transpose(*variable.dims).values][0]
        what = f"a value of {value:g}, outside {wanted.low:g} to {wanted.high:g}"
        if not np.isfinite(value):
            what = f"a value that is not finite ({value})"
        elif wanted.whole and value % 1:
            what = f"{value:.17g}; only whole numbers from {wanted.low:g} on are allowed"
        where = ", in a network that is not marked as diverged" if "network" in variable.dims else ""
        raise QuenchError(f"{path}: {variable.name} holds {what}{where}")
