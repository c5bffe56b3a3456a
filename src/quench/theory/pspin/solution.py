"""The solved quench: C, R, mu and E at any pair of times, by the interpolation that the scheme itself uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quench.theory.pspin.elements import lagrange
from quench.theory.pspin.equations import Model
from quench.theory.pspin.grid import Grid

# Pairs of times interpolated at once, each from some 65 values of C and of R.
CHUNK = 2000


@dataclass(frozen=True)
class Solution:
    """All rows of a quench from infinite temperature.

    ``correlation``, ``response`` (step, row, node), row 0 the start of the step and the response in its scaled form r
    (see ``memory``), padded where a mesh is shorter than the longest; ``multiplier`` (step, row): mu.
    """

    model: Model
    grid: Grid
    correlation: np.ndarray
    response: np.ndarray
    multiplier: np.ndarray

    @property
    def t_max(self) -> float:
        return float(self.model.time_scale * np.expm1(self.grid.x[-1]))

    def mu(self, time: np.ndarray) -> np.ndarray:
        """Lagrange multiplier mu(t), a rate. Raises ``ValueError`` outside [0, t_max]."""
        time = np.asarray(time, float)
        step, in_time = self._in_time(time)
        return np.einsum("...q,...q->...", in_time, self.multiplier[step])

    def energy(self, time: np.ndarray) -> np.ndarray:
        """Energy per spin E(t) = (T - mu)/p. Raises ``ValueError`` outside [0, t_max]."""
        return (self.model.temperature - self.mu(time)) / self.model.p

    def two_time(self, waiting_time: np.ndarray, lag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """C(t_w + lag, t_w) and R(t_w + lag, t_w), of the broadcast shape of the two arguments.

        Raises ``ValueError`` where a time is negative or t_w + lag exceeds t_max.
        """
        waiting_time, lag = np.broadcast_arrays(np.asarray(waiting_time, float), np.asarray(lag, float))
        if np.any(waiting_time < 0) or np.any(lag < 0):
            raise ValueError("waiting times and lags start at 0")
        values = np.empty((2, waiting_time.size))
        for begin in range(0, waiting_time.size, CHUNK):
            chunk = slice(begin, begin + CHUNK)
            values[:, chunk] = self._interpolated(waiting_time.ravel()[chunk], lag.ravel()[chunk])
        correlation, response = values.reshape(2, *waiting_time.shape)
        return correlation, response

    def _interpolated(self, waiting_time: np.ndarray, lag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        time = waiting_time + lag
        step, in_time = self._in_time(time)
        a = self.model.time_scale
        x = np.log1p(time / a)
        eta = (np.log1p(lag / a) - np.log1p(waiting_time / a)) / np.where(x > 0, x, 1.0)
        node, in_row = self._in_row(self.grid.era[step], np.where(x > 0, eta, -1.0))
        at = (step[:, None, None], np.arange(in_time.shape[1])[:, None], node[:, None, :])
        basis = in_time[:, :, None] * in_row[:, None, :]
        correlation = (basis * self.correlation[at]).sum(axis=(1, 2))
        response = (basis * self.response[at]).sum(axis=(1, 2))
        return correlation, response * a * (a + time) / ((a + lag) * (a + waiting_time))

    def _in_time(self, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Step that holds each time, and its Lagrange polynomials there (..., row)."""
        # A request for t_max itself must not fail on the last bit.
        if np.any(time < 0) or np.any(time > self.t_max * (1 + 1e-12)) or not np.all(np.isfinite(time)):
            raise ValueError(f"times must lie in [0, {self.t_max:g}], where the solution is known")
        x = np.log1p(time / self.model.time_scale)
        edges = self.grid.x
        step = np.clip(np.searchsorted(edges, x) - 1, 0, len(edges) - 2)
        z = 2.0 * (x - edges[step]) / (edges[step + 1] - edges[step]) - 1.0
        return step, lagrange(self.grid.stage, np.clip(z, -1.0, 1.0))

    def _in_row(self, era: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes (..., K + 1) of the element that holds each eta, and its Lagrange polynomials there."""
        rows = self.grid.rows
        edges = rows.edges[era]
        element = np.clip((edges < eta[..., None]).sum(axis=-1) - 1, 0, rows.elements[era] - 1)
        low, high = (np.take_along_axis(edges, element[..., None] + i, axis=-1)[..., 0] for i in (0, 1))
        z = 2.0 * (eta - low) / (high - low) - 1.0
        degree = rows.reference.nodes.size - 1
        node = element[..., None] * degree + np.arange(degree + 1)
        return node, lagrange(rows.reference, np.clip(z, -1.0, 1.0))
