"""The memory of a row: the quadrature points of its integrals, and the values of C and R there.

Everything here is linear algebra of interpolation, compiled; the equations themselves are in ``equations``.

A row is a fixed time t, x = ln(1 + t/a). Along it runs y, the log-odds of the lag against the waiting time,

    e^y = [a + (t - t')] / (a + t'),    a + t' = (2a + t) / (1 + e^y),    -dt' = (2a + t) dy / [(1 + e^y)(1 + e^-y)],

from -x at the diagonal t' = t to x at the quench t' = 0; both ends are resolved logarithmically. The mesh of a row is
fixed in eta = y/x. The response is stored as r = R (a + t - t')(a + t') / [a (a + t)]. R dt' is r dy up to a constant
of the row, so r stays of order one however long the system ages; r = 1 on the diagonal and r(t, 0) = R(t, 0).
"""

from __future__ import annotations

import math
import mmap
from typing import NamedTuple

import numpy as np

from quench.compiled import compiled
from quench.theory.pspin.grid import Grid


class Points(NamedTuple):
    """Quadrature points s in [0, t] for every node t' of every stage of a step, one after the other (point).

    Points ``start[i, j]`` to ``start[i, j + 1]`` belong to node j of stage i. With c, r the values at (t, s) and c', r'
    those at (s, t'), or (t', s) where s < t', the integrals are

        sum weight_d f'(c) r' + weight_s f''(c) r c'    in the equation of C,
        sum weight_r f''(c) r r'                        in the equation of R.

    c and r interpolate the row itself: element ``own``, position ``own_z`` in it. c' and r' are on record (``past_c``,
    ``past_r``), unless the point is ``inside`` the step: then they interpolate its rows, at ``past_x`` in the step, in
    element ``past``, position ``past_z``.
    """

    start: np.ndarray
    weight_d: np.ndarray
    weight_s: np.ndarray
    weight_r: np.ndarray
    own: np.ndarray
    own_z: np.ndarray
    inside: np.ndarray
    past: np.ndarray
    past_z: np.ndarray
    past_x: np.ndarray
    past_c: np.ndarray
    past_r: np.ndarray


def workspace(shape: tuple[int, ...], dtype: type = np.float64) -> np.ndarray:
    """Zeros in pages of their own: they go back to the system when deleted, where the allocator would keep them."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, size), dtype).reshape(shape)


def empty_points(grid: Grid) -> Points:
    """Room for the points of any step of ``grid``."""
    stages = grid.stage.nodes.size - 1
    size = grid.rows.nodes.shape[1]
    number = stages * size * (size + grid.recent.nodes.shape[1])
    types = {"own": np.int32, "past": np.int32, "inside": np.bool_}
    names = (name for name in Points._fields if name != "start")
    return Points(
        np.zeros((stages, size + 1), np.int64),
        **{name: workspace((number,), types.get(name, np.float64)) for name in names},
    )


@compiled
def find(edges, number, position):
    """Which of the first ``number`` elements between ``edges`` holds ``position``, or is nearest; where in [-1, 1] it
    is.

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
def locate(grid, step, a, correlation, response, points):
    """Fill ``points`` for ``step``; return how many there are.

    ``correlation``, ``response`` (step, row, node) hold all earlier steps. Times are in units of ``a`` and shifted by
    one: X = 1 + t/a, A = 1 + t'/a, B = 1 + (t - t')/a, and for a point s: S = 1 + s/a, U = 1 + (t - s)/a,
    V = 1 + |s - t'|/a.
    """
    era = grid.era[step]
    eta = grid.rows.nodes[era]
    size = grid.rows.size[era]
    stages = grid.stage.nodes.size - 1
    degree = grid.rows.reference.nodes.size - 1
    in_time = np.empty(stages + 1)
    in_row = np.empty(degree + 1)
    n = 0
    for i in range(stages):
        x = grid.x[step] + (grid.x[step + 1] - grid.x[step]) * (grid.stage.nodes[i + 1] + 1.0) / 2.0
        X = np.exp(x)
        points.start[i, :2] = n
        for j in range(1, size):
            odds = np.exp(eta[j] * x)
            A = (1.0 + X) / (1.0 + odds)
            B = A * odds
            if j < size - 1:
                n = before(grid, step, a, x, X, A, B, correlation, response, in_time, points, n)
            else:
                A, B = 1.0, X
            n = between(grid, step, a, x, X, A, B, correlation, response, in_time, in_row, points, n)
            points.start[i, j + 1] = n
    return n


