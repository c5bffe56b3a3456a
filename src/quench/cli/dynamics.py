"""What moves the weights of a run: the dynamics that its options ask for, as legs of a trajectory take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quench.cli.training import advance_module
from quench.dynamics.annealing import Annealing
from quench.dynamics.trajectory import Advance
from quench.numerics.random import stream_id


def langevin(
    problem: Any,
    backend: str,
    temperature: float,
    annealing: Annealing | None,
    step_size: float,
    common: Mapping[str, Any],
) -> Advance:
    """Langevin dynamics at ``temperature``, at once or after ``annealing`` to it."""
    move = advance_module(backend, "langevin").advance
    # The noise of each temperature is a stream of its own: curves at different T are independent.
    stream = stream_id(f"langevin noise {'annealed to' if annealing else 'at'} T = {temperature!r}")
    fixed = {**common, "stream": stream, "step_size": step_size}

    def quenched(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        return move(problem, weights, first_step=first_step, n_steps=n_steps, temperature=temperature, **fixed)

    def annealed(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        lost = np.full(len(weights), -1, dtype=np.int64)
        for start, count, at in annealing.stretches(first_step, n_steps):
            fresh = move(problem, weights, first_step=start, n_steps=count, temperature=at, **fixed)
            lost = np.where(lost < 0, fresh, lost)
        return lost

    return quenched if annealing is None else annealed


def rule(optimiser: str, momentum: float, betas: Sequence[float]) -> Any:
    """The optimiser's rule where it remembers earlier updates; None for plain SGD."""
    if optimiser == "sgd":
        return None
    from quench.dynamics.reference.optimisers import Adam, Momentum

    return Adam(*betas) if optimiser == "adam" else Momentum(momentum)


def descent(
    problem: Any,
    backend: str,
    rule: Any,
    memory: np.ndarray,
    batch_size: int,
    learning_rate: float,
    common: Mapping[str, Any],
) -> Advance:
    """SGD, or descent by a ``rule`` with its ``memory``, over the same batches."""
    stream = stream_id(f"batches of {batch_size}")
    fixed = {**common, "stream": stream, "batch_size": batch_size, "learning_rate": learning_rate}
    move = advance_module(backend, "optimisers" if rule else "sgd").advance
    told = (memory, rule) if rule else ()

    def descend(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        return move(problem, weights, *told, first_step=first_step, n_steps=n_steps, **fixed)

    return descend
