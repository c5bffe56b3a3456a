"""The p-spin solver against results that share nothing with it: power series, the solvable p = 2, equilibrium."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from scipy.special import ive

from quench.theory.mct.schematic import equilibrium_pspin
from quench.theory.pspin.model import quenched
from quench.theory.pspin.solve import solve


def short_time_series(p: int, temperature: float, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of C, R in t^i t'^j (i + j <= order) and of mu in t^i, by Picard iteration of the equations."""
    size = order + 1
    degrees = np.add.outer(np.arange(size), np.arange(size))

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        out = np.zeros((size, size))
        for i, j in zip(*np.nonzero(a), strict=True):
            out[i:, j:] += a[i, j] * b[: size - i, : size - j]
        return np.where(degrees <= order, out, 0.0)

    def power(a: np.ndarray, n: int) -> np.ndarray:
        one = np.zeros_like(a)
        one[0, 0] = 1.0
        return functools.reduce(product, [a] * n, one)

    def convolved(a: np.ndarray, b: np.ndarray, between: bool) -> np.ndarray:
        """int a(t, s) b(s, t') ds from t' to t (between), or int a(t, s) b(t', s) ds from 0 to t'."""
        out = np.zeros((size, size))
        terms_a, terms_b = (list(zip(*np.nonzero(x), strict=True)) for x in (a, b))
        for (i, j), (k, m) in itertools.product(terms_a, terms_b):
            if i + j + k + m >= order:
                continue
            if between:
                value = a[i, j] * b[k, m] / (j + k + 1)
                out[i + j + k + 1, m] += value
                out[i, m + j + k + 1] -= value
            else:
                out[i, k + j + m + 1] += a[i, j] * b[k, m] / (j + m + 1)
        return out

    def integrated(slope: np.ndarray) -> np.ndarray:
        """The function with this d/dt that is 1 on the diagonal t = t'."""
        out = np.zeros((size, size))
        out[1:] = slope[:-1] / np.arange(1, size)[:, None]
        for i, j in zip(*np.nonzero(out), strict=True):
            if i + j <= order:
                out[0, i + j] -= out[i, j] if i else 0.0
        out[0, 0] += 1.0
        return np.where(degrees <= order, out, 0.0)

    c = np.zeros((size, size))
    c[0, 0] = 1.0
    r = c.copy()
    for _ in range(order + 1):
        sigma = p * (p - 1) / 2 * product(power(c, p - 2), r)
        mu = np.zeros((size, size))
        mu[0, 0] = temperature
        integrand = p**2 / 2 * product(power(c, p - 1), r)
        for i, j in zip(*np.nonzero(integrand), strict=True):
            if i + j < order:
                mu[i + j + 1, 0] += integrand[i, j] / (j + 1)
        memory = (
            convolved(sigma, c, between=True)
            + convolved(sigma, c, between=False)
            + convolved(p / 2 * power(c, p - 1), r, between=False)
        )
        c, r = (
            integrated(memory - product(mu, c)),
            integrated(convolved(sigma, r, between=True) - product(mu, r)),
        )
    return c, r, mu[:, 0]


@pytest.mark.parametrize(("p", "temperature"), [(3, 0.5), (4, 1.3), (2, 0.5)])
def test_short_times_follow_the_power_series(p, temperature):
    order, t = 12, 0.03
    c, r, mu = short_time_series(p, temperature, order)
    powers = t ** np.arange(order + 1)
    # The series converges: what the next orders would add is below what the last three did.
    truncation = abs(mu[-3:] * powers[-3:]).sum()
    assert truncation < 1e-9
    quench = solve(quenched(p, temperature), 0.1)
    energy = quench.energy(t)
    assert energy.value == pytest.approx((temperature - mu @ powers) / p, abs=energy.error + truncation)
    for waiting_time in (0.0, 0.01, 0.025):
        early = waiting_time ** np.arange(order + 1)
        for solved, coefficients in zip(quench.two_time(waiting_time, t - waiting_time), (c, r), strict=False):
            assert solved.value == pytest.approx(powers @ coefficients @ early, abs=solved.error + truncation)
    assert energy.error < 1e-8


