"""Overdamped Langevin dynamics of an ensemble in torch (KWJ Eq. 3)."""

from __future__ import annotations

import numpy as np

from quench.dynamics.reference.problem import Problem
from quench.dynamics.survival import Survival
from quench.random import normals


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
    amplitude = np.sqrt(2 * step_size * temperature / problem.n_samples)
    survival = Survival(weights, first_step)
    for step in range(first_step, first_step + n_steps):
        alive = survival.alive
        if not alive.size:
            break
        current = weights[alive]
        current -= step_size * (problem.gradient(current) + weight_decay * current)
        if amplitude > 0:
            for row, network in enumerate(alive):
                current[row] += amplitude * normals(int(seeds[network]), stream, step, current.shape[1]).astype(
                    np.float64
                )
        weights[alive] = current
        survival.check(weights, step + 1)
    return survival.diverged_at
