"""The gradient noise D by three routes: against a loop over samples, against each other, with honest errors."""

import numpy as np
import pytest
import torch
from torch import nn

from quench.networks.classifier import Classifier, NegativeLogLikelihood, initialise
from quench.networks.zoo import Images, build
from quench.observables import noise
from quench.observables.probe import Probe


def samples(network, images, n, seed=5, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, images.channels, images.side, images.side, generator=generator, dtype=dtype)
    return network.prepared(x), torch.randint(0, images.classes, (n,), generator=generator)


def by_loop(network, x, y):
    """Every sample's gradient in full: BJ Eq. 4 as it is written."""
    gradients = []
    for s in range(len(y)):
        loss = network.loss(network.module(x[s : s + 1]), y[s : s + 1])
        parts = torch.autograd.grad(loss, list(network.module.parameters()))
        gradients.append(torch.cat([g.reshape(-1) for g in parts]).double())
    table = torch.stack(gradients)
    mean = table.mean(0)
    strength = (table - mean).square().sum(1).mean().item() / network.n_weights
    return table, strength, mean.square().sum().item()


@pytest.mark.parametrize(
    ("name", "images", "widths"),
    [("A", Images(1, 14, 10), (200,)), ("B", Images(1, 28, 10), None), ("C", Images(3, 32, 10), None)],
)
def test_exact_noise_is_that_of_a_loop_over_samples(name, images, widths):
    network = build(name, images, 1, widths=widths, dtype=torch.float64)
    x, y = samples(network, images, 12)
    found, evaluation = noise.exact(network, x, y)
    table, strength, gradient_square = by_loop(network, x, y)
    assert found.strength == pytest.approx(strength, rel=1e-9)
    assert found.gradient_square == pytest.approx(gradient_square, rel=1e-9)
    assert found.error == 0
    torch.testing.assert_close(evaluation.outputs, network.evaluate(x, y).outputs)
    assert evaluation.loss == pytest.approx(network.evaluate(x, y).loss)
    coefficients = torch.linspace(0.5, 2, 12, dtype=torch.float64)
    single = noise.per_sample(network, x, y, coefficients, along_total=True)
    weighted = table * coefficients[:, None]
    torch.testing.assert_close(single.squares, weighted.square().sum(1), rtol=1e-10, atol=0)
    torch.testing.assert_close(single.total, weighted.sum(0), rtol=1e-9, atol=1e-13)
    torch.testing.assert_close(single.along_total, weighted @ weighted.sum(0), rtol=1e-9, atol=1e-13)


def test_float32_noise_is_good_to_single_precision():
    images = Images(1, 16, 4)
    for name, widths in (("B", (20, 10)), ("C", (3, 4, 9))):
        single, double = (build(name, images, 2, widths=widths, dtype=d) for d in (torch.float32, torch.float64))
        double.weights.copy_(single.weights)
        x, y = samples(double, images, 30)
        found, _ = noise.exact(single, single.prepared(x.view(30, 1, 16, 16)), y)
        # Rounding of the gradients is 1e-7 relative, amplified a little by the layers.
        assert found.strength == pytest.approx(by_loop(double, x, y)[1], rel=1e-5)


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(2, 3, 3, stride=2, padding=1),
        nn.Conv2d(2, 3, (2, 3), padding=(0, 2), dilation=(1, 2), bias=False),
        nn.Conv2d(2, 30, 5),  # 4 pixels, 50 x 30 elements: the Gram form
    ],
)
def test_convolutions_of_any_shape(convolution):
    with torch.no_grad():
        size = convolution(torch.zeros(1, 2, 6, 6)).numel()
    module = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(size, 3, bias=False)).double()
    initialise(module, 0)
    network = Classifier(module, NegativeLogLikelihood())
    x, y = samples(network, Images(2, 6, 3), 7)
    table, strength, _ = by_loop(network, x, y)
    assert noise.exact(network, x, y)[0].strength == pytest.approx(strength, rel=1e-10)
    found = noise.per_sample(network, x, y, along_total=True)
    torch.testing.assert_close(found.along_total, table @ table.sum(0), rtol=1e-10, atol=1e-14)