class TwoSpin:
    """Exact p = 2 quench (Cugliandolo & Dean 1995, J. Phys. A 28, 4213): linear modes with semicircular spectrum.

    k(u) = <exp(lambda u)> = I_1(2u)/u over the semicircle of radius 2; Gamma(t) = exp(2 int_0^t mu) solves
    Gamma(t) = k(2t) + 2T int_0^t k(2(t - s)) Gamma(s) ds. All are kept scaled by exp(-2 x their argument).
    """

    def __init__(self, temperature: float, t_max: float, nodes: int = 120) -> None:
        self.temperature, self.t_max = temperature, t_max
        self.gauss, self.weights = np.polynomial.legendre.leggauss(nodes)
        t = t_max / 2 * (1 - np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes))
        s = t[:, None] * (self.gauss + 1) / 2
        kernel = self.k(2 * (t[:, None] - s)) * self.weights * t[:, None] / 2
        history = np.einsum("ij,ijk->ik", kernel, self.chebyshev(s, nodes))
        self.coefficients = np.linalg.solve(self.chebyshev(t, nodes) - 2 * temperature * history, self.k(2 * t))

    def chebyshev(self, t: np.ndarray, nodes: int) -> np.ndarray:
        return np.polynomial.chebyshev.chebvander(2 * t / self.t_max - 1, nodes - 1)

    def k(self, u: np.ndarray) -> np.ndarray:
        return np.where(u > 1e-12, ive(1, 2 * np.maximum(u, 1e-12)) / np.maximum(u, 1e-12), 1.0)

    def gamma(self, t: np.ndarray) -> np.ndarray:
        return self.chebyshev(np.asarray(t), self.coefficients.size) @ self.coefficients

    def correlation(self, t: float, waiting_time: float) -> float:
        s = waiting_time * (self.gauss + 1) / 2
        noise = (self.k(t + waiting_time - 2 * s) * self.gamma(s)) @ self.weights * waiting_time / 2
        norm = np.sqrt(self.gamma(t) * self.gamma(waiting_time))
        return (self.k(t + waiting_time) + 2 * self.temperature * noise) / norm

    def response(self, t: float, waiting_time: float) -> float:
        return np.sqrt(self.gamma(waiting_time) / self.gamma(t)) * self.k(t - waiting_time)

    def energy(self, t: float) -> float:
        """(T - mu)/2, where mu is half the slope of ln Gamma; scaling Gamma by exp(-4t) took 2 from mu."""
        derivative = np.polynomial.chebyshev.chebder(self.coefficients) * 2 / self.t_max
        slope = np.polynomial.chebyshev.chebval(2 * t / self.t_max - 1, derivative)
        return (self.temperature - 2 - slope / self.gamma(t) / 2) / 2


@pytest.mark.parametrize("temperature", [0.3, 1.5])
def test_two_spin_model_agrees_with_its_exact_solution_while_it_ages(temperature):
    exact, coarser = TwoSpin(temperature, 12.0), TwoSpin(temperature, 12.0, nodes=90)
    quench = solve(quenched(2, temperature), 12.0)
    times = np.array([0.1, 1.0, 7.0, 12.0])
    # The oracle converges exponentially: the coarser one is much further off than the one that is used.
    oracle = np.abs(exact.energy(times) - coarser.energy(times)).max()
    assert oracle < 1e-9
    for t in times:
        energy = quench.energy(t)
        assert energy.value == pytest.approx(exact.energy(t), abs=energy.error + oracle)
        assert energy.error < 1e-8
    for waiting_time, lag in itertools.product((0.2, 4.0), (0.3, 2.0, 8.0)):
        solved = quench.two_time(waiting_time, lag)
        for one, function in zip(solved, (exact.correlation, exact.response), strict=False):
            assert one.value == pytest.approx(function(waiting_time + lag, waiting_time), abs=one.error + oracle)
            assert one.error < 1e-6


@pytest.mark.parametrize(("p", "temperature"), [(3, 1.0), (5, 1.5)])
def test_above_the_dynamical_transition_the_quench_ends_in_equilibrium(p, temperature):
    """E = -1/(2T), time translation invariance, the schematic equation for C in equilibrium, and T chi = 1 - C."""
    quench = solve(quenched(p, temperature), 120.0, resolution="fast")
    assert quench.energy(120.0).value == pytest.approx(-1 / (2 * temperature), abs=1e-7)
    lag = np.geomspace(0.05, 10.0, 12)
    early, late = quench.two_time(80.0, lag), quench.two_time(100.0, lag)
    np.testing.assert_allclose(early[0].value, late[0].value, atol=1e-6)
    np.testing.assert_allclose(late[0].value, equilibrium_pspin(p, temperature, 10.0)(lag), atol=1e-6)
    np.testing.assert_allclose(temperature * late[2].value, 1 - late[0].value, atol=1e-6)
