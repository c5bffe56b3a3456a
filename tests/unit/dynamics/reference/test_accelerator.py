"""The reference backend on an accelerator: the ensemble as one batch, noise and batches of the host."""

import numpy as np
import pytest
import torch

from quench.dynamics.choices import SGD, Ensemble, Langevin
from quench.dynamics.reference import langevin, sgd
from quench.dynamics.reference.master_weights import MasterWeights
from quench.dynamics.reference.problem import Problem
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import integers, normals, permutation

ARCHITECTURE = Architecture(4, 6, 2)
SEEDS = np.arange(3)


class Batched(Problem):
    """The path of an accelerator, the whole ensemble in one batch, on the CPU."""

    def _by_network(self, work, *tensors):
        return work(*tensors)


def data(n_samples=90):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_samples, 4)), rng.choice([-1, 1], n_samples)


def networks(count=3):
    return np.stack([1.5 * initial_weights(ARCHITECTURE, seed) for seed in range(count)])


def by_autograd(x, y, weights, decay=0.0):
    """Loss of KWJ Eqs. 1 and 2 written as one would, and its gradient."""
    w = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    signal = torch.tensor(x, dtype=torch.float64)
    offsets = ARCHITECTURE.offsets
    for number, (start, shape) in enumerate(zip(offsets, ARCHITECTURE.shapes, strict=False)):
        signal = signal @ w[start : start + shape[0] * shape[1]].view(shape).T
        signal = torch.relu(signal) if number < len(ARCHITECTURE.shapes) - 1 else signal
    hinge = torch.relu(1 - torch.tensor(y) * signal[:, 0])
    loss = (hinge**2).mean() / 2
    (loss + decay * (w**2).sum() / 2).backward()
    return loss.item(), w.grad.numpy()


@pytest.mark.parametrize("kind", [Problem, Batched])
def test_loss_and_gradient_are_those_of_autograd(kind):
    x, y = data()
    problem = kind(x, y, ARCHITECTURE, "float64")
    problem.chunk = 32  # so that the last pass is a smaller one
    expected = [by_autograd(x, y, weights) for weights in networks()]
    np.testing.assert_allclose(problem.loss(networks())[0], [loss for loss, _ in expected], rtol=1e-13)
    # Sums of 90 terms in another order: each rounds at 2^-53 of the largest.
    largest = max(np.abs(gradient).max() for _, gradient in expected)
    np.testing.assert_allclose(problem.gradient(networks()), [g for _, g in expected], rtol=0, atol=1e-14 * largest)


@pytest.mark.parametrize("kind", [Problem, Batched])
def test_a_langevin_step_is_the_formula(kind):
    """w - mu (grad + lambda w) + sqrt(2 mu T / P) xi for two steps, the noise being that of quench.numerics.random."""
    x, y = data()
    mu, temperature, decay, stream, first = 0.1, 0.02, 0.01, 77, 5
    weights = networks()
    problem, ensemble = kind(x, y, ARCHITECTURE, "float64"), Ensemble(SEEDS, stream, decay)
    diverged = langevin.advance(problem, Langevin(mu, temperature), ensemble, weights, first, 2)
    expected = networks()
    for step in (first, first + 1):
        for network, seed in enumerate(SEEDS):
            noise = normals(int(seed), stream, step, ARCHITECTURE.n_weights)
            expected[network] -= mu * by_autograd(x, y, expected[network], decay)[1]
            expected[network] += np.sqrt(2 * mu * temperature / len(x)) * noise
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-14)
    assert diverged.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("sampling", ["epoch", "iid"])
