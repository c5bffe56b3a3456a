"""Overdamped Langevin dynamics of an ensemble in torch (KWJ Eq. 3)."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.choices import Ensemble, Langevin
from quench.dynamics.reference.master_weights import MasterWeights
from quench.dynamics.reference.problem import Problem
from quench.numerics.random import normals


def advance(
    problem: Problem, langevin: Langevin, ensemble: Ensemble, weights: np.ndarray, first_step: int, n_steps: int
) -> np.ndarray:
    """``n_steps`` updates of ``choices.Langevin`` at its final temperature, as a ``trajectory.Leg`` advances."""
    masters = MasterWeights(problem, weights, first_step)
    for step in range(first_step, first_step + n_steps):
        noise = standard_normals(problem, ensemble, step) if langevin.temperature > 0 else None
        masters.update(one_step(problem, langevin, ensemble.weight_decay, masters.weights, noise), step + 1)
    return masters.write_back(weights)


def one_step(
    problem: Problem, langevin: Langevin, weight_decay: float, weights: torch.Tensor, noise: torch.Tensor | None
) -> torch.Tensor:
    """The weights after one update, float64 on the problem's device, with standard normal ``noise`` or none."""
    step_size, temperature = langevin.step_size, langevin.temperature
    moved = weights - step_size * (problem.mean_gradient(weights) + weight_decay * weights)
    if noise is None:
        return moved
    amplitude = float(np.sqrt(2 * step_size * temperature / problem.n_samples))
    return moved + amplitude * noise.double()


def standard_normals(problem: Problem, ensemble: Ensemble, step: int) -> torch.Tensor:
    """xi of every network, float32 (network, weight): drawn on the host, so that every device sees the same numbers."""
    n_weights = problem.architecture.n_weights
    drawn = [normals(seed, ensemble.stream, step, n_weights) for seed in ensemble.seeds]
    return torch.from_numpy(np.stack(drawn)).to(problem.device, non_blocking=True)
