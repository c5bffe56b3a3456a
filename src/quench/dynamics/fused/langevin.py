"""Overdamped Langevin dynamics, whole stretches of it in compiled code (KWJ Eq. 3)."""

from __future__ import annotations

import numpy as np

from quench.dynamics.fused.gradient import is_finite, partial_sum, round_weights, sum_gradient
from quench.dynamics.fused.memory import Workspace, addresses
from quench.dynamics.fused.problem import Problem
from quench.numerics.compiled import compiled
from quench.numerics.random import fill_normals


def advance(
    problem: Problem,
    weights: np.ndarray,
    *,
    seeds: np.ndarray,
    stream: int,
    first_step: int,
    n_steps: int,
    step_size: float,
    temperature: float,
    weight_decay: float,
) -> np.ndarray:
    """Update float64 ``weights`` (network, weight) in place, ``n_steps`` times from step ``first_step``.

    w <- w - mu (dL_data/dw + lambda w) + sqrt(2 mu T / P_D) xi, with xi the standard normals of (seed, stream, step);
    at T = 0 this is full-batch gradient descent. The weights stay float64 whatever the precision of the gradient: at
    T = 1e-10 a step of the noise is below the resolution of float32 weights.

    Returns for each network the number of updates, counted from step 0, after which a weight was first not finite, or
    -1. A lost network stays as it was lost and costs nothing more; the others go on. Raises ``ValueError`` for
    parameters out of range.
    """
    weights = problem.checked(weights, in_place=True)
    keys = problem.keys(weights, seeds, stream, first_step, n_steps)
    if not (temperature >= 0 and np.isfinite([step_size, temperature, weight_decay]).all()):
        raise ValueError("step size, temperature and weight decay must be finite, the temperature not negative")
    amplitude = float(np.sqrt(2 * step_size * temperature / problem.n_samples))

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
            float(step_size),
            amplitude,
            float(weight_decay),
        )

    return np.array(problem.each(one, np.arange(len(weights))), dtype=np.int64)


@compiled
def _stretch(shape, work, data, weights, seed, stream, first_step, n_steps, step_size, amplitude, weight_decay):
    for w in weights:
        if not is_finite(w):
            return first_step
    at = addresses(work, data)
    round_weights(at, weights)
    for step in range(first_step, first_step + n_steps):
        sum_gradient(shape, at, weights.size, data.n_samples, at.active, 0, False)
        if amplitude > 0:
            fill_normals(work.noise, seed, stream, np.uint64(step))
        if _update(at, weights, work.noise, 1.0 / data.n_samples, step_size, amplitude, weight_decay) > 0:
            return step + 1
    return -1


@compiled
def _update(at, weights, noise, share, step_size, amplitude, weight_decay):
    """One step of all weights and of their copy in the workspace; returns how many are not finite."""
    lost = 0
    for i in range(weights.size):
        force = partial_sum(at.sums, i) * share + weight_decay * weights[i]
        weights[i] -= step_size * force
        if amplitude > 0:
            weights[i] += amplitude * np.float64(noise[i])
        at.weights[i] = weights[i]
        lost += not is_finite(weights[i])
    return lost
