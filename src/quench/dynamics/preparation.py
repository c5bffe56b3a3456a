"""From random weights into a basin: SGD, then full-batch descent at falling rates (KWJ Sec. III.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from quench.dynamics import descent
from quench.dynamics.schedule import lags
from quench.dynamics.trajectory import Leg
from quench.numerics.random import stream_id

# Looks at the loss: every epoch at first, then so many a decade.
LOOKS_PER_DECADE = 20


def legs(
    problem: Any,
    sgd_advance: Callable[..., np.ndarray],
    seeds: np.ndarray,
    *,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    polish: Sequence[tuple[int, float]],
    weight_decay: float,
) -> list[Leg]:
    """``epochs`` of SGD, then one leg of gradient descent for every (epochs, learning rate) in ``polish``."""
    steps_per_epoch = -(-problem.n_samples // batch_size)

    def sgd(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
        return sgd_advance(
            problem,
            weights,
            seeds=seeds,
            stream=stream_id("preparation batches"),
            first_step=first_step,
            n_steps=n_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
        )

    def descend(rate: float) -> Callable[[np.ndarray, int, int], np.ndarray]:
        def advance(weights: np.ndarray, first_step: int, n_steps: int) -> np.ndarray:
            return descent.advance(
                problem, weights, first_step=first_step, n_steps=n_steps, learning_rate=rate, weight_decay=weight_decay
            )

        return advance

    polishing = [Leg(f"descent at {rate:g}", steps, descend(rate)) for steps, rate in polish]
    return [Leg("SGD", epochs * steps_per_epoch, sgd), *polishing]


def look_times(n_samples: int, batch_size: int, epochs: int, polish: Sequence[tuple[int, float]]) -> np.ndarray:
    """Updates at which the loss is recorded: log-spaced epochs of SGD, and the end of every leg of descent."""
    steps_per_epoch = -(-n_samples // batch_size)
    sgd = lags(epochs, 1, LOOKS_PER_DECADE) * steps_per_epoch if epochs else np.zeros(1, dtype=np.int64)
    ends = epochs * steps_per_epoch + np.cumsum([0, *(steps for steps, _ in polish)])
    return np.unique(np.concatenate([sgd, ends]))
