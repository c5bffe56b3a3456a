"""The Cugliandolo-Kurchan equations of the spherical p-spin, collocated at the stages of one step (docs/pspin.md).

With f(C) = sum_k a_k C^k, t > t', m(t) = C(t, 0) and b = 1/T0, for a system in equilibrium at T0 before t = 0 (Cugliandolo
& Kurchan 1993, Phys. Rev. Lett. 71, 173, with b = 0; Barrat, Burioni & Mezard 1996, J. Phys. A 29, L81, for b > 0):

    dC/dt = -mu C + int_0^t  f''(C(t,s)) R(t,s) C(s,t') ds + int_0^t' f'(C(t,s)) R(t',s) ds + b f'(m(t)) m(t')
    dR/dt = -mu R + int_t'^t f''(C(t,s)) R(t,s) R(s,t') ds
    mu(t) = T + int_0^t [f'(C) + C f''(C)] R ds + b f'(m) m
    E(t)  = -int_0^t f'(C) R ds - b f(m)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quench.theory.pspin.grid import Grid
from quench.theory.pspin.interpolation import scatter, values
from quench.theory.pspin.memory import Points, from_start, workspace
from quench.theory.pspin.model import Model

Array = NDArray[np.float64]
# c, r, c', r' at the quadrature points of one stage.
Values = tuple[Array, Array, Array, Array]


class Step:
    """One step of the grid: the equations at its rows. Rows ``c``, ``r`` are (row, node), row 0 the start of the step.

    In the coordinates (x, eta) the derivative at fixed t' is

        (a + t) d/dt = d/dx + v d/deta,    v = [(a + t)/(a + t - t') - eta] / x,

    and writing R = r a (a + t) / [(a + t - t')(a + t')] adds 1/(a + t) - 1/(a + t - t') to the mu of its equation.
    """

    def __init__(self, model: Model, grid: Grid, step: int, points: Points, correlation: Array) -> None:
        self.model, self.points = model, points
        self.f, self.b = model.covariance, model.inverse_initial
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
        # Integrals of h(C) R over the whole row are sums of row_weight h(c)/scale r; this scale makes g monic.
        scale = self.f.g.coefficients[-1]
        self.row_weight = scale * a * x[:, None] * X / (1.0 + X) * grid.rows.quadrature[era, :size]
        self.row_g, self.row_dg, self.row_df = (h.over(scale) for h in (self.f.g, self.f.dg, self.f.df))
        # m(t') at the nodes: ``known`` (stage, node) + ``in_step`` (stage, node, row) @ m(rows of the step).
        self.known, self.in_step = np.zeros((x.size, size)), np.zeros((x.size, size, x.size + 1))
        if self.b:
            from_start(grid, step, correlation, self.known, self.in_step)

    def mu(self, c: Array, r: Array) -> Array:
        """mu (stage)."""
        integral = (self.row_weight * self.row_g(c[1:]) * r[1:]).sum(axis=1)
        return self.model.temperature + integral + self.b * self.f.df(c[1:, -1]) * c[1:, -1]

    def energy(self, c: Array, r: Array) -> Array:
        """E (stage)."""
        return -(self.row_weight * self.row_df(c[1:]) * r[1:]).sum(axis=1) - self.b * self.f.f(c[1:, -1])

    def from_start(self, c: Array) -> Array:
        """m(t') (stage, node)."""
        return self.known + self.in_step @ c[:, -1]

    def transport(self, rows: Array) -> Array:
        """d/dt at fixed t' (stage, node)."""
        return self.d_dx @ rows + np.einsum("ijm,ijm->ij", self.d_deta, rows[1:, self.columns])

    def interpolated(self, c: Array, r: Array) -> list[Values]:
        """The rows at the quadrature points of every stage: most of the work of ``residual`` and ``jacobian``."""
        return [values(self.points, *self.interpolation, i, c, r) for i in range(len(c) - 1)]

    def memory(self, at: list[Values], size: int) -> Array:
        """The integrals (stage, equation, node) in the equations of C and R; 0 at node 0, the diagonal."""
        f, points = self.f, self.points
        sums = np.zeros((len(at), 2, size))
        for i, (ct, rt, cp, rp) in enumerate(at):
            here = slice(points.start[i, 0], points.start[i, size])
            sigma = f.d2f(ct) * rt
            first = points.start[i, 1:size] - here.start
            sums[i, 0, 1:] = np.add.reduceat(
                points.weight_d[here] * f.df(ct) * rp + points.weight_s[here] * sigma * cp, first
            )
            sums[i, 1, 1:] = np.add.reduceat(points.weight_r[here] * sigma * rp, first)
        return sums

    def residual(self, c: Array, r: Array, at: list[Values]) -> Array:
        """F (stage, equation, node), 0 for a solution; at node 0 the conditions C(t,t) = R(t,t) = 1."""
        memory = self.memory(at, c.shape[1])
        mu = self.mu(c, r)[:, None]
        F = np.empty_like(memory)
        F[:, 0] = self.transport(c) + mu * c[1:] - memory[:, 0]
        if self.b:
            F[:, 0] -= self.b * self.f.df(c[1:, -1:]) * self.from_start(c)
        F[:, 1] = self.transport(r) + (mu + self.growth) * r[1:] - memory[:, 1]
        F[:, 0, 0], F[:, 1, 0] = c[1:, 0] - 1.0, r[1:, 0] - 1.0
        return F

    def jacobian(self, c: Array, r: Array, at: list[Values]) -> Array:
        """dF/d(c, r) (stage, equation, node, stage, field, node), for rows 1 and on."""
        stages, size = len(c) - 1, c.shape[1]
        J = workspace((stages, 2, size, stages, 2, size))
        mu = self.mu(c, r)
        mu_c, mu_r = self.row_weight * self.row_dg(c[1:]) * r[1:], self.row_weight * self.row_g(c[1:])
        mu_c[:, -1] += self.b * self.f.g(c[1:, -1])
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
            if self.b:
                self.start_slopes(i, c, J)
            for field in (0, 1):
                J[i, field, 0] = 0.0
                J[i, field, 0, i, field, 0] = 1.0
        return J

    def start_slopes(self, i: int, c: Array, J: Array) -> None:
        """Subtract the derivatives of b f'(m(t)) m(t') at stage ``i`` from ``J``."""
        m = c[i + 1, -1:]
        J[i, 0, :, i, 0, -1] -= self.b * self.f.d2f(m) * self.from_start(c)[i]
        J[i, 0, :, :, 0, -1] -= self.b * self.f.df(m) * self.in_step[i, :, 1:]

    def memory_slopes(self, i: int, at: Values, J: Array) -> None:
        """Subtract the derivatives of ``memory`` at stage ``i`` from ``J``."""
        f, points = self.f, self.points
        ct, rt, cp, rp = at
        here = slice(points.start[i, 0], points.start[i, J.shape[2]])
        wd, ws, wr = points.weight_d[here], points.weight_s[here], points.weight_r[here]
        d2f, d3f_r = f.d2f(ct), f.d3f(ct) * rt
        slopes = np.empty((7, ct.size))
        slopes[0] = wd * d2f * rp + ws * d3f_r * cp
        slopes[1] = ws * d2f * cp
        slopes[2] = ws * d2f * rt
        slopes[3] = wd * f.df(ct)
        slopes[4] = wr * d3f_r * rp
        slopes[5] = wr * d2f * rp
        slopes[6] = wr * d2f * rt
        scatter(points, *self.interpolation, i, slopes, J)
