"""The parts of the p-spin scheme, each against what it must do exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from threadpoolctl import threadpool_info, threadpool_limits

from quench.errors import QuenchError
from quench.theory.pspin import time_stepping
from quench.theory.pspin.elements import element, lagrange, nodes_between, quadrature_between, radau
from quench.theory.pspin.equations import Step
from quench.theory.pspin.grid import RESOLUTIONS, Resolution, build
from quench.theory.pspin.memory import empty_points, locate
from quench.theory.pspin.model import quenched
from quench.theory.pspin.time_stepping import march, newton

COARSE = Resolution(2, 5, 0.1, 0.1, 0.4, 1.0, 1.5, 2.0, 3.0, 2.0)


@pytest.mark.parametrize("points", [1, 3, 8])
def test_radau_points_integrate_polynomials_up_to_degree_2k_minus_2(points):
    nodes, weights = radau(points)
    assert nodes[-1] == 1.0
    for degree in range(2 * points - 1):
        assert weights @ nodes**degree == pytest.approx((1 + (-1) ** degree) / (degree + 1), abs=1e-14)


@given(st.integers(1, 13), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_an_element_represents_polynomials_of_its_degree_exactly(degree, seed):
    reference = element(degree)
    polynomial = np.polynomial.Legendre(np.random.Generator(np.random.PCG64(seed)).normal(size=degree + 1))
    z = np.linspace(-1.2, 1.2, 7)
    values = polynomial(reference.nodes)
    # Roundoff of a few operations per node; derivatives of degree-13 polynomials reach 13^2 times their values.
    np.testing.assert_allclose(lagrange(reference, z) @ values, polynomial(z), atol=1e-10)
    np.testing.assert_allclose(reference.derivative @ values, polynomial.deriv()(reference.nodes), atol=1e-10)


def test_elements_share_their_edges_and_add_up():
    edges, reference = np.array([-1.0, -0.2, 0.1, 1.0]), element(4)
    nodes = nodes_between(edges, reference)
    assert nodes.size == 13
    np.testing.assert_array_equal(nodes[::4], edges)
    assert quadrature_between(edges, reference) @ nodes**6 == pytest.approx(2 / 7, abs=1e-14)


def test_the_beginning_of_a_grid_does_not_depend_on_its_end():
    short, long = build(COARSE, 3.0), build(COARSE, 9.0)
    steps = short.x.size
    assert short.x[-1] >= 3.0 > short.x[-2]
    np.testing.assert_array_equal(short.x, long.x[:steps])
    eras = short.rows.size.size
    size = short.rows.size.max()
    np.testing.assert_array_equal(short.rows.nodes, long.rows.nodes[:eras, :size])


def smooth_rows(model, grid, correlation, response):
    """Rows (step, row, node) that sample two functions of (t, t'), the response scaled as the scheme stores it."""
    a = model.time_scale
    low, high = grid.x[:-1, None], grid.x[1:, None]
    x = (low + (high - low) * (grid.stage.nodes + 1) / 2)[:, :, None]
    y = grid.rows.nodes[grid.era][:, None] * x
    waiting_time = a * ((1 + np.exp(x)) / (1 + np.exp(y)) - 1)
    lag = a * ((1 + np.exp(x)) / (1 + np.exp(-y)) - 1)
    time = waiting_time + lag
    scale = (a + lag) * (a + waiting_time) / (a * (a + time))
    return correlation(time, waiting_time), response(time, waiting_time) * scale, time[:, :, 0], waiting_time


def test_memory_integrals_match_adaptive_quadrature():
    """For smooth C and R that solve nothing. Two grids show that the difference is discretisation, and vanishes."""
    model = quenched(3, 0.5)

    def correlation(t, s):
        return np.exp(-0.4 * (t - s)) * (1 + 0.1 * s)

    def response(t, s):
        return np.exp(-1.1 * (t - s))

    def integral(f, low, high):
        return quad(f, low, high, epsabs=1e-12, epsrel=1e-12)[0]

    worst = []
    for resolution in (COARSE, Resolution(3, 8, 0.05, 0.05, 0.2, 0.5, 0.8, 1.0, 1.5, 1.0)):
        grid = build(resolution, 2.4)
        c, r, time, waiting_time = smooth_rows(model, grid, correlation, response)
        n = grid.era.size - 1
        size = grid.rows.size[grid.era[n]]
        points = empty_points(grid)
        locate(grid, n, model.time_scale, c, r, points)
        step = Step(model, grid, n, points, c)
        sums = step.memory(step.interpolated(c[n, :, :size], r[n, :, :size]), size)
        error = 0.0
        for i, j in [(0, 1), (0, size // 2), (resolution.stages - 1, size // 3), (resolution.stages - 1, size - 1)]:
            t, tw = time[n, i + 1], waiting_time[n, i + 1, j]
            past = integral(
                lambda s, t=t, tw=tw: (
                    1.5 * correlation(t, s) ** 2 * response(tw, s)
                    + 3 * correlation(t, s) * response(t, s) * correlation(tw, s)
                ),
                0.0,
                tw,
            )
            recent = [
                integral(lambda s, t=t, tw=tw, f=f: 3 * correlation(t, s) * response(t, s) * f(s, tw), tw, t)
                for f in (correlation, response)
            ]
            scale = r[n, i + 1, j] / response(t, tw)
            error = max(error, abs(sums[i, 0, j] - past - recent[0]), abs(sums[i, 1, j] - scale * recent[1]))
        mu = model.temperature + integral(lambda s, t=t: 4.5 * correlation(t, s) ** 2 * response(t, s), 0.0, t)
        worst.append(max(error, abs(step.mu(c[n, :, :size], r[n, :, :size])[-1] - mu)))
    assert worst[0] < 1e-2
    assert worst[1] < 1e-6


@pytest.mark.parametrize("p", [2, 3, 4])
def test_jacobian_is_the_derivative_of_the_residual(p):
    model = quenched(p, 0.5)
    grid = build(COARSE, 1.5)
    c, r, *_ = smooth_rows(model, grid, lambda t, s: np.exp(-0.4 * (t - s)), lambda t, s: np.exp(-1.1 * (t - s)))
    n = grid.era.size - 1
    points = empty_points(grid)
    locate(grid, n, model.time_scale, c, r, points)
    step = Step(model, grid, n, points, c)
    generator = np.random.Generator(np.random.PCG64(p))
    change_c, change_r = generator.normal(size=(2, *c[n].shape))
    change_c[0] = change_r[0] = 0.0
    J = step.jacobian(c[n], r[n], step.interpolated(c[n], r[n]))
    unknowns = J.shape[0] * J.shape[1] * J.shape[2]
    exact = J.reshape(unknowns, unknowns) @ np.stack([change_c[1:], change_r[1:]], axis=1).ravel()
    # Central differences of a polynomial of degree p + 1: the error is O(h^2) of O(1) coefficients.
    h = 1e-5
    shifted = [(c[n] + s * h * change_c, r[n] + s * h * change_r) for s in (1, -1)]
    ahead, behind = (step.residual(*rows, step.interpolated(*rows)) for rows in shifted)
    np.testing.assert_allclose((ahead - behind).ravel() / (2 * h), exact, atol=1e-7 * np.abs(exact).max())


class Unsolvable:
    """A step whose residual is what one makes of it."""

    def __init__(self, residual):
        self.residual = lambda c, r, at: residual(c, r)

    def interpolated(self, c, r):
        return []

    def jacobian(self, c, r, at):
        return np.eye(2 * r[1:].size).reshape(1, 2, r.shape[1], 1, 2, r.shape[1])


@pytest.mark.parametrize(
    ("residual", "message"),
    [
        (lambda c, r: np.full((1, 2, 3), np.nan), "diverged"),
        (lambda c, r: np.stack([c[1:] ** 2 + 1, r[1:]], axis=1), "Newton"),
        (lambda c, r: np.stack([c[1:] - 2.0, r[1:]], axis=1), "exceeds 1"),
    ],
)
def test_newton_never_returns_what_does_not_solve_the_equations(residual, message):
    with pytest.raises(ArithmeticError, match=message):
        newton(Unsolvable(residual), np.full((2, 3), 0.7), np.ones((2, 3)))


def test_too_coarse_a_grid_ends_early_and_never_returns_a_wrong_row():
    hopeless = Resolution(2, 3, 0.5, 0.5, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0)
    solution = march(quenched(3, 0.05), hopeless, 1e7)
    assert "correlation exceeds 1 at t = " in solution.failure and solution.t_max < 1e7
    assert solution.correlation.max() <= 1 + 1e-6


def test_a_solution_without_a_first_step_is_an_error(monkeypatch):
    def diverge(*_):
        raise ArithmeticError("Newton's method diverged")

    monkeypatch.setattr(time_stepping, "newton", diverge)
    with pytest.raises(
        QuenchError, match=r"p = 3, T = 0.05: no solution \(Newton's method diverged at t = .*finer resolution"
    ):
        march(quenched(3, 0.05), COARSE, 1.0)


def test_blas_runs_on_one_thread_in_any_program(monkeypatch):
    """Threads make these small matrices slower, and the last bits depend on their number."""
    seen, solved = set(), time_stepping.newton

    def recorded(*arguments):
        seen.update(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
        return solved(*arguments)

    monkeypatch.setattr(time_stepping, "newton", recorded)
    with threadpool_limits(2, "blas"):
        march(quenched(), COARSE, 0.1)
    assert seen == {1}


def test_newton_accepts_what_rounding_leaves():
    """Changes that do not get smaller with a fresh Jacobian are accepted below 1e-8, and returned."""
    noise = np.random.Generator(np.random.PCG64(1))

    def residual(c, r):
        return np.stack([c[1:] - 0.5, r[1:] - 0.5], axis=1) + 1e-10 * noise.choice([-1.0, 1.0], size=(1, 2, 3))

    left = newton(Unsolvable(residual), np.full((2, 3), 0.7), np.ones((2, 3)))
    assert 1e-11 < left < 1e-8


def test_known_resolutions_are_ordered():
    grids = {name: build(resolution, 9.0) for name, resolution in RESOLUTIONS.items()}
    sizes = {name: grid.rows.size[-1] * grid.era.size for name, grid in grids.items()}
    assert sizes["fast"] < sizes["long"] < sizes["standard"] < sizes["fine"]
    # The long grid spends on late rows what it saves on early steps.
    assert grids["long"].rows.size[-1] > grids["standard"].rows.size[-1]
