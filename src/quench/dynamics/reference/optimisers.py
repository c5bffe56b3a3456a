"""Mini-batch optimisers that remember earlier updates: momentum and Adam, over the batches that plain SGD would see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch

from quench.dynamics.reference.master_weights import Masters
from quench.dynamics.reference.problem import Problem
from quench.dynamics.reference.sgd import Order


class Rule(Protocol):
    """How an update follows from the force and from what was remembered.

    ``move(force, memory, count)`` takes the force dL/dw + lambda w, float64 (network, weight), changes ``memory``, float64
    (network, slot, weight), in place, and returns what is to be subtracted from the weights per unit of learning rate in
    update number ``count`` = 1, 2, ...
    """

    slots: ClassVar[int]

    def move(self, force: torch.Tensor, memory: torch.Tensor, count: int) -> torch.Tensor: ...


@dataclass(frozen=True)
class Momentum:
    """Heavy ball: v <- beta v + force, w <- w - eta v (Polyak 1964, as ``torch.optim.SGD`` has it)."""

    beta: float
    slots: ClassVar[int] = 1

    def move(self, force: torch.Tensor, memory: torch.Tensor, count: int) -> torch.Tensor:
        velocity = memory[:, 0]
        velocity.mul_(self.beta).add_(force)
        return velocity


@dataclass(frozen=True)
class Adam:
    """Moments m and s of the force, w <- w - eta m' / (sqrt(s') + epsilon) (Kingma & Ba 2015, Algorithm 1).

    m <- beta1 m + (1 - beta1) force, s <- beta2 s + (1 - beta2) force^2; m' = m / (1 - beta1^count), s' likewise.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    slots: ClassVar[int] = 2

    def move(self, force: torch.Tensor, memory: torch.Tensor, count: int) -> torch.Tensor:
        mean, square = memory[:, 0], memory[:, 1]
        mean.mul_(self.beta1).add_(force, alpha=1 - self.beta1)
        square.mul_(self.beta2).addcmul_(force, force, value=1 - self.beta2)
        root = (square / (1 - self.beta2**count)).sqrt()
        return mean / (1 - self.beta1**count) / (root + self.epsilon)


def advance(
    problem: Problem,
    weights: np.ndarray,
    memory: np.ndarray,
    rule: Rule,
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
    """Update float64 ``weights`` (network, weight) and ``memory`` (network, slot, weight) in place.

    The batches are those of ``quench.dynamics.reference.sgd.advance`` with the same key. Returns for each network the
    number of updates after which it was lost, or -1.
    """
    masters = Masters(problem, weights, first_step)
    remembered = torch.tensor(memory, dtype=torch.float64, device=problem.device)
    order = Order(problem.n_samples, batch_size, seeds, stream, sampling)
    for step in range(first_step, first_step + n_steps):
        batch = order.batches(step, problem.device)
        force = problem.mean_gradient(masters.weights, batch) + weight_decay * masters.weights
        masters.update(masters.weights - learning_rate * rule.move(force, remembered, step + 1), step + 1)
    memory[...] = remembered.cpu().numpy()
    return masters.write_back(weights)
