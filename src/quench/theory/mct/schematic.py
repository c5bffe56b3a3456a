"""Schematic mode-coupling theory: the correlator of F1, F2, F12 and any other polynomial memory, over any span of time.

    phi' + Omega phi + Omega int_0^t m(t-s) phi'(s) ds = 0,   m = v1 phi + v2 phi^2 + ...,   phi(0) = 1

(Leutheusser 1984, Phys. Rev. A 29, 2765; Goetze, Complex Dynamics of Glass-Forming Liquids, 2009; here overdamped.)
Kerr Winter & Janssen 2024 (KWJ, Sec. III C) hold F1's critical decay ``t^-1/2`` and F2's square-root singularity
against the overlap of networks. Exact at F1's critical point, v1 = 1, for Omega = 1:
``phi = exp(-2 t) [I0(2 t) + I1(2 t)]``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quench.errors import QuenchError
from quench.theory.mct import collocation

# Order and relative element width of the two solutions whose difference is the error estimate; the second is kept.
# Their widths differ so that they do not share their rounding either, which is what limits them near a transition.
_COARSE, _FINE = (10, 0.8), (14, 1.0)
_WIDTHS = (0.5, 0.25, 0.125)


@dataclass(frozen=True)
class Correlator:
    """phi(t) on [0, t_max]: polynomials on elements of ``x = ln(1 + t / scale)``. Made by ``solve``."""

    vertices: tuple[float, ...]
    rate: float
    t_max: float
    scale: float
    width: float
    values: NDArray[np.float64]
    """Nodal values (element, node)."""
    errors: NDArray[np.float64]
    """Estimated largest error of phi on each element."""

    def __call__(self, time: ArrayLike) -> NDArray[np.float64]:
        """phi at any ``time`` in [0, t_max] (units of 1/Omega at Omega = 1), by the scheme's own polynomials."""
        position, element = self._locate(time)
        return _interpolate(self.values[element], position - element)

    def error(self, time: ArrayLike) -> NDArray[np.float64]:
        """Estimated error of phi at ``time``: the largest difference of two solutions within its element."""
        return self.errors[self._locate(time)[1]]

    def memory(self, time: ArrayLike) -> NDArray[np.float64]:
        """The kernel ``m = sum_n v_n phi^n`` at ``time``."""
        return np.polynomial.polynomial.polyval(self(time), (0.0, *self.vertices))

    def _locate(self, time: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Position on the axis in elements, and the element that holds it."""
        time = np.asarray(time, float)
        if not np.all((time >= 0) & (time <= self.t_max)):
            raise QuenchError(f"mode-coupling correlator: times must lie between 0 and t_max = {self.t_max:g}")
        position = np.log1p(time / self.scale) / self.width
        return position, np.minimum(position.astype(int), len(self.values) - 1)


def solve(vertices: Sequence[float], t_max: float, rate: float = 1.0, tolerance: float = 1e-8) -> Correlator:
    """Solve the schematic equation up to ``t_max``.

    ``vertices`` (v1, v2, ...) are the coefficients >= 0 of ``m = sum_n v_n phi^n``: (v1,) is F1, (0, v2) F2 and
    (v1, v2) F12. ``rate`` is Omega. The result is the solution of order 14; its error estimate is the difference from
    a solution of order 10 on other elements. Both are refined, twice at most, until the estimate is within
    ``tolerance``. Raises ``QuenchError`` where that is not reached, as happens within rounding of a critical point at
    very late times.
    """
    vertices = tuple(float(v) for v in vertices)
    if not (vertices and all(0 <= v < np.inf for v in vertices)):
        raise QuenchError(f"mode-coupling vertices must be finite and not negative, got {vertices}")
    if not (0 < t_max < np.inf and 0 < rate < np.inf and tolerance > 0):
        raise QuenchError(
            f"mode-coupling: t_max, rate and tolerance must be positive, got {t_max:g}, {rate:g}, {tolerance:g}"
        )
    # The memory at its start, m(0) = sum of vertices, sets the fastest rate.
    scale = 1 / (rate * (1 + sum(vertices)))
    for width in _WIDTHS:
        coarse, fine = (
            _solution(vertices, rate, t_max, scale, width * relative, order) for order, relative in (_COARSE, _FINE)
        )
        errors = _largest_difference(coarse, fine)
        if errors.max() <= tolerance:
            return replace(fine, errors=errors)
    late = scale * np.expm1(np.argmax(errors > tolerance) * width)
    raise QuenchError(
        f"mode-coupling equation with vertices {vertices}: error {errors.max():.1e} exceeds the tolerance "
        f"{tolerance:g} from t = {late:.2g} on; lower t_max or loosen the tolerance"
    )


def equilibrium_pspin(p: int, temperature: float, t_max: float, tolerance: float = 1e-8) -> Correlator:
    """Equilibrium correlation C(t) of the spherical p-spin model: Omega = T, ``m = (p / 2 T^2) C^{p-1}``.

    For p = 3 it is F2 with ``v2 = 3 / (2 T^2)``, whose critical point v2 = 4 is ``T_d = sqrt(3/8)``.
    """
    if not (p == int(p) and p >= 2 and temperature > 0):
        raise QuenchError(f"equilibrium p-spin: need a whole p >= 2 and temperature > 0, got {p}, {temperature}")
    vertices = [0.0] * (int(p) - 2) + [p / (2 * temperature**2)]
    return solve(vertices, t_max, rate=temperature, tolerance=tolerance)


def _solution(
    vertices: tuple[float, ...], rate: float, t_max: float, scale: float, width: float, order: int
) -> Correlator:
    """Solution of one order and element width, errors unknown; NaN from the element where Newton's method failed."""
    nodes = collocation.radau_nodes(order)
    abscissae, weights = np.polynomial.legendre.leggauss(order + 2)
    values, failed = collocation.solve(
        np.array(vertices),
        rate,
        (scale, width),
        max(1, math.ceil(math.log1p(t_max / scale) / width)),
        nodes,
        collocation.barycentric_weights(nodes),
        collocation.differentiation_matrix(nodes),
        ((1 + abscissae) / 2, weights / 2),
    )
    if failed >= 0:
        values[failed:] = np.nan
    return Correlator(vertices, rate, t_max, scale, width, values, np.full(len(values), np.inf))


def _largest_difference(coarse: Correlator, fine: Correlator) -> NDArray[np.float64]:
    """Largest difference on each element of ``fine``, no less than rounding; infinite where either solution failed."""
    places = np.arange(len(fine.values))[:, None] + np.linspace(0, 1, 41)
    times = np.minimum(fine.scale * np.expm1(places * fine.width), fine.t_max)
    difference = np.abs(coarse(times) - fine(times)).max(axis=1)
    return np.nan_to_num(difference, nan=np.inf) + np.finfo(float).eps


def _interpolate(values: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value at ``place`` in [0, 1] of the polynomials whose nodal values are the last axis; the rest broadcasts."""
    nodes = collocation.radau_nodes(values.shape[-1] - 1)
    difference = place[..., None] - nodes
    exact = difference == 0
    terms = collocation.barycentric_weights(nodes) / np.where(exact, 1.0, difference)
    terms = np.where(exact.any(axis=-1, keepdims=True), exact, terms)
    return (terms * values).sum(axis=-1) / terms.sum(axis=-1)
