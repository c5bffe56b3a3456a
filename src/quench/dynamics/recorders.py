"""Recorders of a trajectory: loss curves, or snapshots as well. Their memory can be saved and restored."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from quench.dynamics.problem import Problem
from quench.dynamics.trajectory import State


def losses(problem: Problem, weights: np.ndarray, weight_decay: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total loss L = L_data + (lambda/2)|W|^2 (KWJ Eq. 2), data loss and share of active samples, each (network)."""
    data_loss, active = problem.loss(weights)
    with np.errstate(over="ignore", invalid="ignore"):
        return data_loss + 0.5 * weight_decay * np.square(weights).sum(axis=1), data_loss, active


class LossCurve:
    """Losses at every recording time: ``loss``, ``data_loss`` and ``active_fraction``, each (network, time)."""

    NAMES = ("loss", "data_loss", "active_fraction")

    def __init__(self, problem: Problem, weight_decay: float) -> None:
        self.problem, self.weight_decay = problem, weight_decay
        self.curves: dict[str, list[np.ndarray]] = {name: [] for name in self.NAMES}
        self.last_loss = float("nan")

    def record(self, state: State) -> None:
        values = losses(self.problem, state.weights, self.weight_decay)
        for name, value in zip(self.NAMES, values, strict=True):
            self.curves[name].append(value)
        finite = values[0][np.isfinite(values[0])]
        self.last_loss = float(np.median(finite)) if finite.size else float("nan")

    def memory(self) -> dict[str, np.ndarray]:
        return {name: np.array(values) for name, values in self.curves.items()}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        self.curves = {name: list(memory[name]) for name in self.NAMES}

    def table(self) -> dict[str, np.ndarray]:
        return {name: np.stack(values, axis=1) for name, values in self.curves.items()}


class Snapshots(LossCurve):
    """Losses and the weights at every recording time: ``weights`` float64 (network, time, weight)."""

    def __init__(self, problem: Problem, weight_decay: float, n_networks: int, n_times: int) -> None:
        super().__init__(problem, weight_decay)
        self.weights = np.empty((n_networks, n_times, problem.architecture.n_weights))
        self.taken = 0

    def record(self, state: State) -> None:
        super().record(state)
        self.weights[:, self.taken] = state.weights
        self.taken += 1

    def rows(self, first: int) -> np.ndarray:
        return self.weights[:, first : self.taken].swapaxes(0, 1)

    def restore_rows(self, rows: np.ndarray) -> None:
        self.taken = len(rows)
        for place, row in enumerate(rows):
            self.weights[:, place] = row.reshape(len(self.weights), -1)
