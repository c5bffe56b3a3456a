"""Master weights on a device through a segment of updates; a diverged network stays as it diverged."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.reference.problem import Problem


class MasterWeights:
    """``weights`` float64 (network, weight) on the problem's device; nothing is waited for until ``write_back``."""

    def __init__(self, problem: Problem, weights: np.ndarray, first_step: int) -> None:
        self.weights = problem.master_weights(weights)
        self._alive = torch.isfinite(self.weights).all(dim=1)
        self._diverged_at = torch.where(self._alive, -1, first_step)

    def update(self, weights: torch.Tensor, steps_done: int) -> None:
        """Set the ``weights`` of the finite networks, after ``steps_done`` updates."""
        self.weights = torch.where(self._alive.unsqueeze(1), weights, self.weights)
        finite = torch.isfinite(self.weights).all(dim=1)
        self._diverged_at = torch.where(self._alive & ~finite, steps_done, self._diverged_at)
        self._alive = finite

    def write_back(self, weights: np.ndarray) -> np.ndarray:
        """Copy to the host's ``weights``; returns the number of updates after which each network diverged, or -1."""
        weights[...] = self.weights.cpu().numpy()
        return self._diverged_at.cpu().numpy()
