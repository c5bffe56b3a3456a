"""The reference backend against automatic differentiation and plain loops in float64."""

import numpy as np
import pytest
import torch

from quench.dynamics import descent
from quench.dynamics.choices import SGD, Ensemble, Langevin
from quench.dynamics.recorders import Snapshots, losses
from quench.dynamics.reference import langevin, sgd
from quench.dynamics.reference.problem import Problem
from quench.dynamics.trajectory import State
from quench.networks.mlp import Architecture, initial_weights
from quench.numerics.random import integers, permutation

ARCHITECTURE = Architecture(5, 7, 3)
N_SAMPLES = 64


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    return rng.normal(size=(N_SAMPLES, 5)), rng.choice([-1, 1], N_SAMPLES)


@pytest.fixture
def problem(data):
    return Problem(*data, ARCHITECTURE, precision="float64")


@pytest.fixture
def ensemble():
    return np.stack([2 * initial_weights(ARCHITECTURE, seed) for seed in range(3)])


def autograd(architecture, x, y, weights):
    """Data loss and gradient of one network, from the definition alone (KWJ Eq. 1)."""
    flat = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
    signal = torch.as_tensor(x, dtype=torch.float64)
    start = 0
    for layer, (rows, columns) in enumerate(architecture.shapes):
        matrix = flat[start : start + rows * columns].reshape(rows, columns)
        signal = signal @ matrix.T
        if layer < len(architecture.shapes) - 1:
            signal = torch.relu(signal)
        start += rows * columns
    hinge = torch.relu(1 - torch.as_tensor(y, dtype=torch.float64) * signal[:, 0])
    loss = 0.5 * hinge.square().mean()
    loss.backward()
    return loss.item(), (hinge > 0).double().mean().item(), flat.grad.numpy()


@pytest.mark.parametrize(
    "architecture, n_samples",
    [
        (Architecture(5, 7, 3), 64),
        (Architecture(10, 30, 6), 300),
        (Architecture(3, 1, 1), 8),
        (Architecture(10, 16, 6), 5000),
    ],
    ids=["small", "paper", "smallest", "more than a chunk"],
)
def test_loss_and_gradient_match_autograd(architecture, n_samples):
    rng = np.random.default_rng(1)
    # |x| ~ 14 as for real digits; weights that keep part of the samples active.
    x, y = 4.4 * rng.normal(size=(n_samples, architecture.inputs)), rng.choice([-1, 1], n_samples)
    weights = np.stack([1.5 * initial_weights(architecture, seed) for seed in range(3)])
    problem = Problem(x, y, architecture, precision="float64")
    gradient, (loss, active) = problem.gradient(weights), problem.loss(weights)
    assert gradient.any()
    for network in range(3):
        expected_loss, expected_active, expected = autograd(architecture, x, y, weights[network])
        assert np.linalg.norm(gradient[network] - expected) <= 1e-12 * np.linalg.norm(expected)
        assert loss[network] == pytest.approx(expected_loss, rel=1e-12)
        assert active[network] == expected_active


def test_gradient_in_float32_is_close():
    rng = np.random.default_rng(2)
    architecture = Architecture(10, 16, 6)
    x, y = 4.4 * rng.normal(size=(500, 10)), rng.choice([-1, 1], 500)
    weights = np.stack([initial_weights(architecture, seed) for seed in range(2)])
    exact = Problem(x, y, architecture, precision="float64").gradient(weights)
    single = Problem(x, y, architecture, precision="float32").gradient(weights)
    # Sums of 500 samples through 7 layers: some 1e-6; a sample whose sign of a unit flips adds up to 1e-4.
    assert np.linalg.norm(single - exact) < 1e-4 * np.linalg.norm(exact)
    assert not np.array_equal(single, exact)


