"""Master weights on a device through a stretch of steps; a network that is lost stays as it was lost."""

from __future__ import annotations

import numpy as np
import torch

from quench.dynamics.reference.problem import Problem


class Masters:
    """``weights`` float64 (network, weight) on the problem's device; nothing is waited for until ``write_back``."""

    def __init__(self, problem: Problem, weights: np.ndarray, first_step: int) -> None:
        self.weights = problem.masters(weights)
        self._alive = torch.isfinite(self.weights).all(dim=1)
        self._lost = torch.where(self._alive, -1, first_step)

    def update(self, weights: torch.Tensor, steps_done: int) -> None:
        """Take the new ``weights`` of the living networks, after ``steps_done`` updates."""
        self.weights = torch.where(self._alive.unsqueeze(1), weights, self.weights)
        finite = torch.isfinite(self.weights).all(dim=1)
        self._lost = torch.where(self._alive & ~finite, steps_done, self._lost)
        self._alive = finite

    def write_back(self, weights: np.ndarray) -> np.ndarray:
        """Copy to the host's ``weights``; the number of updates after which each network was lost, or -1."""
        weights[...] = self.weights.cpu().numpy()
        return self._lost.cpu().numpy()
