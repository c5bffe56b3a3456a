"""The noise that Langevin dynamics has added to each weight so far, computed again from its keys.

The noise is a pure function of (seed, stream, step). Its sum therefore costs no storage and no update of a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from quench.dynamics.annealing import Annealing
from quench.dynamics.choices import Langevin
from quench.numerics.compiled import compiled
from quench.numerics.random import fill_normals, stream_id


class AccumulatedNoise:
    """Sums over the updates 0 ... ``step`` - 1 of ``langevin``, by network (seed) and weight.

    ``noise`` = sum_k a_k xi_k is the displacement that the noise alone would have made, a_k = sqrt(2 mu T_k / P_D);
    ``field`` = sum_k xi_k / a_k is what a displacement is correlated with to give its response to a field (Novikov 1965).
    Both float64 (network, weight). At a constant temperature the two are proportional, and ``field`` (network, 0) is empty.
    """

    def __init__(self, langevin: Langevin, seeds: Iterable[int], n_weights: int, n_samples: int) -> None:
        self.langevin, self.seeds, self.n_samples = langevin, [int(seed) for seed in seeds], n_samples
        self.stream = stream_id(stream(langevin))
        self.step = 0
        self.noise = np.zeros((len(self.seeds), n_weights))
        self.field = np.zeros((len(self.seeds), n_weights if langevin.anneal else 0))
        self._work = np.empty(n_weights, dtype=np.float32)

    def advance_to(self, step: int) -> dict[str, np.ndarray]:
        """Add the updates up to ``step``, which must not lie in the past; the sums by name."""
        for first, count, temperature in self.langevin.stretches(self.step, step - self.step):
            amplitude = float(np.sqrt(2 * self.langevin.step_size * temperature / self.n_samples))
            for network, seed in enumerate(self.seeds):
                key = np.uint64(seed), np.uint64(self.stream)
                _add(self.noise[network], self.field[network], self._work, *key, first, count, amplitude)
        self.step = step
        return self.sums()

    def memory(self) -> dict[str, np.ndarray]:
        """The sums and their time, for a checkpoint."""
        return {f"{name} so far": values for name, values in self.sums().items()} | {"noise until": np.array(self.step)}

    def restore(self, memory: Mapping[str, np.ndarray]) -> None:
        """Resume from what ``memory`` returned."""
        for name, values in self.sums().items():
            values[...] = memory[f"{name} so far"]
        self.step = int(memory["noise until"])

    def sums(self) -> dict[str, np.ndarray]:
        return {"noise": self.noise} | ({"field": self.field} if self.field.size else {})


def of_run(config: Mapping[str, Any], seeds: Iterable[int], n_weights: int) -> AccumulatedNoise | None:
    """The noise of the run that declares ``config``; None where it has none, or where a response is not defined by it.

    The response needs noise at every update: it is not defined at T = 0, nor for SGD and Adam, whose noise is that of the
    batches.
    """
    if config.get("dynamics") != Langevin.dynamics or not {"step_size", "temperature", "P_D"} <= config.keys():
        return None
    anneal = config.get("anneal")
    langevin = Langevin(config["step_size"], config["temperature"], Annealing(**anneal) if anneal else None)
    return AccumulatedNoise(langevin, seeds, n_weights, config["P_D"]) if langevin.temperature > 0 else None


def stream(langevin: Langevin) -> str:
    """The word of the random stream; each temperature has its own, so that the curves of two are independent."""
    return f"langevin noise {'annealed to' if langevin.anneal else 'at'} T = {float(langevin.temperature)!r}"


@compiled
def _add(
    noise: np.ndarray,
    field: np.ndarray,
    work: np.ndarray,
    seed: np.uint64,
    stream: np.uint64,
    first_step: int,
    n_steps: int,
    amplitude: float,
) -> None:
    """Add the normals of some steps to ``noise`` times the amplitude, and to ``field``, unless it is empty, over it."""
    for step in range(first_step, first_step + n_steps):
        fill_normals(work, seed, stream, np.uint64(step))
        for i in range(noise.size):
            noise[i] += amplitude * np.float64(work[i])
        for i in range(field.size):
            field[i] += (1 / amplitude) * np.float64(work[i])
