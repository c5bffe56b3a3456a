"""What is kept of a trajectory: loss curves, or whole snapshots. A recorder's memory can be saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quench.dynamics.trajectory import State


def losses(problem: Any, weights: np.ndarray, weight_decay: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total loss L = L_data + (lambda/2)|W|^2 (KWJ Eq. 2), data loss and share of active samples, each (network)."""
    data_loss, active = problem.loss(weights)
    return data_loss + 0.5 * weight_decay * np.square(weights).sum(axis=1), data_loss, active


class LossCurve:
    """Losses at every look: ``loss``, ``data_loss`` and ``active_fraction``, each (network, look)."""

    NAMES = ("loss", "data_loss", "active_fraction")

    def __init__(self, problem: Any, weight_decay: float) -> None:
        self.problem, self.weight_decay = problem, weight_decay
        self.curves: dict[str, list[np.ndarray]] = {name: [] for name in self.NAMES}
        self.last_loss = float("nan")

    def look(self, state: State) -> None:
        values = losses(self.problem, state.weights, self.weight_decay)
        for name, value in zip(self.NAMES, values, strict=True):
            self.curves[name].append(value)
        self.last_loss = float(np.nanmedian(values[0])) if np.isfinite(values[0]).any() else float("nan")

    def memory(self) -> dict[str, np.ndarray]:
        return {name: np.array(values) for name, values in self.curves.items()}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        self.curves = {name: list(memory[name]) for name in self.NAMES}

    def table(self) -> dict[str, np.ndarray]:
        return {name: np.stack(values, axis=1) for name, values in self.curves.items()}


class Snapshots(LossCurve):
    """Losses and the weights themselves at every look, float64 (network, look, weight)."""

    def __init__(self, problem: Any, weight_decay: float) -> None:
        super().__init__(problem, weight_decay)
        self.weights: list[np.ndarray] = []

    def look(self, state: State) -> None:
        super().look(state)
        self.weights.append(state.weights.copy())

    def memory(self) -> dict[str, np.ndarray]:
        return super().memory() | {"snapshots": np.array(self.weights)}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        super().restore(memory)
        self.weights = list(memory["snapshots"])

    def stacked(self) -> np.ndarray:
        return np.stack(self.weights, axis=1)