@compiled
def before(grid, step, a, x, X, A, B, correlation, response, in_time, points, n):
    """Points 0 <= s < t': the nodes of the row at time t', so that c' and r' need interpolation in time only."""
    nodes = grid.rows.reference.nodes
    degree = nodes.size - 1
    own_edges, own_number = grid.rows.edges[grid.era[step]], grid.rows.elements[grid.era[step]]
    xt = np.log(A)
    past_step, past_x = find(grid.x, step + 1, xt)
    polynomials(grid.stage.nodes, grid.stage.barycentric, past_x, in_time)
    era = grid.era[past_step]
    eta, quadrature, size = grid.rows.nodes[era], grid.rows.quadrature[era], grid.rows.size[era]
    for k in range(1, size):
        odds = np.exp(eta[k] * xt)
        S = (1.0 + A) / (1.0 + odds)
        V = S * odds
        if k == size - 1:
            S, V = 1.0, A
        U = B + V - 1.0
        measure = quadrature[k] * xt * a / (1.0 + A)
        points.weight_d[n] = measure * A
        points.weight_s[n] = measure * V * X / U
        points.weight_r[n] = 0.0
        points.own[n], points.own_z[n] = find(own_edges, own_number, np.log(U / S) / x)
        points.inside[n] = past_step == step
        if past_step == step:
            e = (k - 1) // degree
            points.past[n], points.past_z[n], points.past_x[n] = e, nodes[k - e * degree], past_x
        else:
            c = r = 0.0
            for q in range(in_time.size):
                c += in_time[q] * correlation[past_step, q, k]
                r += in_time[q] * response[past_step, q, k]
            points.past_c[n], points.past_r[n] = c, r
        n += 1
    return n


@compiled
def between(grid, step, a, x, X, A, B, correlation, response, in_time, in_row, points, n):
    """Points t' < s <= t, logarithmic from both ends."""
    nodes, barycentric = grid.rows.reference.nodes, grid.rows.reference.barycentric
    stage_nodes, stage_barycentric = grid.stage.nodes, grid.stage.barycentric
    degree = nodes.size - 1
    steps, eras, edges, number = grid.x, grid.era, grid.rows.edges, grid.rows.elements
    own_edges, own_number = edges[eras[step]], number[eras[step]]
    xt = np.log(B)
    mesh = eras[find(steps, step + 1, xt)[0]]
    log_odds, quadrature, size = grid.recent.nodes[mesh], grid.recent.quadrature[mesh], grid.recent.size[mesh]
    for k in range(1, size):
        odds = np.exp(log_odds[k] * xt)
        U = (1.0 + B) / (1.0 + odds)
        V = U * odds
        if k == size - 1:
            U, V = 1.0, B
        S = A + V - 1.0
        measure = quadrature[k] * xt * a / (1.0 + B)
        points.weight_d[n] = 0.0
        points.weight_s[n] = measure * V * X / S
        points.weight_r[n] = measure * B
        points.own[n], points.own_z[n] = find(own_edges, own_number, np.log(U / S) / x)
        xs = np.log(S)
        past_step, past_x = find(steps, step + 1, xs)
        past, past_z = find(edges[eras[past_step]], number[eras[past_step]], np.log(V / A) / xs)
        points.inside[n] = past_step == step
        if past_step == step:
            points.past[n], points.past_z[n], points.past_x[n] = past, past_z, past_x
        else:
            polynomials(stage_nodes, stage_barycentric, past_x, in_time)
            polynomials(nodes, barycentric, past_z, in_row)
            c = r = 0.0
            for q in range(in_time.size):
                cq = rq = 0.0
                for m in range(degree + 1):
                    cq += in_row[m] * correlation[past_step, q, past * degree + m]
                    rq += in_row[m] * response[past_step, q, past * degree + m]
                c += in_time[q] * cq
                r += in_time[q] * rq
            points.past_c[n], points.past_r[n] = c, r
        n += 1
    return n


