"""Flat directions of a classifier: Hessian spectra of its kept weights, and the loss on straight lines between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from quench.dynamics.classifier_task import Task, kept_weights
from quench.errors import QuenchError
from quench.networks.classifier import Classifier
from quench.observables import hessian
from quench.store.variables import described

# Eigenvalues are flat or negative relative to the largest one, by these fractions of it.
THRESHOLDS = (1e-4, 1e-3, 1e-2)
LINE_POINTS = 21


@dataclass(frozen=True, kw_only=True)
class SpectrumChoices:
    """How a spectrum is found: ``method`` "full" or "stochastic" over the first ``samples`` images (None: all).

    ``probes`` random vectors of ``lanczos_steps`` Hessian products each belong to the stochastic method.
    """

    method: str = "full"
    samples: int | None = None
    probes: int = 4
    lanczos_steps: int = 60

    def __post_init__(self) -> None:
        if self.method not in ("full", "stochastic"):
            raise ValueError(f"no method {self.method!r}; known: full, stochastic")


def flatness(
    task: Task,
    training: xr.Dataset,
    times: Sequence[int],
    choices: SpectrumChoices,
    report: Callable[[str], None] = lambda line: None,
) -> xr.Dataset:
    """Spectra of every network of ``training`` at ``times`` and straight lines between its weights.

    Returns the ``flatness`` contract. Raises ``QuenchError`` where weights were not kept, for more samples than there
    are, and for batch normalisation. ``report`` receives a line before each spectrum.
    """
    weights = kept_weights(training, times)
    network = task.network(0)
    if network.has_batch_statistics:
        raise QuenchError(
            "spectra and straight lines need running statistics of batch normalisation, which are not kept"
        )
    images, classes = task.train(network)
    if choices.samples and choices.samples > task.n_train:
        raise QuenchError(f"samples: {choices.samples} is more than the {task.n_train} training images")
    count = choices.samples or task.n_train
    seeds, rows = training["seed"].values, []
    for number, seed in enumerate(seeds.tolist()):
        for time in times:
            report(f"spectrum of seed {seed} at t = {time}")
            network.weights.copy_(torch.from_numpy(weights.sel(kept_time=time).values[number]))
            rows.append(_spectrum(network, images[:count], classes[:count], choices, seed))
    shape = (len(seeds), len(times))
    spectra = {
        name: np.array([row[name] for row in rows]).reshape(*shape, *np.shape(rows[0][name])) for name in rows[0]
    }
    return _table(spectra, *_lines(network, images, classes, weights), times, seeds)


def _spectrum(network: Classifier, x: Tensor, y: Tensor, choices: SpectrumChoices, seed: int) -> dict[str, Any]:
    """Edges, shares and nodes of one spectrum; NaN for a diverged network."""
    full = choices.method == "full"
    if not torch.isfinite(network.weights).all():
        n_nodes = network.n_weights if full else min(choices.lanczos_steps, network.n_weights)
        no_shares = np.full((len(THRESHOLDS), 3), np.nan)
        nodes = np.full((1 if full else choices.probes, n_nodes), np.nan)
        return {"edges": [np.nan] * 2, "flat": no_shares, "negative": no_shares, "nodes": nodes, "node_weights": nodes}
    if full:
        found = hessian.full_spectrum(network, x, y)
    else:
        found = hessian.stochastic_spectrum(network, x, y, choices.probes, choices.lanczos_steps, seed)
    shares = {
        name: [[share.value, share.low, share.high] for share in map(measure, THRESHOLDS)]
        for name, measure in (("flat", found.flat), ("negative", found.negative))
    }
    return {"edges": [found.smallest, found.largest], **shares, "nodes": found.nodes, "node_weights": found.weights}


def _lines(network: Classifier, x: Tensor, y: Tensor, weights: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Ends (line, end, coordinate), network number and update, and loss (line, point) of straight lines.

    They lead from every time to the next in each network, and between networks at the last time.
    """
    times, networks = weights["kept_time"].values, range(weights.sizes["network"])
    ends = [((n, a), (n, b)) for n in networks for a, b in pairwise(times)]
    ends += [((n, times[-1]), (m, times[-1])) for n in networks for m in networks if n < m]

    def at(end: tuple[int, int]) -> np.ndarray:
        return weights.isel(network=end[0]).sel(kept_time=end[1]).values

    losses = [hessian.straight_line(network, x, y, at(first), at(last), LINE_POINTS)[1] for first, last in ends]
    return np.array(ends, dtype=np.int64).reshape(-1, 2, 2), np.array(losses).reshape(-1, LINE_POINTS)


def _table(
    spectra: dict[str, Any], line_ends: np.ndarray, line_loss: np.ndarray, times: Sequence[int], seeds: np.ndarray
) -> xr.Dataset:
    by_time = ("network", "time")
    share = (*by_time, "threshold", "bound")
    probe = (*by_time, "probe", "node")
    return xr.Dataset(
        {
            "edges": described(spectra["edges"], (*by_time, "edge"), "smallest and largest eigenvalue of the Hessian"),
            "flat": described(spectra["flat"], share, "share of |lambda| <= threshold x lambda_max: value, low, high"),
            "negative": described(
                spectra["negative"], share, "share of lambda <= -threshold x lambda_max: value, low, high"
            ),
            "nodes": described(spectra["nodes"], probe, "eigenvalues, or nodes of the spectral quadrature"),
            "node_weights": described(spectra["node_weights"], probe, "share of the spectrum at each node"),
            "line_loss": described(line_loss, ("line", "point"), "training loss along a straight line"),
            "line_ends": described(
                line_ends, ("line", "end", "coordinate"), "network number and update of both ends of each line"
            ),
        },
        coords={
            "time": described(np.array(times, dtype=np.int64), ("time",), "updates since initialisation", "updates"),
            "threshold": described(list(THRESHOLDS), ("threshold",), "fraction of the largest eigenvalue"),
            "point": described(np.linspace(0, 1, LINE_POINTS), ("point",), "place on the line"),
            "seed": described(seeds, ("network",), "seed of each network"),
        },
    )