@pytest.mark.parametrize("weight_decay", [0.0, 0.03])
def test_descent_and_cold_langevin_are_torchs_plain_sgd(data, problem, ensemble, weight_decay):
    """T = 0: the same bits as gradient descent, and torch's own optimiser on the whole set."""
    cold, descended = ensemble.copy(), ensemble.copy()
    at_rest = Ensemble(range(3), 1, weight_decay)
    assert (langevin.advance(problem, Langevin(0.05, temperature=0.0), at_rest, cold, 0, 20) == -1).all()
    descent.advance(problem, 0.05, weight_decay, descended, 0, 20)
    assert np.array_equal(cold, descended)
    for network in range(3):
        flat = torch.tensor(ensemble[network], dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.SGD([flat], lr=0.05, weight_decay=weight_decay)
        for _ in range(20):
            flat.grad = torch.from_numpy(autograd(ARCHITECTURE, *data, flat.detach().numpy())[2])
            optimiser.step()
        np.testing.assert_allclose(cold[network], flat.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch_size", [1, 10, 64])
@pytest.mark.parametrize("sampling", ["epoch", "iid"])
def test_sgd_is_a_plain_loop(data, problem, ensemble, batch_size, sampling):
    # 10 does not divide 64: the last batch of an epoch has 4 samples and is averaged over these.
    n_steps, stream, seeds = 17, 9, (4, 0, 7)
    x, y = data
    found = ensemble.copy()
    chosen = SGD(0.02, batch_size, sampling=sampling)
    assert (sgd.advance(problem, chosen, Ensemble(seeds, stream, 0.01), found, 0, n_steps) == -1).all()
    per_epoch = -(-N_SAMPLES // batch_size)
    for network, seed in enumerate(seeds):
        weights = ensemble[network].copy()
        for step in range(n_steps):
            if sampling == "iid":
                chosen = integers(seed, stream, step, batch_size, N_SAMPLES)
            else:
                order = permutation(seed, stream, step // per_epoch, N_SAMPLES)
                place = step % per_epoch
                chosen = order[place * batch_size : (place + 1) * batch_size]
            gradient = autograd(ARCHITECTURE, x[chosen], y[chosen], weights)[2]
            weights = weights - 0.02 * (gradient + 0.01 * weights)
        np.testing.assert_allclose(found[network], weights, rtol=1e-11, atol=1e-13)


def advance(kind, problem, weights, seeds, first_step, n_steps):
    common = (Ensemble(seeds, 2, weight_decay=0.001), weights, first_step, n_steps)
    if kind == "langevin":
        return langevin.advance(problem, Langevin(step_size=0.02, temperature=0.01), *common)
    return sgd.advance(problem, SGD(step_size=0.02, batch_size=10), *common)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["langevin", "sgd"])
def test_bits_do_not_depend_on_chunks_threads_or_pieces(kind, precision):
    rng = np.random.default_rng(3)
    # At this size batched and single matrix products take different roads through a BLAS.
    architecture = Architecture(10, 20, 6)
    x, y = 4 * rng.normal(size=(600, 10)), rng.choice([-1, 1], 600)
    start = np.stack([initial_weights(architecture, seed) for seed in range(4)])
    seeds = np.arange(4)

    def run(chunk, threads, pieces):
        problem = Problem(x, y, architecture, precision=precision, threads=threads)
        parts = []
        for first in range(0, 4, chunk):
            weights = start[first : first + chunk].copy()
            done = 0
            for piece in pieces:
                advance(kind, problem, weights, seeds[first : first + chunk], done, piece)
                done += piece
            parts.append((weights, *problem.loss(weights), problem.gradient(weights)))
        return [np.concatenate(values) for values in zip(*parts, strict=True)]

    whole = run(4, 1, [12])
    for other in (run(1, 1, [12]), run(3, 2, [12]), run(4, 4, [1, 4, 7])):
        assert all(np.array_equal(a, b) for a, b in zip(whole, other, strict=True))


def test_seed_alone_decides_the_noise(problem, ensemble):
    start = np.repeat(ensemble[:1], 3, axis=0)
    advance("langevin", problem, start, np.array([5, 6, 5]), 0, 10)
    assert np.array_equal(start[0], start[2]) and not np.array_equal(start[0], start[1])


@pytest.mark.parametrize("kind", ["langevin", "sgd"])
def test_divergence_is_recorded_and_the_others_continue(problem, ensemble, kind):
    seeds = np.array([1, 0, 2])
    together = ensemble[seeds]
    # Weights this large let the gradient, cubic in them, explode within a few steps.
    together[1] *= 300
    start = together.copy()
    alone = start[[0, 2]]
    assert (advance(kind, problem, alone, seeds[[0, 2]], 0, 60) == -1).all()
    diverged = advance(kind, problem, together, seeds, 0, 60)
    assert diverged[0] == diverged[2] == -1 and 1 < diverged[1] < 60
    assert np.array_equal(together[[0, 2]], alone)
    assert not np.isfinite(together[1]).all()
    # One update before, it was finite; the count is of updates done.
    again = start[[1]]
    assert (advance(kind, problem, again, seeds[[1]], 0, int(diverged[1]) - 1) == -1).all()
    assert np.isfinite(again).all()
    assert (advance(kind, problem, again, seeds[[1]], int(diverged[1]) - 1, 1) == diverged[1]).all()
    # A network that has diverged before counts as diverged at the first step.
    assert advance(kind, problem, together, seeds, 60, 5).tolist() == [-1, 60, -1]


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, -1])
def test_diverged_network_never_reports_a_loss(problem, ensemble, spoilt, position):
    healthy = problem.loss(ensemble)
    ensemble[1, position] = spoilt
    loss, active = problem.loss(ensemble)
    assert np.isnan(loss[1]) and np.isnan(active[1])
    assert np.array_equal(loss[[0, 2]], healthy[0][[0, 2]]) and np.array_equal(active[[0, 2]], healthy[1][[0, 2]])
    total, data_loss, share = losses(problem, ensemble, 0.1)
    assert np.isnan([total[1], data_loss[1], share[1]]).all() and np.isfinite(total[[0, 2]]).all()


def test_recorded_total_loss_holds_the_regularisation(problem, ensemble):
    recorder = Snapshots(problem, 0.2, len(ensemble), 1)
    recorder.record(State(ensemble))
    table = recorder.table()
    # L = L_data + (lambda/2) |W|^2 (KWJ Eq. 2).
    expected = table["data_loss"][:, 0] + 0.1 * np.square(ensemble).sum(axis=1)
    np.testing.assert_allclose(table["loss"][:, 0], expected, rtol=1e-14)
    assert np.array_equal(recorder.weights[:, 0], ensemble)


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.zeros((4, 3)), np.ones(4), "x must be"),
        (np.zeros((0, 5)), np.ones(0), "x must be"),
        (np.zeros((4, 5)), np.ones(3), "y must hold"),
        (np.zeros((4, 5)), np.array([1, -1, 0, 1]), "y must hold"),
        (np.full((4, 5), np.nan), np.ones(4), "not finite"),
    ],
)
def test_wrong_data_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        Problem(x, y, ARCHITECTURE)


@pytest.mark.parametrize("threads", [1, 2])
def test_subnormal_numbers_count_as_zero(threads, data, ensemble):
    # With subnormal numbers the data would reach the output, and the gradient would not be zero.
    problem = Problem(np.full((N_SAMPLES, 5), 1e-39), data[1], ARCHITECTURE, threads=threads)
    assert not problem.gradient(ensemble).any()
