"""The training problem: data, loss and network, on the backend that computes it.

Backends are modules of one shape under ``quench.dynamics.fused`` and ``quench.dynamics.reference``. They are imported by
name, so that an edit of one leaves the results of the other valid.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import xarray as xr

from quench.dynamics.choices import LOSSES, Compute, backend_for, beyond_fused
from quench.errors import QuenchError
from quench.networks.mlp import Architecture
from quench.runtime.device import usable_device


class Problem(Protocol):
    """The data and the architecture: everything but the weights, which are passed as float64 (network, weight)."""

    backend: str
    device: Any
    architecture: Architecture
    n_samples: int

    def loss(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Data loss and share of active samples (positive hinge), float64 (network); NaN for diverged networks."""

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """Gradient of the data loss, float64 (network, weight)."""


def build(
    dataset: xr.Dataset,
    architecture: Architecture,
    compute: Compute,
    loss: str = LOSSES[0],
    optimiser: str = "sgd",
) -> Problem:
    """The training problem of ``dataset`` on the backend that supports ``loss`` and ``optimiser``.

    Raises ``QuenchError`` for labels that the loss does not take, for data that do not fit, and for a backend or a device
    that cannot do the work.
    """
    if loss != "mse" and not np.isin(dataset["y"], (-1, 1)).all():
        where = origin(dataset, "dataset")
        raise QuenchError(f"{where}: labels other than -1 and +1, which loss {loss} needs; --labels parity makes them")
    backend, missing = backend_for(compute.backend, compute.device, loss, optimiser), beyond_fused(loss, optimiser)
    if compute.backend == "auto" and compute.device == "cpu" and missing:
        print(f"quench: the fused engine has no {missing}: the reference backend is used", file=sys.stderr)
    options: dict[str, Any] = {"precision": compute.precision, "threads": compute.threads}
    if backend == "reference":
        options |= {"loss": loss, "device": usable_device(compute.device, float64=True)}
        if options["device"] != compute.device and not missing:
            print("quench: --device cpu would use the fused engine, which is faster here", file=sys.stderr)
    elif compute.device != "cpu":
        raise QuenchError(f"--backend {backend} works on the CPU; --device {compute.device} needs --backend reference")
    module = importlib.import_module(f"quench.dynamics.{backend}.problem")
    try:
        task: Problem = module.Problem(dataset["x"].values, dataset["y"].values, architecture, **options)
    except ValueError as error:
        raise QuenchError(f"{origin(dataset, 'dataset')}: {error}") from None
    return task


def of_networks(
    networks: xr.Dataset,
    prepared: Mapping[str, Any],
    dataset: xr.Dataset,
    compute: Compute,
    optimiser: str = "sgd",
) -> Problem:
    """The problem that ``networks`` (dimension ``weight``) were trained on, by the parameters of their preparation.

    Raises ``QuenchError`` as ``build`` does, and for networks that do not fit the dataset.
    """
    if not {"width", "depth", "weight_decay"} <= prepared.keys():
        where = origin(networks, "networks")
        raise QuenchError(
            f"{where}: no record of its networks' width, depth and weight decay; quench pretrain and quench run write one"
        )
    architecture = Architecture(dataset.sizes["component"], prepared["width"], prepared["depth"])
    if networks.sizes["weight"] != architecture.n_weights:
        where, inputs = origin(networks, "networks"), origin(dataset, "the dataset")
        raise QuenchError(f"{where}: its networks do not fit the inputs of {inputs}")
    return build(dataset, architecture, compute, prepared.get("loss", LOSSES[0]), optimiser)


def advance(problem: Problem, module: str) -> Callable[..., np.ndarray]:
    """The update rule in ``module`` (langevin, sgd, optimisers) of the problem's backend."""
    rule: Callable[..., np.ndarray] = importlib.import_module(f"quench.dynamics.{problem.backend}.{module}").advance
    return rule


def origin(dataset: xr.Dataset, otherwise: str) -> str:
    """The file that ``dataset`` was read from, for messages; ``otherwise`` for one made in memory."""
    return str(dataset.encoding.get("source", otherwise))
