"""Schematic mode-coupling equation on a logarithmic time axis by collocation, compiled.

The unknown is a polynomial of degree K on each of E equal elements of ``x = ln(1 + t/a)``, fixed by its K + 1 nodes:
the left end and K Radau points, the last of which is the right end. At each Radau point it satisfies the equation
exactly. The memory integral is cut at t/2,

    int_0^t m(t-s) phi'(s) ds = int_0^{t/2} [m(t-s) phi'(s) + m(s) phi'(t-s)] ds,

so that its arguments are never both late: s runs over many elements of the logarithmic axis while t - s stays within a
factor two of t, and Gauss-Legendre quadrature in x(s), cut at every element's edge, sees only smooth functions.
Radau points make the late, algebraic stage of the equation (phi' negligible) as stable as the early one.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]
_ITERATIONS = 60
_STAGNATION = 1e-8


def radau_nodes(degree: int) -> Array:
    """The K + 1 nodes on [0, 1]: 0, then the roots of ``P_{K-1} - P_K``, which end at 1."""
    coefficients = np.zeros(degree + 1)
    coefficients[degree - 1], coefficients[degree] = 1, -1
    roots = np.sort(legendre.legroots(coefficients).real)
    # The companion matrix leaves some 1e-15; one Newton step takes it to rounding.
    roots -= legendre.legval(roots, coefficients) / legendre.legval(roots, legendre.legder(coefficients))
    roots[-1] = 1.0
    return np.concatenate([[0.0], (1 + roots) / 2])


def barycentric_weights(nodes: Array) -> Array:
    """``1 / prod_{m != j} (z_j - z_m)``, scaled to a largest size of 1."""
    differences = nodes[:, None] - nodes + np.eye(len(nodes))
    weights = 1 / differences.prod(axis=1)
    return weights / np.abs(weights).max()


def differentiation_matrix(nodes: Array) -> Array:
    """Matrix D with ``(D u)_i`` the derivative at node i of the polynomial through the nodal values u."""
    weights = barycentric_weights(nodes)
    differences = nodes[:, None] - nodes + np.eye(len(nodes))
    matrix = weights / weights[:, None] / differences
    np.fill_diagonal(matrix, 0.0)
    # The rows sum to zero exactly, so that a constant has no derivative: the plateau depends on it.
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


@njit(cache=True)
def lagrange(nodes, weights, z, out):
    """Fill ``out`` with the Lagrange polynomials at ``z``: the value there is ``out @ u``."""
    total = 0.0
    for j in range(nodes.size):
        difference = z - nodes[j]
        if difference == 0.0:
            for i in range(nodes.size):
                out[i] = 0.0
            out[j] = 1.0
            return
        out[j] = weights[j] / difference
        total += out[j]
    for j in range(nodes.size):
        out[j] /= total


@njit(cache=True)
def dot(a, b):
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(cache=True)
def kernel(vertices, phi):
    """``m = sum_n v_n phi^n`` and ``dm/dphi``; ``vertices[n - 1]`` is v_n."""
    value = 0.0
    slope = 0.0
    for n in range(vertices.size - 1, -1, -1):
        slope = slope * phi + (n + 1) * vertices[n]
        value = (value + vertices[n]) * phi
    return value, slope


@njit(cache=True)
def breakpoints(t, scale, width, out):
    """Sorted cuts of [0, x(t/2)]: the element edges in s, and those in t - s; returns how many."""
    last = np.log1p(0.5 * t / scale)
    edge = 0
    other = int(np.log1p(t / scale) / width) + 1
    count = 0
    while True:
        cut = edge * width
        s = t - scale * np.expm1(other * width)
        mirrored = np.log1p(s / scale) if s > 0.0 else 0.0
        if mirrored < cut and other * width > last:
            if s > 0.0:
                out[count] = mirrored
                count += 1
            other -= 1
        elif cut < last:
            out[count] = cut
            count += 1
            edge += 1
        elif other * width > last:
            out[count] = mirrored
            count += 1
            other -= 1
        else:
            out[count] = last
            return count + 1


@njit(cache=True)
def memory_integral(vertices, e, t, axis, nodes, weights, values, slopes, rule, cuts, here, there, by_value, by_slope):
    """``int_0^t m(t-s) phi'(s) ds`` for t in element ``e``.

    Fills ``by_value`` and ``by_slope`` with its derivatives by the nodal phi and dphi/dx of that element.
    """
    scale, width = axis
    abscissae, quadrature = rule
    for j in range(nodes.size):
        by_value[j] = 0.0
        by_slope[j] = 0.0
    total = 0.0
    for c in range(breakpoints(t, scale, width, cuts) - 1):
        length = cuts[c + 1] - cuts[c]
        if length <= 0.0:
            continue
        middle = cuts[c] + 0.5 * length
        early = min(int(middle / width), e)
        late = min(int(np.log1p((t - scale * np.expm1(middle)) / scale) / width), e)
        for q in range(abscissae.size):
            x = cuts[c] + length * abscissae[q]
            s = scale * np.expm1(x)
            lagrange(nodes, weights, x / width - early, here)
            lagrange(nodes, weights, np.log1p((t - s) / scale) / width - late, there)
            m_early, dm_early = kernel(vertices, dot(here, values[early]))
            m_late, dm_late = kernel(vertices, dot(there, values[late]))
            slope_early = dot(here, slopes[early])
            slope_late = dot(there, slopes[late])
            # phi'(t-s) ds = (dphi/dx at t-s) / (t-s+a) (s+a) dx.
            stretch = (s + scale) / (t - s + scale)
            step = length * quadrature[q]
            total += step * (m_late * slope_early + m_early * slope_late * stretch)
            if late == e:
                for j in range(nodes.size):
                    by_value[j] += step * dm_late * slope_early * there[j]
                    by_slope[j] += step * m_early * stretch * there[j]
            if early == e:
                for j in range(nodes.size):
                    by_value[j] += step * dm_early * slope_late * stretch * here[j]
                    by_slope[j] += step * m_late * here[j]
    return total


@njit(cache=True)
def newton_system(vertices, rate, e, axis, nodes, weights, matrix, values, slopes, rule, cuts, jacobian, residual):
    """Fill ``residual`` (K) with the equation at the nodes of element ``e``, ``jacobian`` with its derivatives by phi."""
    scale, width = axis
    here, there, by_value, by_slope = np.empty((4, nodes.size))
    for i in range(1, nodes.size):
        t = scale * np.expm1((e + nodes[i]) * width)
        memory = memory_integral(
            vertices, e, t, axis, nodes, weights, values, slopes, rule, cuts, here, there, by_value, by_slope
        )
        # The equation divided by the rate, with phi' = (dphi/dx) / (t + a).
        inertia = 1.0 / (rate * (t + scale))
        residual[i - 1] = inertia * slopes[e, i] + values[e, i] + memory
        by_slope[i] += inertia
        by_value[i] += 1.0
        for j in range(1, nodes.size):
            jacobian[i - 1, j - 1] = by_value[j] + dot(by_slope, matrix[:, j]) / width


@njit(cache=True, error_model="numpy")
def eliminate(matrix, right):
    """Solution of ``matrix @ x = right`` by elimination with partial pivoting; overwrites both, and returns ``right``.

    Unlike LAPACK it compiles quickly and rounds alike on every processor.
    """
    n = right.size
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        for j in range(k, n):
            matrix[k, j], matrix[pivot, j] = matrix[pivot, j], matrix[k, j]
        right[k], right[pivot] = right[pivot], right[k]
        for i in range(k + 1, n):
            factor = matrix[i, k] / matrix[k, k]
            for j in range(k + 1, n):
                matrix[i, j] -= factor * matrix[k, j]
            right[i] -= factor * right[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            right[k] -= matrix[k, j] * right[j]
        right[k] /= matrix[k, k]
    return right


@njit(cache=True)
def solve(vertices, rate, axis, n_elements, nodes, weights, matrix, rule):
    """Nodal values (E, K + 1) of phi, and the element (>= 0) where Newton's method failed, or -1.

    ``axis`` is (a, element width in x), ``rule`` the abscissae and weights of a quadrature on [0, 1].
    """
    n_nodes = nodes.size
    values = np.ones((n_elements, n_nodes))
    slopes = np.zeros((n_elements, n_nodes))
    cuts = np.empty(2 * n_elements + 4)
    change = np.empty(n_nodes)
    residual = np.empty(n_nodes - 1)
    jacobian = np.empty((n_nodes - 1, n_nodes - 1))
    for e in range(n_elements):
        # The slope is taken from the change within the element: late values agree in most of their digits, and
        # differentiating them would turn their rounding into a shift of the transition.
        start = values[e - 1, n_nodes - 1] if e > 0 else 1.0
        for j in range(n_nodes):
            values[e, j] = start
            change[j] = 0.0
        converged = False
        previous = np.inf
        for _ in range(_ITERATIONS):
            newton_system(
                vertices, rate, e, axis, nodes, weights, matrix, values, slopes, rule, cuts, jacobian, residual
            )
            correction = eliminate(jacobian, residual)
            size = 0.0
            for j in range(1, n_nodes):
                change[j] -= correction[j - 1]
                values[e, j] = start + change[j]
                size = max(size, abs(correction[j - 1]))
            for j in range(n_nodes):
                slopes[e, j] = dot(matrix[j], change) / axis[1]
            if not np.isfinite(dot(correction, correction)):
                break
            # Near a critical point rounding keeps the corrections above any fixed bound: there, stop when they no
            # longer shrink.
            if size < 1e-14 or (size < _STAGNATION and size > 0.3 * previous):
                converged = True
                break
            previous = size
        if not converged:
            return values, e
    return values, -1
