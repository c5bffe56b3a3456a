"""Marching in logarithmic time: Newton's method on the rows of one step after another."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_limits

from quench.errors import QuenchError
from quench.theory.pspin.elements import lagrange
from quench.theory.pspin.equations import Step
from quench.theory.pspin.grid import Grid, Resolution, build
from quench.theory.pspin.memory import empty_points, locate
from quench.theory.pspin.model import Model
from quench.theory.pspin.solution import Solution

# The largest change of C or r in the last iteration. Rounding leaves 1e-13 in early rows, and more and more in late ones:
# there the change that a fresh Jacobian cannot make smaller is accepted, up to the second number.
TOLERANCE, LARGEST_TOLERANCE = 1e-11, 1e-8
ITERATIONS = 25


# The matrices are too small for threads, and the last bits must not depend on the number of cores.
@threadpool_limits.wrap(limits=1, user_api="blas")
def march(model: Model, resolution: Resolution, t_max: float, stretch: float = 1.0) -> Solution:
    """Solve the quench of ``model`` at t = 0 up to ``t_max`` or just beyond, or as far as Newton's method gets.

    ``stretch`` is a factor on all lengths of the grid. Every row that is returned solves the equations; ``failure`` of the
    solution says why it ends early. Raises ``QuenchError`` where there is no first step.
    """
    grid = build(resolution, float(np.log1p(t_max / model.time_scale)), stretch)
    points = empty_points(grid)
    shape = (len(grid.era), grid.stage.nodes.size, grid.rows.nodes.shape[1])
    correlation, response = np.ones(shape), np.ones(shape)
    # At t = 0 there is no memory but that of the start.
    f, b = model.covariance, model.inverse_initial
    multiplier = np.full(shape[:2], model.temperature + b * float(f.df(1.0)))
    energies = np.full(shape[:2], -b * float(f.f(1.0)))
    changes = np.zeros(len(grid.era))
    solved, failure = len(grid.era), ""
    for n in range(len(grid.era)):
        size = grid.rows.size[grid.era[n]]
        c, r = extrapolate(grid, n, correlation), extrapolate(grid, n, response)
        locate(grid, n, model.time_scale, correlation, response, points)
        step = Step(model, grid, n, points, correlation)
        try:
            changes[n] = newton(step, c, r)
        except ArithmeticError as error:
            solved, failure = n, f"{error} at t = {model.time_scale * np.expm1(grid.x[n + 1]):.4g}"
            break
        correlation[n, :, :size], response[n, :, :size] = c, r
        if n:
            multiplier[n, 0], energies[n, 0] = multiplier[n - 1, -1], energies[n - 1, -1]
        multiplier[n, 1:], energies[n, 1:] = step.mu(c, r), step.energy(c, r)
    if not solved:
        raise QuenchError(f"{model}: no solution ({failure}); use a finer resolution")
    grid = grid._replace(x=grid.x[: solved + 1], era=grid.era[:solved])
    changes = np.maximum.accumulate(np.maximum(changes, TOLERANCE))
    rows = (array[:solved] for array in (correlation, response, multiplier, energies, changes))
    return Solution(model, grid, *rows, failure)


def extrapolate(grid: Grid, n: int, rows: np.ndarray) -> np.ndarray:
    """First guess of the rows (row, node) of step ``n``, from the polynomials of the step before; row 0 is final."""
    size = grid.rows.size[grid.era[n]]
    if n == 0:
        return np.ones((rows.shape[1], size))
    before = rows[n - 1, :, : grid.rows.size[grid.era[n - 1]]]
    if grid.era[n] != grid.era[n - 1]:
        before = remesh(grid, n, before)
    low, start, end = grid.x[n - 1 : n + 2]
    x = start + (end - start) * (grid.stage.nodes + 1.0) / 2.0
    return lagrange(grid.stage, 2.0 * (x - low) / (start - low) - 1.0) @ before


def remesh(grid: Grid, n: int, rows: np.ndarray) -> np.ndarray:
    """``rows`` (row, node) from the mesh of step n - 1 on that of step ``n``."""
    old, new = grid.era[n - 1], grid.era[n]
    eta = grid.rows.nodes[new, : grid.rows.size[new]]
    edges = grid.rows.edges[old, : grid.rows.elements[old] + 1]
    element = np.clip(np.searchsorted(edges, eta) - 1, 0, len(edges) - 2)
    z = 2.0 * (eta - edges[element]) / np.diff(edges)[element] - 1.0
    degree = grid.rows.reference.nodes.size - 1
    return np.einsum(
        "jm,qjm->qj",
        lagrange(grid.rows.reference, z),
        rows[:, element[:, None] * degree + np.arange(degree + 1)],
    )


def newton(step: Step, c: np.ndarray, r: np.ndarray) -> float:
    """Solve F = 0 in place; return the largest change of the last iteration. Raises ``ArithmeticError``.

    The Jacobian is kept as long as it makes fast progress.
    """
    factors = None
    last = np.inf
    for _ in range(ITERATIONS):
        at = step.interpolated(c, r)
        F = step.residual(c, r, at)
        fresh = factors is None
        if fresh:
            J = step.jacobian(c, r, at).reshape(F.size, F.size)
            # The transpose of a C-ordered matrix is what LAPACK can factor in place.
            factors = scipy.linalg.lu_factor(J.T, overwrite_a=True, check_finite=False)
        change = scipy.linalg.lu_solve(factors, F.ravel(), trans=1, check_finite=False).reshape(F.shape)
        c[1:] -= change[:, 0]
        r[1:] -= change[:, 1]
        largest = np.abs(change).max()
        if not largest < 1e3:
            raise ArithmeticError("Newton's method diverged")
        slow = largest > 0.1 * last
        if largest < TOLERANCE or (fresh and slow and largest < LARGEST_TOLERANCE):
            if np.abs(c).max() > 1.0 + 1e-6:
                raise ArithmeticError("the correlation exceeds 1")
            return float(largest)
        if slow:
            factors = None
        last = largest
    raise ArithmeticError(f"Newton's method stopped {last:.0e} short of its solution")
