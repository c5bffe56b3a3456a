"""Points of the phase diagram: the final loss of networks of one width under one regularisation (KWJ Sec. III.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from quench.dynamics import preparation
from quench.dynamics.trajectory import Trajectory
from quench.networks import state
from quench.store.variables import described

# The points of a scan differ in these, and all have the same loss.
_OF_A_POINT = ("width", "weight_decay", "loss")


def trajectory(dataset: xr.Dataset, *, width: int, weight_decay: float, **choices: Any) -> Trajectory:
    """The trajectory of one point of a scan: ``preparation.trajectory`` of the same arguments, with ``point`` as its result.

    The trajectories of a scan share their ``config``; ``name`` and ``inputs`` tell the points apart.
    """
    prepared = preparation.trajectory(dataset, width=width, weight_decay=weight_decay, **choices)
    return replace(
        prepared,
        kind="scan",
        result=lambda state: point(prepared.result(state), width, weight_decay),
        config={name: value for name, value in prepared.config.items() if name not in _OF_A_POINT},
        inputs={**prepared.inputs, "width": width, "weight_decay": weight_decay},
        name=f"n{width}-lambda{weight_decay!r}",
    )


def trajectories(dataset: xr.Dataset, points: Iterable[tuple[int, float]], **choices: Any) -> Iterator[Trajectory]:
    """``trajectory`` of every (width, lambda) of ``points``, with the other choices in common."""
    for width, weight_decay in points:
        yield trajectory(dataset, width=width, weight_decay=weight_decay, **choices)


def point(pretrained: xr.Dataset, width: int, weight_decay: float) -> xr.Dataset:
    """The ``scan`` contract for one point, from its ``pretrained`` networks.

    Final losses and states, |W|^2 and share of active samples (point, network), loss curves (point, network, time).
    """
    by_network, updates = ("point", "network"), "updates"
    by_time, kwj = (*by_network, "time"), "Kerr Winter & Janssen 2024"
    curves = {name: pretrained[name].values[None] for name in ("data_loss", "loss", "active_fraction")}
    last = {name: values[..., -1] for name, values in curves.items()}
    weights = pretrained["weights"].values
    norm, diverged_at = np.square(weights).sum(axis=1)[None], pretrained["diverged_at"].values[None]
    never = "updates after which a weight was first not finite; -1: never"
    return xr.Dataset(
        {
            "data_loss": described(
                last["data_loss"], by_network, "final quadratic hinge loss", references=f"{kwj}, Eq. 1"
            ),
            "loss": described(last["loss"], by_network, "final regularised loss", references=f"{kwj}, Eq. 2"),
            "squared_norm": described(norm, by_network, "|W|^2 at the end of training"),
            "active_fraction": described(last["active_fraction"], by_network, "share of samples with a positive hinge"),
            "diverged_at": described(diverged_at, by_network, never, updates),
            "state": state.variable(pretrained["state"].values[None], by_network),
            "loss_curve": described(curves["loss"], by_time, "training loss with regularisation"),
            "data_loss_curve": described(curves["data_loss"], by_time, "quadratic hinge loss"),
        },
        coords={
            "width": described([width], ("point",), "units in every hidden layer"),
            "weight_decay": described([weight_decay], ("point",), "lambda, strength of the regularisation"),
            "n_weights": described([weights.shape[1]], ("point",), "number of weights"),
            "seed": pretrained["seed"].variable,
            "time": pretrained["time"].variable,
        },
        attrs=pretrained.attrs,
    )
