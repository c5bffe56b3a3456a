"""The finite element that carries the solution in both directions: right Radau nodes and Lagrange polynomials.

A function is a continuous piecewise polynomial. Every element of degree K has its left edge and the K right Radau
points as nodes, the last of which is its right edge. Collocating an evolution equation at those points is the Radau IIA
method, which damps stiff components completely; the same points integrate polynomials of degree 2K - 2 exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quench.numerics.compiled import compiled


class Element(NamedTuple):
    """The reference element on [-1, 1].

    ``nodes`` (K + 1), the left edge first; ``barycentric`` (K + 1), the Lagrange denominators 1 / prod_{m != i} (z_i -
    z_m); ``weights`` (K + 1) of the quadrature, 0 at the left edge; ``derivative`` (K + 1, K + 1), the matrix of d/dz.
    """

    nodes: np.ndarray
    barycentric: np.ndarray
    weights: np.ndarray
    derivative: np.ndarray


def radau(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Right Radau points on [-1, 1], ascending with the last at 1, and their weights.

    The points are the roots of P_{K-1} - P_K (Hairer & Wanner 1996, Solving Ordinary Differential Equations II, IV.5).
    """
    legendre = np.polynomial.legendre
    coefficients = np.zeros(points + 1)
    coefficients[points - 1 :] = 1.0, -1.0
    nodes = np.sort(legendre.legroots(coefficients).real)
    nodes[-1] = 1.0
    moments = np.zeros(points)
    moments[0] = 2.0
    return nodes, np.linalg.solve(legendre.legvander(nodes, points - 1).T, moments)


def element(degree: int) -> Element:
    """The reference element of ``degree`` K >= 1."""
    points, weights = radau(degree)
    nodes = np.concatenate([[-1.0], points])
    difference = nodes[:, None] - nodes
    np.fill_diagonal(difference, 1.0)
    barycentric = 1.0 / difference.prod(axis=1)
    derivative = barycentric / barycentric[:, None] / difference
    # Rows of a differentiation matrix annihilate constants.
    np.fill_diagonal(derivative, 0.0)
    np.fill_diagonal(derivative, -derivative.sum(axis=1))
    return Element(nodes, barycentric, np.concatenate([[0.0], weights]), derivative)


def lagrange(reference: Element, z: np.ndarray) -> np.ndarray:
    """Values (..., K + 1) of the Lagrange polynomials at ``z`` (...), which may lie outside [-1, 1]."""
    factors = np.asarray(z)[..., None, None] - reference.nodes
    # Polynomial i is the product over all nodes but its own.
    factors = np.where(np.eye(reference.nodes.size, dtype=bool), 1.0, factors)
    return reference.barycentric * factors.prod(axis=-1)


def nodes_between(edges: np.ndarray, reference: Element) -> np.ndarray:
    """Nodes of all elements between ascending ``edges`` (E + 1): E K + 1 of them, shared edges once."""
    half = np.diff(edges)[:, None] / 2.0
    inner = edges[:-1, None] + half * (reference.nodes[1:] + 1.0)
    inner[:, -1] = edges[1:]
    return np.concatenate([edges[:1], inner.ravel()])


def quadrature_between(edges: np.ndarray, reference: Element) -> np.ndarray:
    """Weights of the integral over [edges[0], edges[-1]] at ``nodes_between(edges, reference)``."""
    half = np.diff(edges)[:, None] / 2.0
    return np.concatenate([[0.0], (half * reference.weights[1:]).ravel()])


@compiled
def find(edges, number, position):
    """Number of the element, of the first ``number`` between ``edges``, at or nearest to ``position``; its place in [-1, 1].

    Compiled functions here take plain arrays: a tuple of arrays costs more to pass than this search takes.
    """
    e, high = 0, number
    while high - e > 1:
        middle = (e + high) // 2
        if edges[middle] < position:
            e = middle
        else:
            high = middle
    low, high_edge = edges[e], edges[e + 1]
    return e, 2.0 * (min(max(position, low), high_edge) - low) / (high_edge - low) - 1.0


@compiled
def polynomials(nodes, barycentric, z, basis):
    """Fill ``basis`` with the Lagrange polynomials at ``z``."""
    product = 1.0
    for m in range(nodes.size):
        basis[m] = barycentric[m] * product
        product *= z - nodes[m]
    product = 1.0
    for m in range(nodes.size - 1, -1, -1):
        basis[m] *= product
        product *= z - nodes[m]


@compiled
def all_polynomials(nodes, barycentric, z, basis, product):
    """The same for every z of a vector: ``basis`` (node, point) and the workspace ``product`` may be longer than it."""
    for n in range(z.size):
        product[n] = 1.0
    for m in range(nodes.size):
        for n in range(z.size):
            basis[m, n] = barycentric[m] * product[n]
            product[n] *= z[n] - nodes[m]
    for n in range(z.size):
        product[n] = 1.0
    for m in range(nodes.size - 1, -1, -1):
        for n in range(z.size):
            basis[m, n] *= product[n]
            product[n] *= z[n] - nodes[m]
