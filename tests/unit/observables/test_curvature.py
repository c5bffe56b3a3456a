"""Eigenvalues of the Hessian against wells of known stiffness and automatic differentiation; their response."""

import numpy as np
import pytest
import torch
import xarray as xr

from quench.dynamics.fused.problem import Problem
from quench.errors import QuenchError
from quench.networks.mlp import Architecture, initial_weights
from quench.observables import curvature
from quench.theory.harmonic import DiscreteWell, response


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(5)
    return Problem(rng.normal(size=(40, 4)), rng.choice([-1.0, 1.0], 40), Architecture(4, 5, 2), precision="float64")


def test_without_weights_the_curvature_is_that_of_the_decay(task):
    """W = 0: the gradient of three layers is of second order, so that its Hessian vanishes."""
    found = curvature.stiffness(task, np.zeros((2, task.architecture.n_weights)), weight_decay=0.3)
    np.testing.assert_allclose(found, 0.3, rtol=1e-9)


def test_a_quadratic_loss_has_its_exact_curvature():
    """g = A w: differences of linear functions have no error but rounding, 1e-16 |w|/delta."""
    rng = np.random.default_rng(1)
    half = rng.normal(size=(6, 6))

    class Well:
        gradient = staticmethod(lambda weights: weights @ (half @ half.T))

    found = curvature.stiffness(Well, rng.normal(size=(1, 6)), weight_decay=0.5)
    np.testing.assert_allclose(found[0], np.linalg.eigvalsh(half @ half.T) + 0.5, atol=1e-5)


def test_the_hessian_is_that_of_automatic_differentiation(task):
    rng = np.random.default_rng(5)
    x, y = torch.tensor(rng.normal(size=(40, 4))), torch.tensor(rng.choice([-1.0, 1.0], 40))
    weights = np.stack([initial_weights(task.architecture, seed) for seed in range(2)])

    def loss(flat):
        first, second, last = flat.split([20, 25, 5])
        hidden = torch.relu(torch.relu(x @ first.view(5, 4).T) @ second.view(5, 5).T)
        return torch.square(torch.relu(1 - y * (hidden @ last))).mean() / 2

    for row, found in zip(weights, curvature.stiffness(task, weights, 0.01), strict=True):
        hessian = torch.autograd.functional.hessian(loss, torch.tensor(row)).numpy()
        # Central differences: rounding of the gradient, 1e-16, over 1e-9.
        np.testing.assert_allclose(found, np.linalg.eigvalsh(hessian) + 0.01, atol=1e-6)


def test_a_diverged_network_has_no_curvature(task):
    weights = np.stack([initial_weights(task.architecture, 0)] * 2)
    weights[1, 3] = np.inf
    found = curvature.stiffness(task, weights, 0.0)
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


def test_a_moment_without_a_snapshot_is_named(task):
    weights = np.zeros((1, 2, task.architecture.n_weights))
    snapshots = xr.Dataset({"weights": (("network", "time", "weight"), weights)}, {"time": [0, 10]})
    with pytest.raises(QuenchError, match=r"no snapshot at 7 \(nearest: 10\)"):
        curvature.of_snapshots(snapshots, task, 7, 0.0)


@pytest.mark.parametrize("rate", [1e-9, 1e-3, 0.4, 0.6, 1.0, 1.7, 2.0])
def test_the_response_of_a_well_is_the_sum_over_its_memory(rate):
    """A push of one update is remembered with the factor r at each later one: G = (1 + r + ... + r^(n - 1)) / n."""
    lags = np.array([1, 2, 3, 10, 1000])
    expected = [np.mean((1 - rate) ** np.arange(n)) for n in lags]
    np.testing.assert_allclose(response(rate / 0.02, 0.02, lags), expected, rtol=1e-9, atol=1e-15)
    well = DiscreteWell(rate / 0.02, 0.02, 1e-3)
    np.testing.assert_allclose(well.relaxed(lags) / (rate * lags), expected, rtol=1e-9, atol=1e-15)


def test_directions_that_are_not_harmonic_are_free_or_at_the_edge():
    found = response([-3.0, 0.0, 150.0], 0.02, [2, 1001])
    np.testing.assert_allclose(found, [[1, 1], [1, 1], [0, 1 / 1001]])