@pytest.mark.parametrize("kind", [Problem, Batched])
def test_an_sgd_step_uses_the_keyed_batch(kind, sampling):
    """Step 5 of 3-batch epochs of 90 samples by 32: the last, smaller batch of epoch 1."""
    x, y = data()
    weights = networks()
    problem, ensemble = kind(x, y, ARCHITECTURE, "float64"), Ensemble(SEEDS, 9, 0.01)
    sgd.advance(problem, SGD(0.1, 32, sampling=sampling), ensemble, weights, 5, 1)
    for network, seed in enumerate(SEEDS):
        drawn = permutation(int(seed), 9, 1, 90)[64:] if sampling == "epoch" else integers(int(seed), 9, 5, 32, 90)
        expected = networks()[network] - 0.1 * by_autograd(x[drawn], y[drawn], networks()[network], 0.01)[1]
        np.testing.assert_allclose(weights[network], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_neither_threads_nor_the_size_of_a_job_change_a_bit(precision):
    """Batched products round differently for another number of networks (seen at P = 2,000 and n = 16, and others)."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 10)), rng.choice([-1, 1], 2000)
    architecture = Architecture(10, 16, 3)
    weights = np.stack([1.5 * initial_weights(architecture, seed) for seed in range(5)])
    order = rng.permutation(5)

    def trained(threads, size):
        problem = Problem(x, y, architecture, precision, threads)
        result = weights.copy()
        for start in range(0, 5, size):
            chosen = order[start : start + size]
            part = result[chosen]
            for first in (0, 2):
                langevin.advance(problem, Langevin(0.05, 0.01), Ensemble(chosen, 1, 0.01), part, first, 2)
            sgd.advance(problem, SGD(0.05, 100), Ensemble(chosen, 2, 0.01), part, 0, 3)
            result[chosen] = part
        return result.tobytes()

    reference = trained(1, 5)
    for threads in (1, 2, 3):
        for size in (1, 2, 3, 5):
            assert trained(threads, size) == reference, (threads, size)


@pytest.mark.parametrize("kind", [Problem, Batched])
def test_a_diverged_network_stays_as_it_diverged_and_the_others_continue(kind):
    x, y = data()
    weights = networks()
    weights[1] *= 1e60
    problem = kind(x, y, ARCHITECTURE, "float64")
    dynamics = Langevin(0.1, 0.01)
    diverged = langevin.advance(problem, dynamics, Ensemble(SEEDS, 1, 0.0), weights, 3, 50)
    assert diverged[0] == diverged[2] == -1
    assert 4 <= diverged[1] < 53
    frozen = weights[1].copy()
    assert not np.isfinite(frozen).all()
    again = langevin.advance(problem, dynamics, Ensemble(SEEDS, 1, 0.0), weights, 53, 2)
    assert weights[1].tobytes() == frozen.tobytes()
    assert again.tolist() == [-1, 53, -1]
    alone = networks()[:1]
    langevin.advance(kind(x, y, ARCHITECTURE, "float64"), dynamics, Ensemble(SEEDS[:1], 1, 0.0), alone, 3, 52)
    np.testing.assert_allclose(weights[0], alone[0], rtol=1e-12)
    assert np.isnan(problem.loss(weights)[0][1])


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_nothing_leaves_the_device_within_a_stretch(precision):
    """On torch's meta device, which has shapes and no numbers, any mixture with the host or read-back is an error."""
    x, y = data()
    problem = Problem(x, y, ARCHITECTURE, precision, device="meta")
    masters = MasterWeights(problem, networks(), 0)
    noise = langevin.standard_normals(problem, Ensemble(SEEDS, 1, 0.01), 0)
    masters.update(langevin.one_step(problem, Langevin(0.1, 0.01), 0.01, masters.weights, noise), 1)
    masters.update(langevin.one_step(problem, Langevin(0.1, 0.0), 0.01, masters.weights, None), 2)
    batch = torch.zeros((3, 32), dtype=torch.int64, device="meta")
    masters.update(sgd.one_step(problem, SGD(0.1, 32), 0.01, masters.weights, batch), 3)
    assert masters.weights.device.type == "meta"
    assert masters.weights.dtype == torch.float64
    assert masters.weights.shape == (3, ARCHITECTURE.n_weights)
    with pytest.raises(NotImplementedError):
        masters.write_back(networks())


def test_the_noise_of_a_device_is_that_of_the_host():
    x, y = data()
    noise = langevin.standard_normals(Problem(x, y, ARCHITECTURE), Ensemble(SEEDS, 4, 0.0), 9)
    expected = [normals(int(seed), 4, 9, ARCHITECTURE.n_weights) for seed in SEEDS]
    assert noise.numpy().tobytes() == np.stack(expected).tobytes()