@compiled
def values(points, nodes, barycentric, stage_nodes, stage_barycentric, i, c, r):
    """c, r, c', r' (point) for stage ``i``, from the rows ``c``, ``r`` (row, node) of the step; row 0 is its start."""
    begin, end = points.start[i, 0], points.start[i, c.shape[1]]
    own_c, own_r, past_c, past_r = np.empty((4, end - begin))
    degree = nodes.size - 1
    in_row = np.empty(degree + 1)
    in_time = np.empty(stage_nodes.size)
    for n in range(begin, end):
        polynomials(nodes, barycentric, points.own_z[n], in_row)
        first = points.own[n] * degree
        cn = rn = 0.0
        for m in range(degree + 1):
            cn += in_row[m] * c[i + 1, first + m]
            rn += in_row[m] * r[i + 1, first + m]
        own_c[n - begin], own_r[n - begin] = cn, rn
        cn, rn = points.past_c[n], points.past_r[n]
        if points.inside[n]:
            polynomials(nodes, barycentric, points.past_z[n], in_row)
            polynomials(stage_nodes, stage_barycentric, points.past_x[n], in_time)
            first = points.past[n] * degree
            cn = rn = 0.0
            for m in range(degree + 1):
                cm = rm = 0.0
                for q in range(in_time.size):
                    cm += in_time[q] * c[q, first + m]
                    rm += in_time[q] * r[q, first + m]
                cn += in_row[m] * cm
                rn += in_row[m] * rm
        past_c[n - begin], past_r[n - begin] = cn, rn
    return own_c, own_r, past_c, past_r


@compiled
def scatter(points, nodes, barycentric, stage_nodes, stage_barycentric, i, slopes, J):
    """Subtract from ``J`` the derivatives of the integrals in the equations of C and R at stage ``i``.

    ``slopes`` (7, point): derivatives of the summand for C with respect to c, r, c', r', and of that for R with respect
    to c, r, r'. ``J`` (stage, equation, node, stage, field, node): the Jacobian with respect to the unknown rows;
    equation and field are 0 for C and 1 for R.
    """
    begin = points.start[i, 0]
    degree = nodes.size - 1
    in_row = np.empty(degree + 1)
    in_time = np.empty(stage_nodes.size)
    for j in range(1, J.shape[2]):
        for n in range(points.start[i, j], points.start[i, j + 1]):
            p = n - begin
            polynomials(nodes, barycentric, points.own_z[n], in_row)
            first = points.own[n] * degree
            for m in range(degree + 1):
                J[i, 0, j, i, 0, first + m] -= in_row[m] * slopes[0, p]
                J[i, 0, j, i, 1, first + m] -= in_row[m] * slopes[1, p]
                J[i, 1, j, i, 0, first + m] -= in_row[m] * slopes[4, p]
                J[i, 1, j, i, 1, first + m] -= in_row[m] * slopes[5, p]
            if points.inside[n]:
                polynomials(nodes, barycentric, points.past_z[n], in_row)
                polynomials(stage_nodes, stage_barycentric, points.past_x[n], in_time)
                first = points.past[n] * degree
                for q in range(J.shape[3]):
                    for m in range(degree + 1):
                        weight = in_time[q + 1] * in_row[m]
                        J[i, 0, j, q, 0, first + m] -= weight * slopes[2, p]
                        J[i, 0, j, q, 1, first + m] -= weight * slopes[3, p]
                        J[i, 1, j, q, 1, first + m] -= weight * slopes[6, p]
