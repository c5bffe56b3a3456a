"""Stochastic gradient descent, many updates in one call of compiled code; every network has its own data order."""

from __future__ import annotations

import numpy as np

from quench.dynamics.batches import steps_per_epoch
from quench.dynamics.choices import SGD, Ensemble
from quench.dynamics.fused.gradient import is_finite, partial_sum, round_weights, sum_gradient
from quench.dynamics.fused.memory import addresses
from quench.dynamics.fused.pointers import pointer
from quench.dynamics.fused.problem import Problem
from quench.numerics.compiled import compiled
from quench.numerics.random import fill_integers, fill_permutation


def advance(
    problem: Problem, sgd: SGD, ensemble: Ensemble, weights: np.ndarray, first_step: int, n_steps: int
) -> np.ndarray:
    """``n_steps`` updates of ``choices.SGD`` without momentum, as a ``trajectory.Leg`` advances.

    Raises ``ValueError`` for momentum, and for weights, seeds or steps that do not fit.
    """
    if sgd.momentum:
        raise ValueError("the fused engine has no momentum")
    per_epoch = steps_per_epoch(problem.n_samples, sgd.batch_size, sgd.drop_last) if sgd.sampling == "epoch" else 0
    rate = float(sgd.step_size)
    return problem.advance(_stretch, ensemble, weights, first_step, n_steps, sgd.batch_size, per_epoch, rate)


@compiled
def _stretch(shape, work, data, weights, seed, stream, first_step, n_steps, weight_decay, batch_size, per_epoch, rate):
    for w in weights:
        if not is_finite(w):
            return first_step
    at = addresses(work, data)
    round_weights(at, weights)
    n_samples = data.n_samples
    order = np.empty(n_samples if per_epoch else batch_size, np.int64)
    for step in range(first_step, first_step + n_steps):
        if per_epoch:
            if step == first_step or step % per_epoch == 0:
                fill_permutation(order, seed, stream, np.uint64(step // per_epoch))
            first = step % per_epoch * batch_size
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
    diverged = 0
    for i in range(weights.size):
        weights[i] -= rate * (partial_sum(at.sums, i) * share + weight_decay * weights[i])
        at.weights[i] = weights[i]
        diverged += not is_finite(weights[i])
    return diverged
