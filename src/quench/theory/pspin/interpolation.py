"""The unknown rows of a step at the quadrature points of their memory, and derivatives on the way back; compiled."""

from __future__ import annotations

import numpy as np

from quench.numerics.compiled import compiled
from quench.theory.pspin.elements import all_polynomials, polynomials
from quench.theory.pspin.memory import AT_NODE, BETWEEN_NODES

# Points whose polynomials are evaluated together: enough for vectors, few enough for the first-level cache.
BLOCK = 128


@compiled
def values(points, nodes, barycentric, stage_nodes, stage_barycentric, i, c, r):
    """c, r, c', r' (point) for stage ``i``, from the rows ``c``, ``r`` (row, node) of the step; row 0 is its start."""
    begin, end = points.start[i, 0], points.start[i, c.shape[1]]
    own_c, own_r, past_c, past_r = np.empty((4, end - begin))
    degree = nodes.size - 1
    own_row, product = np.empty((degree + 1, BLOCK)), np.empty(BLOCK)
    in_row = np.empty(degree + 1)
    in_time = np.empty(stage_nodes.size)
    for n in range(begin, end):
        k = (n - begin) % BLOCK
        if k == 0:
            all_polynomials(nodes, barycentric, points.own_z[n : min(n + BLOCK, end)], own_row, product)
        first = points.own[n] * degree
        cn = rn = 0.0
        for m in range(degree + 1):
            cn += own_row[m, k] * c[i + 1, first + m]
            rn += own_row[m, k] * r[i + 1, first + m]
        own_c[n - begin], own_r[n - begin] = cn, rn
        cn, rn = points.past_c[n], points.past_r[n]
        if points.source[n] == AT_NODE:
            polynomials(stage_nodes, stage_barycentric, points.past_x[n], in_time)
            cn = rn = 0.0
            for q in range(in_time.size):
                cn += in_time[q] * c[q, points.past[n]]
                rn += in_time[q] * r[q, points.past[n]]
        elif points.source[n] == BETWEEN_NODES:
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
    own_row, product = np.empty((degree + 1, BLOCK)), np.empty(BLOCK)
    in_row = np.empty(degree + 1)
    in_time = np.empty(stage_nodes.size)
    for j in range(1, J.shape[2]):
        end = points.start[i, j + 1]
        for n in range(points.start[i, j], end):
            p = n - begin
            k = (n - points.start[i, j]) % BLOCK
            if k == 0:
                all_polynomials(nodes, barycentric, points.own_z[n : min(n + BLOCK, end)], own_row, product)
            first = points.own[n] * degree
            for m in range(degree + 1):
                J[i, 0, j, i, 0, first + m] -= own_row[m, k] * slopes[0, p]
                J[i, 0, j, i, 1, first + m] -= own_row[m, k] * slopes[1, p]
                J[i, 1, j, i, 0, first + m] -= own_row[m, k] * slopes[4, p]
                J[i, 1, j, i, 1, first + m] -= own_row[m, k] * slopes[5, p]
            if points.source[n] == AT_NODE:
                polynomials(stage_nodes, stage_barycentric, points.past_x[n], in_time)
                # Points before t' do not enter the equation of R.
                for q in range(J.shape[3]):
                    J[i, 0, j, q, 0, points.past[n]] -= in_time[q + 1] * slopes[2, p]
                    J[i, 0, j, q, 1, points.past[n]] -= in_time[q + 1] * slopes[3, p]
            elif points.source[n] == BETWEEN_NODES:
                polynomials(nodes, barycentric, points.past_z[n], in_row)
                polynomials(stage_nodes, stage_barycentric, points.past_x[n], in_time)
                first = points.past[n] * degree
                for q in range(J.shape[3]):
                    for m in range(degree + 1):
                        weight = in_time[q + 1] * in_row[m]
                        J[i, 0, j, q, 0, first + m] -= weight * slopes[2, p]
                        J[i, 0, j, q, 1, first + m] -= weight * slopes[3, p]
                        J[i, 1, j, q, 1, first + m] -= weight * slopes[6, p]
