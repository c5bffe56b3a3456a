"""The grid: steps in x = ln(1 + t/a), and on the rows of every step a mesh in eta, fine where there is structure.

Steps are grouped in eras of equal length in x. Each era has its own mesh, so that short times never pay for the
resolution that long times need, and no result depends on how far the solve is meant to go.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quench.theory.pspin.elements import Element, element, nodes_between, quadrature_between

ERA = 2.0
# How far from either end, in y, the fine elements reach before they have grown by a factor e.
REACH = 1.5


@dataclass(frozen=True)
class Resolution:
    """Lengths of a grid, in x or in y = ln[(a + lag)/(a + waiting time)], both dimensionless.

    ``stages``: Radau points of a step; ``degree``: polynomial degree of an element in eta. A step at x is
    ``first_step`` + ``step_growth`` x long, ``step`` at most. An element is ``diagonal`` long where the lag goes to 0,
    ``quench`` where the waiting time goes to 0, ``crossover`` within about ``crossover_range`` of y = 0, where the lag
    passes the waiting time, and ``plateau`` elsewhere; ``integral`` is the longest element for integrals between t' and
    t. Too long a ``crossover`` lets the slow modes of the ageing regime grow at late times.
    """

    stages: int
    degree: int
    first_step: float
    step_growth: float
    step: float
    diagonal: float
    quench: float
    crossover: float
    plateau: float
    integral: float
    crossover_range: float = 3.0

    def step_density(self, x: np.ndarray) -> np.ndarray:
        """Steps per unit of x."""
        return 1.0 / np.minimum(self.first_step + self.step_growth * x, self.step)

    def row_density(self, y: np.ndarray) -> np.ndarray:
        """Elements per unit of y on a row from y[0] to y[-1]."""
        return np.maximum.reduce(
            [
                np.exp((y[0] - y) / REACH) / self.diagonal,
                np.exp((y - y[-1]) / REACH) / self.quench,
                np.exp(-((y / self.crossover_range) ** 2)) / self.crossover,
                np.full_like(y, 1.0 / self.plateau),
            ]
        )

    def integral_density(self, y: np.ndarray) -> np.ndarray:
        """Elements per unit of y for integrals between t' and t, which have a fast part at either end."""
        ends = np.exp((np.abs(y) - y[-1]) / REACH) / self.diagonal
        return np.maximum(ends, 1.0 / self.integral)


# Measured errors up to t = 1e7 at p = 3, T = 0.5: docs/pspin.md.
RESOLUTIONS = {
    "fast": Resolution(4, 12, 0.04, 0.10, 0.5, 0.8, 1.6, 2.0, 2.6, 2.0),
    "standard": Resolution(4, 12, 0.02, 0.05, 0.4, 0.5, 1.0, 1.4, 2.6, 1.5),
    "long": Resolution(4, 14, 0.04, 0.10, 0.5, 0.4, 0.8, 1.4, 2.6, 1.2),
    "fine": Resolution(5, 13, 0.015, 0.03, 0.3, 0.35, 0.7, 0.7, 1.5, 1.0, crossover_range=4.0),
}


class Meshes(NamedTuple):
    """Meshes in eta on [-1, 1], one for each era, padded to the longest.

    ``edges`` (era, E + 1); ``elements`` (era), how many; ``nodes`` and ``quadrature`` (era, E K + 1); ``size`` (era),
    how many nodes; ``reference``, the element that they share.
    """

    edges: np.ndarray
    elements: np.ndarray
    nodes: np.ndarray
    quadrature: np.ndarray
    size: np.ndarray
    reference: Element


class Grid(NamedTuple):
    """``x`` (step + 1), edges of the steps; ``stage``, their element; ``era`` (step).

    ``rows``: meshes of the rows, in eta = y/x; ``recent``: those of integrals between t' and t.
    """

    x: np.ndarray
    stage: Element
    era: np.ndarray
    rows: Meshes
    recent: Meshes


def build(resolution: Resolution, x_max: float, stretch: float = 1.0) -> Grid:
    """The grid from x = 0 to the end of the step that holds ``x_max`` > 0, all lengths times ``stretch``."""
    x_max = x_max / stretch
    x, era = [np.zeros(1)], []
    rows, recent = [], []
    while x[-1][-1] < x_max:
        low, high = ERA * len(rows), ERA * (len(rows) + 1)
        edges = spread(resolution.step_density, low, high)[1:]
        edges = edges[: np.searchsorted(edges, x_max) + 1]
        x.append(edges)
        era.append(np.full(edges.size, len(rows)))
        rows.append(spread(resolution.row_density, -high, high) / high)
        recent.append(spread(resolution.integral_density, -high, high) / high)
    return Grid(
        np.concatenate(x) * stretch,
        element(resolution.stages),
        np.concatenate(era),
        meshes(rows, resolution.degree),
        meshes(recent, resolution.degree),
    )


def spread(density: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Edges between ``low`` and ``high`` of the fewest elements that are nowhere longer than 1/``density``, roughly."""
    fine = np.linspace(low, high, 4001)
    rate = density(fine)
    count = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2.0 * np.diff(fine))])
    number = max(math.ceil(count[-1] - 1e-9), 1)
    edges = np.interp(np.linspace(0.0, count[-1], number + 1), count, fine)
    edges[[0, -1]] = low, high
    return edges


def meshes(edges: list[np.ndarray], degree: int) -> Meshes:
    """Meshes of elements of ``degree`` between each of ``edges``."""
    reference = element(degree)
    number = np.array([e.size - 1 for e in edges])
    size = number * degree + 1
    # Padding continues the edges beyond 1, so that no search ever ends in it.
    padded = np.tile(np.arange(2.0, number.max() + 3.0), (len(edges), 1))
    nodes, quadrature = np.zeros((2, len(edges), size.max()))
    for era, e in enumerate(edges):
        padded[era, : e.size] = e
        nodes[era, : size[era]] = nodes_between(e, reference)
        quadrature[era, : size[era]] = quadrature_between(e, reference)
    return Meshes(padded, number, nodes, quadrature, size, reference)
