"""The Cugliandolo-Kurchan equations of the spherical p-spin, collocated at the stages of one step (docs/pspin.md).

With f(C) = C^p / 2 and t > t' (Cugliandolo & Kurchan 1993, Phys. Rev. Lett. 71, 173):

    dC/dt = -mu C + int_0^t  f''(C(t,s)) R(t,s) C(s,t') ds + int_0^t' f'(C(t,s)) R(t',s) ds
    dR/dt = -mu R + int_t'^t f''(C(t,s)) R(t,s) R(s,t') ds
    mu(t) = T + (p^2/2) int_0^t C(t,s)^(p-1) R(t,s) ds
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quench.theory.pspin.grid import Grid
from quench.theory.pspin.interpolation import scatter, values
from quench.theory.pspin.memory import Points, workspace

# c, r, c', r' at the quadrature points of one stage.
Values = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def power(c: np.ndarray, n: int) -> np.ndarray:
    """c^n for a small integer n >= 0, by multiplication: an order of magnitude faster than the general power."""
    result = np.ones_like(c)
    for _ in range(n):
        result *= c
    return result


@dataclass(frozen=True)
class Model:
    """Spherical ``p``-spin at ``temperature`` T. Units: k_B = 1, couplings normalised so that f(C) = C^p / 2."""

    p: int
    temperature: float

    @property
    def time_scale(self) -> float:
        """The a of x = ln(1 + t/a): about the time that the response takes to fall, which mu sets."""
        return 2.0 / (self.temperature + 2.0 * float(self.d2f(np.ones(1))[0]) ** 0.5)

    def df(self, c: np.ndarray) -> np.ndarray:
        """f'(C) = (p/2) C^(p-1)."""
        return self.p / 2 * power(c, self.p - 1)

    def d2f(self, c: np.ndarray) -> np.ndarray:
        """f''(C) = (p(p-1)/2) C^(p-2)."""
        return self.p * (self.p - 1) / 2 * power(c, self.p - 2)

    def d3f(self, c: np.ndarray) -> np.ndarray:
        """f'''(C) = (p(p-1)(p-2)/2) C^(p-3), which is 0 for p = 2."""
        return self.p * (self.p - 1) * (self.p - 2) / 2 * power(c, max(self.p - 3, 0))