def heavy_tailed(n=400):
    """A trained network with two wrong labels: nearly all of D is in a few samples, as late in training."""
    images = Images(1, 4, 3)
    network = build("B", images, 3, widths=(8, 8), dtype=torch.float64)
    x, y = samples(network, images, n)
    y = network.evaluate(x, y).outputs.argmax(1)
    for _ in range(1000):
        network.descend(x, y, 1.0)
    y[::200] = (y[::200] + 1) % 3
    return network, x, y


def test_importance_sampling_is_unbiased_and_knows_its_error():
    network, x, y = heavy_tailed()
    exact, evaluation = noise.exact(network, x, y)
    estimates = [noise.sampled(network, x, y, evaluation.outputs, 100, seed, 0) for seed in range(200)]
    strengths = np.array([e.strength for e in estimates])
    errors = np.array([e.error for e in estimates])
    # The mean of 200 lies within 4 standard errors of the truth; the stated error is the spread within 15 %
    # (the spread of 200 draws is itself known to 5 %).
    assert abs(strengths.mean() - exact.strength) < 4 * strengths.std() / np.sqrt(200)
    assert np.sqrt((errors**2).mean()) == pytest.approx(strengths.std(), rel=0.15)
    assert strengths.std() < 0.3 * exact.strength
    # A uniform subset of the same size does worse: what importance sampling is for.
    table, _, _ = by_loop(network, x, y)
    rng = np.random.default_rng(0)
    uniform = [table[rng.integers(0, len(y), 100)].square().sum(1).mean().item() for _ in range(200)]
    assert np.std(uniform) / network.n_weights > 2 * strengths.std()


def test_squared_gradient_is_estimated_without_bias():
    network, x, y = heavy_tailed()
    exact, evaluation = noise.exact(network, x, y)
    network.views(network.weights)[-1].add_(torch.tensor([1.0, 0, -1]))  # a common drift
    exact, evaluation = noise.exact(network, x, y)
    found = [noise.sampled(network, x, y, evaluation.outputs, 200, s, 0) for s in range(200)]
    estimates = np.array([one.gradient_square for one in found])
    assert exact.gradient_square_error == 0
    assert exact.gradient_square > 2 * estimates.std()
    assert abs(estimates.mean() - exact.gradient_square) < 4 * estimates.std() / np.sqrt(200)
    # The stated error is the spread, which 200 repetitions know to 5 %, within 20 %.
    errors = np.array([one.gradient_square_error for one in found])
    assert np.sqrt((errors**2).mean()) == pytest.approx(estimates.std(), rel=0.2)


def at_a_minimum(n=400):
    """A network too small for its random labels, after descent: the gradients of samples are large, their mean is not."""
    network = build("B", Images(1, 4, 3), 0, widths=(2, 2), dtype=torch.float64)
    x, y = samples(network, Images(1, 4, 3), n)
    for _ in range(3000):
        network.descend(x, y, 0.5)
    return network, x, y


def test_squared_gradient_below_its_error_is_unbiased_too():
    """Estimates scatter to both sides of 0; values cut off at 0 would lie above the truth."""
    network, x, y = at_a_minimum()
    exact, evaluation = noise.exact(network, x, y)
    sampled = [noise.sampled(network, x, y, evaluation.outputs, 200, seed, 0) for seed in range(200)]
    batches = [noise.of_minibatches(network, x, y, 10, 40, seed, 0) for seed in range(200)]
    # The stated error of draws is that of two factors for one, sqrt(2); of minibatches an upper bound from disjoint pairs.
    for found, largest in ((sampled, 1.8), (batches, 10)):
        estimates = np.array([one.gradient_square for one in found])
        standard = estimates.std() / np.sqrt(200)
        assert exact.gradient_square < estimates.std() and estimates.min() < 0
        assert abs(estimates.mean() - exact.gradient_square) < 4 * standard
        errors = np.sqrt(np.mean([one.gradient_square_error**2 for one in found]))
        assert 0.9 < errors / estimates.std() < largest
    clipped = np.maximum([one.gradient_square for one in sampled], 0)
    assert clipped.mean() > 1.4 * exact.gradient_square


