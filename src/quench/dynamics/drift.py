"""Diffusion or drift? SGD beside noise-free gradient descent from the same weights.

BJ take the motion at the bottom of the landscape for diffusion (Sec. 3.2). Diffusion stops without noise; in a drift
along the gradient, full-batch descent at the same rate goes as far in the same direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from quench.dynamics.batches import DataOrder
from quench.dynamics.classifier_task import Task, kept_weights
from quench.dynamics.minibatch import descent
from quench.dynamics.schedule import log_spaced
from quench.dynamics.trajectory import Leg, follow
from quench.errors import QuenchError
from quench.networks.classifier import Classifier
from quench.runtime.progress import Progress
from quench.store.variables import described

_MEANINGS = {
    "sgd": "mean square displacement of SGD",
    "gradient_descent": "mean square displacement of noise-free gradient descent from the same weights",
    "cosine": "cosine between both displacements",
}


def drift(
    task: Task,
    training: xr.Dataset,
    starts: Sequence[int],
    lag_max: int,
    *,
    per_decade: int = 6,
    networks: int = 1,
    title: str = "drift",
) -> xr.Dataset:
    """Displacements of SGD and of gradient descent from the kept weights of ``training``, as the ``drift`` contract.

    ``sgd``, ``gradient_descent`` and ``cosine`` of ``beside_gradient_descent``: float64 (network, waiting_time, lag),
    for the first ``networks`` networks, restarted after each of ``starts`` updates, at ``per_decade`` lags per decade
    from 1 to ``lag_max``. Raises ``QuenchError`` where weights were not kept and where descent is not comparable.
    """
    weights = kept_weights(training, starts)
    if networks > training.sizes["network"]:
        raise QuenchError(f"networks: {networks} is more than the {training.sizes['network']} that were trained")
    if not task.choices.plain:
        raise QuenchError("gradient descent is comparable to plain SGD only: no momentum, weight decay or augmentation")
    lags = log_spaced(1, lag_max, per_decade)
    seeds = training["seed"].values[:networks]
    rows: list[dict[str, np.ndarray]] = []
    for number, seed in enumerate(seeds.tolist()):
        network, order = task.network(seed), task.order(seed)
        images, classes = task.train(network)
        for start in starts:
            network.weights.copy_(torch.from_numpy(weights.sel(kept_time=start).values[number]))
            with Progress(f"{title}, seed {seed}, t_w = {start}", 2 * lag_max) as progress:
                report = partial(progress.report, phase="descent")
                rows.append(
                    beside_gradient_descent(
                        network, images, classes, order, task.choices.rate, start, lags.tolist(), report, task.backend
                    )
                )
    shape, dims = (networks, len(starts), len(lags)), ("network", "waiting_time", "lag")
    return xr.Dataset(
        {
            name: described(np.array([row[name] for row in rows]).reshape(shape), dims, text)
            for name, text in _MEANINGS.items()
        },
        coords={
            "waiting_time": described(np.array(starts, dtype=np.int64), ("waiting_time",), "t_w", "updates"),
            "lag": described(lags, ("lag",), "t", "updates"),
            "seed": described(seeds, ("network",), "seed of each network"),
        },
    )


def beside_gradient_descent(
    network: Classifier,
    images: Tensor,
    classes: Tensor,
    order: DataOrder,
    rate: float,
    start: int,
    lags: Sequence[int],
    report: Callable[[int], None] = lambda done: None,
    backend: str = "reference",
) -> dict[str, np.ndarray]:
    """Displacements of SGD and of full-batch descent from ``network`` as it is after ``start`` updates of ``order``.

    For each of the sorted ``lags``: ``sgd`` and ``gradient_descent``, mean square displacements per weight from the
    start, and ``cosine`` between the two displacement vectors, each (lag). The ratio of the second to the first and the
    cosine are near 0 for diffusion, near 1 for drift. Both start from rest; the network ends with the weights of SGD.
    ``report(done)`` receives the number of updates done, of 2 x the last lag; ``backend`` makes them. Raises
    ``QuenchError`` for batch normalisation, with which descent over the whole set at once is another dynamics.
    """
    if network.has_batch_statistics:
        raise QuenchError("full-batch descent of a network with batch normalisation is not comparable to its SGD")
    reference = network.weights.clone()

    def displacements(batches: DataOrder | None, before: int) -> list[Tensor]:
        network.weights.copy_(reference)
        updates = descent(backend, network, images, classes, batches, rate)
        moved: list[Tensor] = []
        leg = Leg("descent", int(lags[-1]), lambda weights, first, n: updates.advance(weights, start + first, n))
        follow(
            updates.state(),
            [leg],
            lags,
            lambda state: moved.append(updates.network.weights - reference),
            lambda state, leg: report(before + state.step),
        )
        return moved

    by_descent = displacements(None, 0)
    found: dict[str, list[float]] = {name: [] for name in _MEANINGS}
    for by_sgd, without_noise in zip(displacements(order, int(lags[-1])), by_descent, strict=True):
        found["sgd"].append(by_sgd.double().square().mean().item())
        found["gradient_descent"].append(without_noise.double().square().mean().item())
        found["cosine"].append(torch.cosine_similarity(by_sgd.double(), without_noise.double(), dim=0).item())
    return {name: np.array(values) for name, values in found.items()}
