"""Stochastic gradient descent of an ensemble in torch, every network with a data order of its own."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.reference.master_weights import Masters
from quench.dynamics.reference.problem import Problem
from quench.numerics.random import integers, permutation


def advance(
    problem: Problem,
    weights: np.ndarray,
    *,
    seeds: np.ndarray,
    stream: int,
    first_step: int,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    sampling: str = "epoch",
) -> np.ndarray:
    """Update float64 ``weights`` (network, weight) in place: w <- w - eta (dL_batch/dw + lambda w).

    sampling "epoch": epoch e = step // ceil(P/B) visits the keyed permutation (seed, stream, e) in order; its last batch
    is smaller where B does not divide P, and is averaged over its own size. "iid": B independent draws a step.
    Returns for each network the number of updates after which it was lost, or -1, as the Langevin step does.
    """
    masters = Masters(problem, weights, first_step)
    order = Order(problem.n_samples, batch_size, seeds, stream, sampling)
    for step in range(first_step, first_step + n_steps):
        batch = order.batches(step, problem.device)
        masters.update(one_step(problem, masters.weights, batch, learning_rate, weight_decay), step + 1)
    return masters.write_back(weights)


def one_step(
    problem: Problem, weights: torch.Tensor, batch: torch.Tensor, learning_rate: float, weight_decay: float
) -> torch.Tensor:
    """The weights after one update, float64 on the problem's device; ``batch`` holds sample numbers (network, sample)."""
    return weights - learning_rate * (problem.mean_gradient(weights, batch) + weight_decay * weights)


class Order:
    """Sample indices of any (network, step); the permutation of the current epoch is kept."""

    def __init__(self, n_samples: int, batch_size: int, seeds: np.ndarray, stream: int, sampling: str) -> None:
        self.n_samples, self.batch_size, self.stream, self.sampling = n_samples, batch_size, stream, sampling
        self.seeds = seeds
        self.steps_per_epoch = -(-n_samples // batch_size)
        self.epochs: dict[int, tuple[int, np.ndarray]] = {}

    def batches(self, step: int, device: torch.device) -> torch.Tensor:
        """The batch of every network, (network, sample), on the device."""
        drawn = np.stack([self.batch(network, step) for network in range(len(self.seeds))])
        return torch.from_numpy(drawn).to(device, non_blocking=True)

    def batch(self, network: int, step: int) -> np.ndarray:
        seed = int(self.seeds[network])
        if self.sampling == "iid":
            return integers(seed, self.stream, step, self.batch_size, self.n_samples)
        epoch, place = divmod(step, self.steps_per_epoch)
        if self.epochs.get(network, (-1,))[0] != epoch:
            self.epochs[network] = (epoch, permutation(seed, self.stream, epoch, self.n_samples))
        return self.epochs[network][1][place * self.batch_size : (place + 1) * self.batch_size]
