"""The memory of a row: the quadrature points of its integrals, and the values of C and R there.

The equations themselves are in ``equations``, the rows of the step at these points in ``interpolation``.

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

from quench.numerics.compiled import compiled
from quench.theory.pspin.elements import find, polynomials
from quench.theory.pspin.grid import Grid

# Where c' and r' of a point come from.
ON_RECORD, AT_NODE, BETWEEN_NODES = 0, 1, 2


class Points(NamedTuple):
    """Quadrature points s in [0, t] for every node t' of every stage of a step, one after the other (point).

    Points ``start[i, j]`` to ``start[i, j + 1]`` belong to node j of stage i. With c, r the values at (t, s) and c', r'
    those at (s, t'), or (t', s) where s < t', the integrals are

        sum weight_d f'(c) r' + weight_s f''(c) r c'    in the equation of C,
        sum weight_r f''(c) r r'                        in the equation of R.

    c and r interpolate the row itself: element ``own``, position ``own_z`` in it. c' and r' have a ``source``: they are
    ON_RECORD (``past_c``, ``past_r``), or the point lies inside the step and they interpolate its rows at ``past_x`` in
    the step, AT_NODE number ``past`` or BETWEEN_NODES, in element ``past``, position ``past_z``.
    """

    start: np.ndarray
    weight_d: np.ndarray
    weight_s: np.ndarray
    weight_r: np.ndarray
    own: np.ndarray
    own_z: np.ndarray
    source: np.ndarray
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
    types = {"own": np.int32, "past": np.int32, "source": np.int8}
    names = (name for name in Points._fields if name != "start")
    return Points(
        np.zeros((stages, size + 1), np.int64),
        **{name: workspace((number,), types.get(name, np.float64)) for name in names},
    )


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
        if past_step == step:
            points.source[n] = AT_NODE
            points.past[n], points.past_x[n] = k, past_x
        else:
            points.source[n] = ON_RECORD
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
        if past_step == step:
            points.source[n] = BETWEEN_NODES
            points.past[n], points.past_z[n], points.past_x[n] = past, past_z, past_x
        else:
            points.source[n] = ON_RECORD
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
def from_start(grid, step, correlation, known, in_step):
    """m(t') = C(t', 0) at every node of every stage: values on record, or weights of the rows of the step.

    Fills ``known`` (stage, node) and ``in_step`` (stage, node, row), which hold zeros.
    """
    era = grid.era[step]
    eta, size = grid.rows.nodes[era], grid.rows.size[era]
    for i in range(grid.stage.nodes.size - 1):
        x = grid.x[step] + (grid.x[step + 1] - grid.x[step]) * (grid.stage.nodes[i + 1] + 1.0) / 2.0
        in_step[i, 0, i + 1] = 1.0
        known[i, size - 1] = 1.0
        for j in range(1, size - 1):
            xt = np.log((1.0 + np.exp(x)) / (1.0 + np.exp(eta[j] * x)))
            past_step, past_x = find(grid.x, step + 1, xt)
            polynomials(grid.stage.nodes, grid.stage.barycentric, past_x, in_step[i, j])
            if past_step != step:
                last = grid.rows.size[grid.era[past_step]] - 1
                for q in range(grid.stage.nodes.size):
                    known[i, j] += in_step[i, j, q] * correlation[past_step, q, last]
                in_step[i, j] = 0.0
