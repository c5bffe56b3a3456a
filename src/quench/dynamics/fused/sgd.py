"""Stochastic gradient descent, whole epochs in compiled code; every network has a data order of its own."""

from __future__ import annotations

import numpy as np

from quench.dynamics.fused.gradient import is_finite, partial_sum, round_weights, sum_gradient
from quench.dynamics.fused.memory import Workspace, addresses
from quench.dynamics.fused.pointers import pointer
from quench.dynamics.fused.problem import Problem
from quench.numerics.compiled import compiled
from quench.numerics.random import fill_integers, fill_permutation

SAMPLINGS = ("epoch", "iid")


def advance(
    problem: Problem,
    weights: np.ndarray,
    *,
    seeds: np.ndarray,
    stream: int,
    first_step: int,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    sampling: str = "epoch",
) -> np.ndarray:
    """Update float64 ``weights`` (network, weight) in place: w <- w - eta (dL_batch/dw + lambda w).

    sampling "epoch": epoch e = step // ceil(P/B) visits the keyed permutation (seed, stream, e) in order; its last
    batch is smaller where B does not divide P, and is averaged over its own size (the default of PyTorch's
    ``DataLoader``). "iid": B independent draws a step, keyed by (seed, stream, step).

    Returns for each network the number of updates, counted from step 0, after which a weight was first not finite, or
    -1; a lost network stays as it was lost. Raises ``ValueError`` for parameters out of range.
    """
    weights = problem.checked(weights, in_place=True)
    keys = problem.keys(weights, seeds, stream, first_step, n_steps)
    if sampling not in SAMPLINGS:
        raise ValueError(f"sampling must be one of {', '.join(SAMPLINGS)}, not {sampling!r}")
    if batch_size < 1:
        raise ValueError(f"batch size must be at least 1, not {batch_size}")
    if not np.isfinite([learning_rate, weight_decay]).all():
        raise ValueError("learning rate and weight decay must be finite")

    def one(network: int, work: Workspace) -> int:
        return _stretch(
            problem.shape,
            work,
            problem.data,
            weights[network],
            keys[network],
            np.uint64(stream),
            first_step,
            n_steps,
            batch_size,
            sampling == "epoch",
            float(learning_rate),
            float(weight_decay),
        )

    return np.array(problem.each(one, np.arange(len(weights))), dtype=np.int64)


@compiled
def _stretch(shape, work, data, weights, seed, stream, first_step, n_steps, batch_size, epochs, rate, weight_decay):
    for w in weights:
        if not is_finite(w):
            return first_step
    at = addresses(work, data)
    round_weights(at, weights)
    n_samples = data.n_samples
    steps_per_epoch = (n_samples + batch_size - 1) // batch_size
    order = np.empty(n_samples if epochs else batch_size, np.int64)
    for step in range(first_step, first_step + n_steps):
        if epochs:
            if step == first_step or step % steps_per_epoch == 0:
                fill_permutation(order, seed, stream, np.uint64(step // steps_per_epoch))
            first = step % steps_per_epoch * batch_size
            count = min(batch_size, n_samples - first)
        else:
            fill_integers(order, seed, stream, np.uint64(step), np.uint64(n_samples))
            first, count = 0, batch_size
        n_ahead = order.size - first - count
        sum_gradient(shape, at, weights.size, count, pointer(order, first), n_ahead, True)
        if _update(at, weights, 1.0 / count, rate, weight_decay) > 0:
            return step + 1
    return -1


@compiled
def _update(at, weights, share, rate, weight_decay):
    """One step of all weights and of their copy in the workspace; returns how many are not finite."""
    lost = 0
    for i in range(weights.size):
        weights[i] -= rate * (partial_sum(at.sums, i) * share + weight_decay * weights[i])
        at.weights[i] = weights[i]
        lost += not is_finite(weights[i])
    return lost
