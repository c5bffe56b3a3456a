"""Observables measured while the networks are trained: nothing is kept but references of the open waiting times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quench.dynamics.recorders import LossCurve
from quench.dynamics.trajectory import State
from quench.observables.pairs import Pairs


class Streamed(LossCurve):
    """Losses at every look, and ``pairs`` of waiting time and lag; ``kept`` (weight) tells which weights count."""

    def __init__(self, problem: Any, weight_decay: float, pairs: Pairs, kept: np.ndarray) -> None:
        super().__init__(problem, weight_decay)
        self.pairs, self.kept = pairs, kept

    def record(self, state: State) -> None:
        super().record(state)
        self.pairs.see(state.step, state.weights[:, self.kept])

    def memory(self) -> dict[str, np.ndarray]:
        return super().memory() | self.pairs.memory()

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        super().restore(memory)
        self.pairs.restore(memory)
