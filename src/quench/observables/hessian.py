"""Flat directions: the Hessian spectrum of the training loss at a point of a trajectory, and straight-line barriers.

Signs of tiny eigenvalues carry no meaning (half of a piecewise linear network's flat directions are slightly negative,
or negative by rounding), so flat and negative are defined relative to the largest eigenvalue.
"""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from quench.networks.classifier import Classifier
from quench.numerics.random import normals, stream_id

with warnings.catch_warnings():
    # One of its dependencies still uses torch.jit.script, which torch deprecates.
    warnings.simplefilter("ignore", FutureWarning)
    from curvlinops import HessianLinearOperator

_PROBE = stream_id("hessian probe")
FLAT = 1e-3  # |lambda| below FLAT lambda_max counts as flat, lambda below -FLAT lambda_max as strongly negative
_CHUNK = 1000  # samples in one Hessian-vector product; changes only rounding
_BLOCK = 64  # vectors multiplied at once
_NO_WEIGHT = 1e-20  # squares of rounding errors


@dataclass(frozen=True)
class Share:
    """A share of the spectrum: the estimate ``value``, and its bounds ``low`` and ``high``."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spectrum:
    """``nodes``, ascending, with ``weights`` that sum to 1 for every row: quadrature of the density, (probe, node).

    A ``full`` spectrum is one row of all eigenvalues with equal weights; a stochastic one has a row per random vector.
    ``n_weights`` is the dimension M; ``largest`` and ``smallest`` eigenvalue.
    """

    nodes: np.ndarray
    weights: np.ndarray
    n_weights: int
    largest: float
    smallest: float
    full: bool

    def share(self, low: float, high: float) -> Share:
        """Share of eigenvalues in [low, high].

        For a stochastic spectrum the bounds are those of Chebyshev, Markov and Stieltjes (the number of eigenvalues
        below x is known up to the weights of the two nodes around x), two standard errors over probes beyond: near a
        large peak, such as that of flat directions at 0, the value alone is unreliable.
        """
        inside = np.where((self.nodes >= low) & (self.nodes <= high), self.weights, 0.0).sum(axis=1)
        if self.full:
            return Share(*3 * (float(inside.mean()),))
        below, above = self._cumulative(low), self._cumulative(high)
        least = np.maximum(above[0] - below[1], 0)
        most = np.minimum(above[1] - below[0], 1)
        n_probes = len(inside)
        spread = [2 * bound.std(ddof=1) / n_probes**0.5 if n_probes > 1 else np.inf for bound in (least, most)]
        return Share(
            float(inside.mean()), max(float(least.mean() - spread[0]), 0), min(float(most.mean() + spread[1]), 1)
        )

    def _cumulative(self, x: float) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of the share of eigenvalues up to x for every probe, each (probe)."""
        if np.isinf(x):
            return 2 * (np.full(len(self.nodes), float(x > 0)),)
        sums = np.pad(np.cumsum(self.weights, axis=1), ((0, 0), (2, 1)), mode="edge")
        sums[:, :2], sums[:, -1] = 0, 1
        place = (self.nodes <= x).sum(axis=1)  # nodes up to x; sums[:, j + 1] is the weight of the first j
        rows = np.arange(len(sums))
        return sums[rows, place], sums[rows, place + 2]

    def flat(self, threshold: float = FLAT) -> Share:
        """Share of directions with |lambda| <= ``threshold`` lambda_max."""
        return self.share(-threshold * self.largest, threshold * self.largest)

    def negative(self, threshold: float = FLAT) -> Share:
        """Share of directions with lambda <= -``threshold`` lambda_max; times M for their number."""
        return self.share(-np.inf, -threshold * self.largest)


def in_double(network: Classifier) -> Classifier:
    """A float64 copy, in evaluation mode."""
    return Classifier(deepcopy(network.module).double().eval(), network.loss)


def operator(network: Classifier, x: Tensor, y: Tensor) -> LinearOperator:
    """The Hessian of the mean loss over the samples as a SciPy linear operator, (M, M), in evaluation mode."""
    network.module.eval()
    parameters = list(network.module.parameters())
    # The check of curvlinops draws from the global random state; forward passes here are deterministic by construction.
    batches = list(zip(x.split(_CHUNK), y.split(_CHUNK), strict=True))
    return HessianLinearOperator(
        network.module, network.loss, parameters, batches, check_deterministic=False, num_data=len(y)
    ).to_scipy()


def full_spectrum(network: Classifier, x: Tensor, y: Tensor) -> Spectrum:
    """All eigenvalues, in float64, for a network of up to a few thousand weights."""
    double = in_double(network)
    hessian = operator(double, x.double(), y)
    size = double.n_weights
    matrix = np.empty((size, size))
    for start in range(0, size, _BLOCK):
        columns = np.eye(size, min(_BLOCK, size - start), -start)
        matrix[:, start : start + _BLOCK] = hessian @ columns
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    return Spectrum(values[None], np.full((1, size), 1 / size), size, float(values[-1]), float(values[0]), True)


