"""Full-batch gradient descent, the same for both backends: the last stretch into a minimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from quench.dynamics.survival import Survival


def advance(
    problem: Any, weights: np.ndarray, *, first_step: int, n_steps: int, learning_rate: float, weight_decay: float
) -> np.ndarray:
    """Update float64 ``weights`` (network, weight) in place: w <- w - eta (dL_data/dw + lambda w), ``n_steps`` times.

    Returns for each network the number of updates, counted from step 0, after which it was lost, or -1.
    """
    survival = Survival(weights, first_step)
    for step in range(first_step, first_step + n_steps):
        alive = survival.alive
        if not alive.size:
            break
        current = weights[alive]
        weights[alive] = current - learning_rate * (problem.gradient(current) + weight_decay * current)
        survival.check(weights, step + 1)
    return survival.diverged_at
