"""Diffusion or drift? SGD beside noise-free gradient descent from the same weights.

BJ take the motion at the bottom of the landscape for diffusion (Sec. 3.2). If it is, taking the noise away stops it; if
it is a drift along the gradient, full-batch descent at the same rate goes the same way as far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from quench.dynamics.minibatch import DataOrder, Descent
from quench.networks.classifier import Classifier


def beside_gradient_descent(
    network: Classifier,
    images: Tensor,
    classes: Tensor,
    order: DataOrder,
    rate: float,
    start: int,
    lags: Sequence[int],
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, np.ndarray]:
    """Displacements of SGD and of full-batch descent from ``network`` as it is after ``start`` updates of ``order``.

    For every one of the sorted ``lags``: ``sgd`` and ``gradient_descent``, mean square displacements per weight from
    the start, and ``cosine`` between the two displacement vectors, each (lag). For diffusion the ratio of the second to
    the first and the cosine are near 0, for drift near 1. The network is left where SGD takes it; both start from rest.
    ``progress`` is told the number of updates done, of 2 x the last lag. Raises ``ValueError`` for batch normalisation,
    where descent over the whole set at once is another dynamics.
    """
    if network.has_batch_statistics:
        raise ValueError("full-batch descent of a network with batch normalisation is not comparable to its SGD")
    reference = network.weights.clone()
    drift: list[Tensor] = []

    def follow(sampling: str, look: Callable[[], None], before: int) -> None:
        network.weights.copy_(reference)
        orders = DataOrder(order.n_samples, order.batch_size, order.seed, sampling)
        descent = Descent(network, images, classes, orders, rate)
        step = start
        for lag in lags:
            while step < start + lag:
                descent.update(step)
                step += 1
                progress(before + step - start)
            look()

    follow("full", lambda: drift.append(network.weights - reference), 0)
    found: dict[str, list[float]] = {"sgd": [], "gradient_descent": [], "cosine": []}

    def compare() -> None:
        here, there = network.weights - reference, drift[len(found["sgd"])]
        found["sgd"].append(here.double().square().mean().item())
        found["gradient_descent"].append(there.double().square().mean().item())
        found["cosine"].append(torch.cosine_similarity(here.double(), there.double(), dim=0).item())

    follow(order.sampling, compare, int(lags[-1]))
    return {name: np.array(values) for name, values in found.items()}
