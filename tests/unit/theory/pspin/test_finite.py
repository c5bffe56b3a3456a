"""The equations of a mixed model at T = 0 against gradient descent at finite N, from random and from planted starts."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from quench.theory.pspin.model import quenched
from quench.theory.pspin.solve import solve

TERMS = ((3, 0.5), (4, 0.5))
STEP, STEPS = 0.05, 20


def symmetric(generator: np.random.Generator, n_spins: int, order: int) -> np.ndarray:
    """Couplings J of H = -sum J s...s with var H = N C^k: a Gaussian tensor of all indices, averaged over their order."""
    tensor = generator.normal(size=(n_spins,) * order).astype(np.float32)
    orders = list(itertools.permutations(range(order)))
    return sum(tensor.transpose(one) for one in orders) / len(orders) / n_spins ** ((order - 1) / 2)


def descended(n_spins: int, initial: float, seed: int, starts: int = 24) -> tuple[float, float]:
    """E(1) - E(0) and C(1, 0), averaged over ``starts``; equilibrium at T0 by planting.

    Couplings of weight exp(-H(s0)/T0) are Gaussian ones with -N f(s s0 / N) / T0 added to H.
    """
    generator, b = np.random.Generator(np.random.PCG64((seed, n_spins))), 1 / initial
    couplings = [(k, math.sqrt(a) * symmetric(generator, n_spins, k)) for k, a in TERMS]
    f = quenched(None, 0.0, terms=TERMS).covariance
    start = generator.normal(size=(n_spins, starts))
    start *= np.sqrt(n_spins / (start**2).sum(axis=0))

    def force(spins):
        total = b * f.df((spins * start).mean(axis=0)) * start
        energy = -b * f.f((spins * start).mean(axis=0))
        for k, tensor in couplings:
            product = np.tensordot(tensor, spins.astype(np.float32), 1)
            for _ in range(k - 2):
                product = np.einsum("...ir,ir->...r", product, spins.astype(np.float32))
            total = total + k * product
            energy = energy - (spins * product).mean(axis=0)
        return total, energy

    def drift(spins):
        total, _ = force(spins)
        return total - (spins * total).mean(axis=0) * spins

    spins = start
    for _ in range(STEPS):
        here = drift(spins)
        spins = spins + STEP / 2 * (here + drift(spins + STEP * here))
        spins = spins * np.sqrt(n_spins / (spins**2).sum(axis=0))
    fall = force(spins)[1] - force(start)[1]
    return float(fall.mean()), float((spins * start).mean())


@pytest.mark.parametrize("initial", [math.inf, 0.81])
def test_gradient_descent_tends_to_the_solution(initial):
    """Straight lines in 1/N through two sizes; their curvature is of order 1/N^2."""
    sizes, seeds = (16, 32), range(30)
    found = np.array([[descended(n, initial, seed) for seed in seeds] for n in sizes])
    limit = 2 * found[1] - found[0]
    error = limit.std(axis=0, ddof=1) / math.sqrt(len(seeds))
    solved = solve(quenched(None, 0.0, terms=TERMS, initial_temperature=None if math.isinf(initial) else initial), 1.0)
    energy = solved.energy([0.0, 1.0]).value
    exact = np.array([energy[1] - energy[0], float(solved.two_time(0.0, 1.0)[0].value)])
    assert np.all(np.abs(limit.mean(axis=0) - exact) < 4 * error + 3 / sizes[0] ** 2)
    assert np.all(error < 0.03)
