"""Overdamped Langevin dynamics, many updates in one call of compiled code (KWJ Eq. 3)."""

from __future__ import annotations

import numpy as np

from quench.dynamics.choices import Ensemble, Langevin
from quench.dynamics.fused.gradient import is_finite, partial_sum, round_weights, sum_gradient
from quench.dynamics.fused.memory import addresses
from quench.dynamics.fused.problem import Problem
from quench.numerics.compiled import compiled
from quench.numerics.random import fill_normals


def advance(
    problem: Problem, langevin: Langevin, ensemble: Ensemble, weights: np.ndarray, first_step: int, n_steps: int
) -> np.ndarray:
    """``n_steps`` updates of ``choices.Langevin`` at its final temperature, as a ``trajectory.Leg`` advances.

    The weights stay float64 whatever the precision of the gradient: at T = 1e-10 a step of the noise is below the
    resolution of float32 weights. Raises ``ValueError`` for weights, seeds or steps that do not fit.
    """
    step_size, temperature = float(langevin.step_size), langevin.temperature
    amplitude = float(np.sqrt(2 * step_size * temperature / problem.n_samples))
    return problem.advance(_stretch, ensemble, weights, first_step, n_steps, step_size, amplitude)


@compiled
def _stretch(shape, work, data, weights, seed, stream, first_step, n_steps, weight_decay, step_size, amplitude):
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
    diverged = 0
    for i in range(weights.size):
        force = partial_sum(at.sums, i) * share + weight_decay * weights[i]
        weights[i] -= step_size * force
        if amplitude > 0:
            weights[i] += amplitude * np.float64(noise[i])
        at.weights[i] = weights[i]
        diverged += not is_finite(weights[i])
    return diverged
