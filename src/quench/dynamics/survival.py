"""The networks of an ensemble whose weights are still finite."""

from __future__ import annotations

import numpy as np


class Survival:
    """``alive``: indices of the finite networks; ``diverged_at``: number of updates at which each diverged, or -1."""

    def __init__(self, weights: np.ndarray, step: int) -> None:
        self.diverged_at = np.full(len(weights), -1, dtype=np.int64)
        self.alive = np.arange(len(weights))
        self.check(weights, step)

    def check(self, weights: np.ndarray, step: int) -> None:
        finite = np.isfinite(weights[self.alive]).all(axis=1)
        self.diverged_at[self.alive[~finite]] = step
        self.alive = self.alive[finite]
