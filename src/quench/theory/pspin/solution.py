"""The solved quench: C, R, chi, mu and E at any pair of times, by the interpolation that the scheme itself uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quench.theory.pspin.elements import lagrange
from quench.theory.pspin.grid import Grid
from quench.theory.pspin.model import Model

# Pairs of times interpolated at once, each from some 65 values of C and of R.
CHUNK = 500


class Place(NamedTuple):
    """Positions of pairs of times on the grid, arrays over the pairs.

    ``x`` = ln(1 + t/a), in ``step``, with the Lagrange polynomials ``in_time`` (..., row) of its rows; ``element`` and
    position ``z`` in it on the mesh of these rows, and the element's ``length`` in eta.
    """

    x: np.ndarray
    step: np.ndarray
    in_time: np.ndarray
    element: np.ndarray
    z: np.ndarray
    length: np.ndarray


@dataclass(frozen=True)
class Solution:
    """All rows of a quench that were solved.

    ``correlation``, ``response`` (step, row, node), row 0 the start of the step and the response in its scaled form r
    (see ``memory``), padded where a mesh is shorter than the longest; ``multiplier`` and ``energies`` (step, row): mu and E;
    ``changes`` (step): the largest last change of Newton's method up to that step;
    ``failure``: why there are no more steps, empty where the requested end was reached.
    """

    model: Model
    grid: Grid
    correlation: np.ndarray
    response: np.ndarray
    multiplier: np.ndarray
    energies: np.ndarray
    changes: np.ndarray
    failure: str = ""

    @property
    def t_max(self) -> float:
        return float(self.model.time_scale * np.expm1(self.grid.x[-1]))

    def mu(self, time: np.ndarray) -> np.ndarray:
        """Lagrange multiplier mu(t), a rate. Raises ``ValueError`` outside [0, t_max]."""
        return self._one_time(self.multiplier, time)

    def energy(self, time: np.ndarray) -> np.ndarray:
        """Energy per spin E(t). Raises ``ValueError`` outside [0, t_max]."""
        return self._one_time(self.energies, time)

    def last_change(self, time: np.ndarray) -> np.ndarray:
        """Largest last change of C or r by Newton's method up to ``time``."""
        _, step, _ = self._in_time(np.asarray(time, float))
        return self.changes[step]

    def _one_time(self, rows: np.ndarray, time: np.ndarray) -> np.ndarray:
        _, step, in_time = self._in_time(np.asarray(time, float))
        return (in_time * rows[step]).sum(axis=-1)

    def two_time(self, waiting_time: np.ndarray, lag: np.ndarray) -> np.ndarray:
        """C, R and chi = int_{t_w}^{t_w + lag} R(t_w + lag, s) ds, stacked before the broadcast shape of the arguments.

        Raises ``ValueError`` where a time is negative or t_w + lag exceeds t_max.
        """
        waiting_time, lag = np.broadcast_arrays(np.asarray(waiting_time, float), np.asarray(lag, float))
        if np.any(waiting_time < 0) or np.any(lag < 0):
            raise ValueError("waiting times and lags start at 0")
        values = np.empty((3, waiting_time.size))
        for begin in range(0, waiting_time.size, CHUNK):
            chunk = slice(begin, begin + CHUNK)
            values[:, chunk] = self._pairs(waiting_time.ravel()[chunk], lag.ravel()[chunk])
        return values.reshape(3, *waiting_time.shape)

    def _pairs(self, waiting_time: np.ndarray, lag: np.ndarray) -> tuple[np.ndarray, ...]:
        time = waiting_time + lag
        place = self._locate(time, waiting_time, lag)
        reference = self.grid.rows.reference
        node = place.element[:, None] * (reference.nodes.size - 1) + np.arange(reference.nodes.size)
        at = (place.step[:, None, None], np.arange(place.in_time.shape[1])[:, None], node[:, None, :])
        correlation, response = (
            np.einsum("nq,nqm->nm", place.in_time, rows[at]) for rows in (self.correlation, self.response)
        )
        in_row = lagrange(reference, place.z)
        a = self.model.time_scale
        return (
            (in_row * correlation).sum(axis=1),
            (in_row * response).sum(axis=1) * a * (a + time) / ((a + lag) * (a + waiting_time)),
            self._integral(place, response) * place.x * a * (a + time) / (2 * a + time),
        )

    def _integral(self, place: Place, response: np.ndarray) -> np.ndarray:
        """int r d eta from the diagonal: whole elements by their Radau weights, the last by Gauss's; both are exact."""
        reference, rows = self.grid.rows.reference, self.grid.rows
        degree = reference.nodes.size - 1
        gauss, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
        z = place.z[:, None]
        inside = lagrange(reference, -1.0 + (z + 1.0) * (gauss + 1.0) / 2.0)
        last = np.einsum("g,ngm,nm->n", weights, inside, response) * (place.z + 1.0) / 4.0 * place.length
        era = self.grid.era[place.step]
        # The node that an element shares with the next has its weight from the former alone: the first one has none.
        whole = np.arange(rows.nodes.shape[1]) <= place.element[:, None] * degree
        row = np.einsum("nq,nqm->nm", place.in_time, self.response[place.step])
        return last + np.where(whole, rows.quadrature[era] * row, 0.0).sum(axis=1)

    def _locate(self, time: np.ndarray, waiting_time: np.ndarray, lag: np.ndarray) -> Place:
        x, step, in_time = self._in_time(time)
        a, rows, era = self.model.time_scale, self.grid.rows, self.grid.era[step]
        # At t = 0 the row is a point, its own diagonal.
        y = np.where(x > 0, np.log1p(lag / a) - np.log1p(waiting_time / a), -1.0)
        eta = y / np.where(x > 0, x, 1.0)
        edges = rows.edges[era]
        element = np.clip((edges < eta[..., None]).sum(axis=-1) - 1, 0, rows.elements[era] - 1)
        low, high = (np.take_along_axis(edges, element[..., None] + i, axis=-1)[..., 0] for i in (0, 1))
        z = np.clip(2.0 * (eta - low) / (high - low) - 1.0, -1.0, 1.0)
        return Place(x, step, in_time, element, z, high - low)

    def _in_time(self, time: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x of each time, the step that holds it, and the Lagrange polynomials there (..., row)."""
        # A request for t_max itself must not fail on the last bit.
        if not np.all((time >= 0) & (time <= self.t_max * (1 + 1e-12))):
            raise ValueError(f"times must lie in [0, {self.t_max:g}], where the solution is known")
        x = np.log1p(time / self.model.time_scale)
        edges = self.grid.x
        step = np.clip(np.searchsorted(edges, x) - 1, 0, len(edges) - 2)
        z = 2.0 * (x - edges[step]) / (edges[step + 1] - edges[step]) - 1.0
        return x, step, lagrange(self.grid.stage, np.clip(z, -1.0, 1.0))
