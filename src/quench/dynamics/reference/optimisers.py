"""Mini-batch optimisers that remember earlier updates, momentum and Adam, over the batches that plain SGD would see."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.choices import SGD, Adam, Ensemble
from quench.dynamics.reference.master_weights import MasterWeights
from quench.dynamics.reference.problem import Problem
from quench.dynamics.reference.sgd import Batches


def advance(
    problem: Problem,
    dynamics: SGD | Adam,
    ensemble: Ensemble,
    memory: np.ndarray,
    weights: np.ndarray,
    first_step: int,
    n_steps: int,
) -> np.ndarray:
    """``n_steps`` updates of ``choices.SGD`` with momentum or of ``choices.Adam``, as a ``trajectory.Leg`` advances.

    ``memory`` float64 (network, slot, weight) is updated in place, too.
    """
    masters, batches = MasterWeights(problem, weights, first_step), Batches(problem, dynamics, ensemble)
    remembered = torch.tensor(memory, dtype=torch.float64, device=problem.device)
    for step in range(first_step, first_step + n_steps):
        force = problem.mean_gradient(masters.weights, batches.at(step)) + ensemble.weight_decay * masters.weights
        direction = _direction(dynamics, force, remembered, step + 1)
        masters.update(masters.weights - dynamics.step_size * direction, step + 1)
    memory[...] = remembered.cpu().numpy()
    return masters.write_back(weights)


def _direction(dynamics: SGD | Adam, force: torch.Tensor, memory: torch.Tensor, count: int) -> torch.Tensor:
    """What update number ``count`` = 1, 2, ... subtracts from the weights per unit of step size.

    ``force`` is dL/dw + lambda w, float64 (network, weight); ``memory`` float64 (network, slot, weight) changes in place.
    """
    if isinstance(dynamics, SGD):
        # The heavy ball of Polyak (1964), as torch.optim.SGD has it.
        velocity = memory[:, 0]
        velocity.mul_(dynamics.momentum).add_(force)
        return velocity
    mean, square = memory[:, 0], memory[:, 1]
    beta1, beta2 = dynamics.betas
    mean.mul_(beta1).add_(force, alpha=1 - beta1)
    square.mul_(beta2).addcmul_(force, force, value=1 - beta2)
    root = (square / (1 - beta2**count)).sqrt()
    return mean / (1 - beta1**count) / (root + dynamics.epsilon)