class Step:
    """One step of the grid: the equations at its rows. Rows ``c``, ``r`` are (row, node), row 0 the start of the step.

    In the coordinates (x, eta) the derivative at fixed t' is

        (a + t) d/dt = d/dx + v d/deta,    v = [(a + t)/(a + t - t') - eta] / x,

    and writing R = r a (a + t) / [(a + t - t')(a + t')] adds 1/(a + t) - 1/(a + t - t') to the mu of its equation.
    """

    def __init__(self, model: Model, grid: Grid, step: int, points: Points) -> None:
        self.model, self.points = model, points
        row, stage, a = grid.rows.reference, grid.stage, model.time_scale
        self.interpolation = (row.nodes, row.barycentric, stage.nodes, stage.barycentric)
        era, low, high = grid.era[step], grid.x[step], grid.x[step + 1]
        size, degree = grid.rows.size[era], row.nodes.size - 1
        eta = grid.rows.nodes[era, :size]
        x = low + (high - low) * (stage.nodes[1:] + 1.0) / 2.0
        X = np.exp(x)[:, None]
        lag = (1.0 + X) / (1.0 + np.exp(-eta * x[:, None]))
        lag[:, -1:] = X
        rate = 1.0 / (a * X)
        self.growth = rate - 1.0 / (a * lag)
        self.d_dx = stage.derivative[1:] * 2.0 / (high - low) * rate
        # Node j takes its derivative in the element on its left: information comes from the diagonal.
        element = (np.arange(size) + degree - 1) // degree - 1
        element[0] = 0
        self.columns = element[:, None] * degree + np.arange(degree + 1)
        width = np.diff(grid.rows.edges[era])[element]
        derivative = row.derivative[np.arange(size) - element * degree] * (2.0 / width)[:, None]
        self.d_deta = ((X / lag - eta) / x[:, None] * rate)[:, :, None] * derivative
        self.mu_weight = model.p**2 / 2 * a * x[:, None] * X / (1.0 + X) * grid.rows.quadrature[era, :size]

    def mu(self, c: np.ndarray, r: np.ndarray) -> np.ndarray:
        """mu (stage)."""
        return self.model.temperature + (self.mu_weight * power(c[1:], self.model.p - 1) * r[1:]).sum(axis=1)

    def transport(self, rows: np.ndarray) -> np.ndarray:
        """d/dt at fixed t' (stage, node)."""
        return self.d_dx @ rows + np.einsum("ijm,ijm->ij", self.d_deta, rows[1:, self.columns])

    def interpolated(self, c: np.ndarray, r: np.ndarray) -> list[Values]:
        """The rows at the quadrature points of every stage: most of the work of ``residual`` and ``jacobian``."""
        return [values(self.points, *self.interpolation, i, c, r) for i in range(len(c) - 1)]

    def memory(self, at: list[Values], size: int) -> np.ndarray:
        """The integrals (stage, equation, node) in the equations of C and R; 0 at node 0, the diagonal."""
        model, points = self.model, self.points
        sums = np.zeros((len(at), 2, size))
        for i, (ct, rt, cp, rp) in enumerate(at):
            here = slice(points.start[i, 0], points.start[i, size])
            sigma = model.d2f(ct) * rt
            first = points.start[i, 1:size] - here.start
            sums[i, 0, 1:] = np.add.reduceat(
                points.weight_d[here] * model.df(ct) * rp + points.weight_s[here] * sigma * cp, first
            )
            sums[i, 1, 1:] = np.add.reduceat(points.weight_r[here] * sigma * rp, first)
        return sums

    def residual(self, c: np.ndarray, r: np.ndarray, at: list[Values]) -> np.ndarray:
        """F (stage, equation, node), 0 for a solution; at node 0 the conditions C(t,t) = R(t,t) = 1."""
        memory = self.memory(at, c.shape[1])
        mu = self.mu(c, r)[:, None]
        F = np.empty_like(memory)
        F[:, 0] = self.transport(c) + mu * c[1:] - memory[:, 0]
        F[:, 1] = self.transport(r) + (mu + self.growth) * r[1:] - memory[:, 1]
        F[:, 0, 0], F[:, 1, 0] = c[1:, 0] - 1.0, r[1:, 0] - 1.0
        return F

    def jacobian(self, c: np.ndarray, r: np.ndarray, at: list[Values]) -> np.ndarray:
        """dF/d(c, r) (stage, equation, node, stage, field, node), for rows 1 and on."""
        stages, size = len(c) - 1, c.shape[1]
        J = workspace((stages, 2, size, stages, 2, size))
        mu = self.mu(c, r)
        mu_c = self.mu_weight * (self.model.p - 1) * power(c[1:], self.model.p - 2) * r[1:]
        mu_r = self.mu_weight * power(c[1:], self.model.p - 1)
        node = np.arange(size)
        for i in range(stages):
            self.memory_slopes(i, at[i], J)
            for field, (rows, decay) in enumerate(((c, mu[i]), (r, mu[i] + self.growth[i]))):
                block = J[i, field, :, i]
                block[:, 0] += rows[i + 1, :, None] * mu_c[i]
                block[:, 1] += rows[i + 1, :, None] * mu_r[i]
                block[node, field, node] += decay
                block[node[:, None], field, self.columns] += self.d_deta[i]
                J[i, field, node, :, field, node] += self.d_dx[i, 1:]
                J[i, field, 0] = 0.0
                J[i, field, 0, i, field, 0] = 1.0
        return J

    def memory_slopes(self, i: int, at: Values, J: np.ndarray) -> None:
        """Subtract the derivatives of ``memory`` at stage ``i`` from ``J``."""
        model, points = self.model, self.points
        ct, rt, cp, rp = at
        here = slice(points.start[i, 0], points.start[i, J.shape[2]])
        wd, ws, wr = points.weight_d[here], points.weight_s[here], points.weight_r[here]
        d2f, d3f_r = model.d2f(ct), model.d3f(ct) * rt
        slopes = np.empty((7, ct.size))
        slopes[0] = wd * d2f * rp + ws * d3f_r * cp
        slopes[1] = ws * d2f * cp
        slopes[2] = ws * d2f * rt
        slopes[3] = wd * model.df(ct)
        slopes[4] = wr * d3f_r * rp
        slopes[5] = wr * d2f * rp
        slopes[6] = wr * d2f * rt
        scatter(points, *self.interpolation, i, slopes, J)
