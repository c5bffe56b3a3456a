"""Stochastic gradient descent of an ensemble in torch; every network has its own data order."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.batches import DataOrder
from quench.dynamics.choices import SGD, Adam, Ensemble
from quench.dynamics.reference.master_weights import MasterWeights
from quench.dynamics.reference.problem import Problem


def advance(
    problem: Problem, sgd: SGD, ensemble: Ensemble, weights: np.ndarray, first_step: int, n_steps: int
) -> np.ndarray:
    """``n_steps`` updates of ``choices.SGD`` without momentum, as a ``trajectory.Leg`` advances.

    Raises ``ValueError`` for momentum, which ``quench.dynamics.reference.optimisers`` has.
    """
    if sgd.momentum:
        raise ValueError("momentum: quench.dynamics.reference.optimisers has it")
    masters, batches = MasterWeights(problem, weights, first_step), Batches(problem, sgd, ensemble)
    for step in range(first_step, first_step + n_steps):
        batch = batches.at(step)
        masters.update(one_step(problem, sgd, ensemble.weight_decay, masters.weights, batch), step + 1)
    return masters.write_back(weights)


def one_step(
    problem: Problem, sgd: SGD, weight_decay: float, weights: torch.Tensor, batch: torch.Tensor
) -> torch.Tensor:
    """The weights after one update, float64 on the problem's device; ``batch`` holds sample numbers (network, sample)."""
    return weights - sgd.step_size * (problem.mean_gradient(weights, batch) + weight_decay * weights)


class Batches:
    """The batches of an ensemble, (network, sample) on the problem's device."""

    def __init__(self, problem: Problem, dynamics: SGD | Adam, ensemble: Ensemble) -> None:
        drop_last = isinstance(dynamics, SGD) and dynamics.drop_last
        self.orders = [
            DataOrder(
                problem.n_samples, dynamics.batch_size, seed, ensemble.stream, dynamics.sampling, drop_last=drop_last
            )
            for seed in ensemble.seeds
        ]
        self.device = problem.device

    def at(self, step: int) -> torch.Tensor:
        """Sample numbers of the batches of update number ``step``, counted from 0."""
        drawn = np.stack([order.batch(step) for order in self.orders])
        return torch.from_numpy(drawn).to(self.device, non_blocking=True)
