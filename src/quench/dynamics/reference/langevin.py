"""Overdamped Langevin dynamics of an ensemble in torch (KWJ Eq. 3)."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.reference.master_weights import Masters
from quench.dynamics.reference.problem import Problem
from quench.numerics.random import normals


def advance(
    problem: Problem,
    weights: np.ndarray,
    *,
    seeds: np.ndarray,
    stream: int,
    first_step: int,
    n_steps: int,
    step_size: float,
    temperature: float,
    weight_decay: float,
) -> np.ndarray:
    """Update float64 ``weights`` (network, weight) in place, ``n_steps`` times from step ``first_step``.

    w <- w - mu (dL_data/dw + lambda w) + sqrt(2 mu T / P_D) xi, with xi the standard normals of (seed, stream, step);
    at T = 0 this is full-batch gradient descent. Returns for each network the number of updates, counted from step 0,
    after which a weight was first not finite, or -1. A lost network stays as it was lost; the others go on.
    """
    masters = Masters(problem, weights, first_step)
    for step in range(first_step, first_step + n_steps):
        noise = standard_normals(problem, seeds, stream, step) if temperature > 0 else None
        masters.update(one_step(problem, masters.weights, noise, step_size, temperature, weight_decay), step + 1)
    return masters.write_back(weights)


def one_step(
    problem: Problem,
    weights: torch.Tensor,
    noise: torch.Tensor | None,
    step_size: float,
    temperature: float,
    weight_decay: float,
) -> torch.Tensor:
    """The weights after one update, float64 on the problem's device, with standard normal ``noise`` or none."""
    moved = weights - step_size * (problem.mean_gradient(weights) + weight_decay * weights)
    if noise is None:
        return moved
    amplitude = float(np.sqrt(2 * step_size * temperature / problem.n_samples))
    return moved + amplitude * noise.double()


def standard_normals(problem: Problem, seeds: np.ndarray, stream: int, step: int) -> torch.Tensor:
    """xi of every network, float32 (network, weight): drawn on the host, so that every device sees the same numbers."""
    drawn = [normals(int(seed), stream, step, problem.architecture.n_weights) for seed in seeds]
    return torch.from_numpy(np.stack(drawn)).to(problem.device, non_blocking=True)
