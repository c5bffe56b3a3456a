"""Full-batch gradient descent, the same for both backends: the last legs into a minimum."""

from __future__ import annotations

import numpy as np

from quench.dynamics.problem import Problem
from quench.dynamics.survival import Survival


def advance(
    problem: Problem,
    learning_rate: float,
    weight_decay: float,
    weights: np.ndarray,
    first_step: int,
    n_steps: int,
) -> np.ndarray:
    """``n_steps`` updates w <- w - eta (dL_data/dw + lambda w), as a ``Leg`` advances."""
    survival = Survival(weights, first_step)
    for step in range(first_step, first_step + n_steps):
        alive = survival.alive
        if not alive.size:
            break
        current = weights[alive]
        weights[alive] = current - learning_rate * (problem.gradient(current) + weight_decay * current)
        survival.check(weights, step + 1)
    return survival.diverged_at