def extremes(
    network: Classifier, x: Tensor, y: Tensor, n_top: int = 1, n_bottom: int = 1, seed: int = 0, tolerance: float = 1e-2
) -> tuple[np.ndarray, np.ndarray]:
    """The ``n_top`` largest (descending) and ``n_bottom`` smallest (ascending) eigenvalues, by implicit Lanczos."""
    hessian = operator(network, x, y)
    start = normals(seed, _PROBE, 0, network.n_weights).astype(hessian.dtype)
    options = {"v0": start, "tol": tolerance, "return_eigenvectors": False}
    top = np.sort(eigsh(hessian, n_top, which="LA", **options))[::-1]
    bottom = np.sort(eigsh(hessian, n_bottom, which="SA", **options))
    return top, bottom


def stochastic_spectrum(
    network: Classifier, x: Tensor, y: Tensor, n_probes: int = 4, n_steps: int = 60, seed: int = 0
) -> Spectrum:
    """Stochastic Lanczos quadrature of the spectral density (Ghorbani, Krishnan & Xiao, arXiv:1901.10159).

    ``n_probes`` random vectors, ``n_steps`` Hessian products each.
    """
    n_steps = min(n_steps, network.n_weights)
    starts = np.stack([normals(seed, _PROBE, probe + 1, network.n_weights) for probe in range(n_probes)])
    diagonal, off = _lanczos(operator(network, x, y), starts.astype(np.float64), n_steps)
    nodes, vectors = np.linalg.eigh(_tridiagonal(diagonal, off))
    weights = vectors[:, 0, :] ** 2
    held = nodes[weights > _NO_WEIGHT]
    return Spectrum(nodes, weights, network.n_weights, float(held.max()), float(held.min()), False)


def _lanczos(hessian: LinearOperator, starts: np.ndarray, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal (probe, n_steps) and off-diagonal (probe, n_steps - 1) of the Lanczos matrices from ``starts``.

    All probes (probe, weight) advance together, so that products are made in blocks; with full reorthogonalisation.
    Where an invariant subspace is exhausted early, the matrix splits into blocks, and later nodes have no weight.
    """
    n_probes, size = starts.shape
    basis = np.zeros((n_probes, n_steps, size))
    diagonal, off = np.zeros((n_probes, n_steps)), np.zeros((n_probes, n_steps - 1))
    vectors = starts / np.linalg.norm(starts, axis=1, keepdims=True)
    for step in range(n_steps):
        basis[:, step] = vectors
        images = np.asarray(hessian @ vectors.T.astype(hessian.dtype), dtype=np.float64).T
        diagonal[:, step] = np.einsum("pi,pi->p", images, vectors)
        # Twice is enough: the second pass removes what rounding left of the first.
        for _ in range(2):
            overlaps = np.einsum("psi,pi->ps", basis[:, : step + 1], images)
            images -= np.einsum("ps,psi->pi", overlaps, basis[:, : step + 1])
        if step + 1 < n_steps:
            norms = np.linalg.norm(images, axis=1)
            spent = norms <= 1e-10 * np.abs(diagonal[:, : step + 1]).max(axis=1)
            off[:, step] = np.where(spent, 0.0, norms)
            vectors = np.where(spent[:, None], 0.0, images / np.where(spent, 1.0, norms)[:, None])
    return diagonal, off


def _tridiagonal(diagonal: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Symmetric matrices (..., n, n) from their diagonals (..., n) and off-diagonals (..., n - 1)."""
    size = diagonal.shape[-1]
    matrix = np.zeros((*diagonal.shape, size))
    place = np.arange(size)
    matrix[..., place, place] = diagonal
    matrix[..., place[:-1], place[1:]] = matrix[..., place[1:], place[:-1]] = off
    return matrix


def straight_line(
    network: Classifier, x: Tensor, y: Tensor, first: np.ndarray, last: np.ndarray, n_points: int = 21
) -> tuple[np.ndarray, np.ndarray]:
    """Loss along w = (1 - u) first + u last: u and loss, both (point). The network's weights are restored.

    Raises ``ValueError`` for batch normalisation: its running statistics belong to no point on the line.
    """
    if network.has_batch_statistics:
        raise ValueError("the running statistics of batch normalisation have no value on a line between two networks")
    kept = network.weights.clone()
    a, b = (torch.from_numpy(np.asarray(end)).to(kept) for end in (first, last))
    along = np.linspace(0, 1, n_points)
    losses = []
    for u in along:
        network.weights.copy_(torch.lerp(a, b, float(u)))
        losses.append(network.evaluate(x, y).loss)
    network.weights.copy_(kept)
    return along, np.array(losses)


def barrier(losses: np.ndarray) -> float:
    """Height of the loss along a path above its higher end; 0 where it does not rise."""
    return float(losses.max() - max(losses[0], losses[-1]))