def test_minibatches_agree_with_exact_noise_within_their_error():
    network, x, y = heavy_tailed()
    exact, _ = noise.exact(network, x, y)
    estimates = [noise.of_minibatches(network, x, y, 10, 40, seed, 0) for seed in range(60)]
    strengths = np.array([e.strength for e in estimates])
    errors = np.array([e.error for e in estimates])
    assert abs(strengths.mean() - exact.strength) < 4 * strengths.std() / np.sqrt(60)
    # The stated error is that of half as many independent pairs: between 1 and sqrt(2) times the spread, each known
    # to 10 % from 60 repetitions.
    ratio = np.sqrt((errors**2).mean()) / strengths.std()
    assert 0.8 < ratio < 1.8


def test_equal_samples_have_no_noise():
    """Every batch of copies of one image has the same gradient."""
    network, x, y = heavy_tailed()
    x, y = x[:1].expand(20, *x.shape[1:]), y[:1].expand(20)
    exact, _ = noise.exact(network, x, y)
    found = noise.of_minibatches(network, x, y, 5, 8, 0, 0)
    assert found.gradient_square == pytest.approx(exact.gradient_square, rel=1e-5)
    for one in (exact, found):
        assert abs(one.strength) * network.n_weights < 1e-5 * exact.gradient_square
    assert found.error < 1e-9 and found.gradient_square_error < 1e-5 * exact.gradient_square


def test_minibatches_leave_running_statistics_as_they_were():
    images = Images(1, 8, 3)
    network = build("D", images, 0, widths=(2,))
    x, y = samples(network, images, 30, dtype=torch.float32)
    network.compute_gradient(x, y)  # move them off their initial values
    before = {name: buffer.clone() for name, buffer in network.buffers().items()}
    weights = network.weights.clone()
    found = noise.of_minibatches(network, x, y, 8, 6, 0, 0)
    assert found.strength > 0
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.buffers().items())
    assert torch.equal(network.weights, weights)


def test_samples_of_a_batch_normalised_network_have_no_gradients_of_their_own():
    network = build("D", Images(1, 8, 3), 0, widths=(2,))
    x, y = samples(network, Images(1, 8, 3), 4, dtype=torch.float32)
    with pytest.raises(ValueError, match="use minibatches"):
        noise.exact(network, x, y)


def test_mistaken_counts_are_refused():
    network, x, y = heavy_tailed(20)
    with pytest.raises(ValueError, match="even number"):
        noise.of_minibatches(network, x, y, 5, 5, 0, 0)
    with pytest.raises(ValueError, match="2 draws"):
        noise.sampled(network, x, y, network.evaluate(x, y).outputs, 1, 0, 0)


def test_probe_picks_the_route_that_fits_the_network():
    routes = {}
    for name, widths in (("B", (4, 4)), ("C", (2, 2, 4)), ("D", (2,))):
        images = Images(1, 16, 3)
        network = build(name, images, 0, widths=widths)
        train, test = samples(network, images, 40, dtype=torch.float32), samples(network, images, 9, 6, torch.float32)
        probe = Probe(train, test, batch_size=8, seed=0, n_draws=30, n_batches=4)
        found = probe(network, 7)
        assert found == probe(network, 7)  # keyed by the step
        assert found["train_loss"] == pytest.approx(network.evaluate(*train).loss, rel=1e-6)
        assert found["test_accuracy"] == network.evaluate(*test).accuracy
        assert found["noise"] > 0
        routes[name] = probe.method_for(network)
        if name != "D":
            exact = Probe(train, test, batch_size=8, seed=0, method="exact")(network, 7)
            assert abs(found["noise"] - exact["noise"]) <= 5 * found["noise_error"]
    assert routes == {"B": "exact", "C": "sampled", "D": "minibatches"}
    with pytest.raises(ValueError, match="no noise method"):
        Probe(train, test, batch_size=8, seed=0, method="all")
