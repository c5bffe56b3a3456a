"""Hessian spectra against the full Hessian by automatic differentiation, and barriers on known landscapes."""

import numpy as np
import pytest
import torch
from torch import nn

from quench.networks.classifier import Classifier, NegativeLogLikelihood
from quench.networks.zoo import Images, build
from quench.observables.hessian import Spectrum, barrier, extremes, full_spectrum, stochastic_spectrum, straight_line


def tiny(name="B", n=30):
    images = {"B": Images(1, 4, 3), "A": Images(1, 4, 3), "C": Images(1, 16, 3)}[name]
    network = build(name, images, 1, widths={"B": (6, 5), "A": (7,), "C": (2, 2, 4)}[name], dtype=torch.float64)
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n, 1, images.side, images.side, generator=generator, dtype=torch.float64)
    return network, network.prepared(x), torch.randint(0, 3, (n,), generator=generator)


def by_autograd(network, x, y):
    names = [name for name, _ in network.module.named_parameters()]

    def loss(flat):
        return network.loss(
            torch.func.functional_call(network.module, dict(zip(names, network.views(flat), strict=True)), (x,)), y
        )

    return np.linalg.eigvalsh(torch.func.hessian(loss)(network.weights.clone()).numpy())


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_spectrum_is_that_of_the_full_hessian(name):
    network, x, y = tiny(name)
    expected = by_autograd(network, x, y)
    scale = np.abs(expected).max()
    spectrum = full_spectrum(network, x, y)
    np.testing.assert_allclose(spectrum.nodes[0], expected, atol=1e-10 * scale)
    top, bottom = extremes(network, x, y, 3, 2, tolerance=1e-8)
    np.testing.assert_allclose(top, expected[::-1][:3], rtol=1e-6)
    np.testing.assert_allclose(bottom, expected[:2], rtol=1e-6, atol=1e-8 * scale)
    for threshold in (1e-3, 0.1):
        flat, negative = spectrum.flat(threshold), spectrum.negative(threshold)
        assert flat.value == pytest.approx(np.mean(np.abs(expected) <= threshold * expected[-1]))
        assert negative.value == pytest.approx(np.mean(expected <= -threshold * expected[-1]))
        assert flat.low == flat.value == flat.high


def test_stochastic_spectrum_has_the_right_moments_and_edges():
    network, x, y = tiny("B")
    expected = by_autograd(network, x, y)
    found = stochastic_spectrum(network, x, y, n_probes=40, n_steps=30)
    assert found.largest == pytest.approx(expected[-1], rel=1e-6)
    assert found.smallest == pytest.approx(expected[0], rel=1e-4)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, rtol=1e-10)
    for power in (1, 2):
        # Hutchinson: a probe's moment scatters by sqrt(2 sum lambda^2p / M^2); 40 probes, 4 standard errors.
        moments = (found.weights * found.nodes**power).sum(axis=1)
        error = np.sqrt(2 * np.sum(expected ** (2 * power))) / len(expected) / np.sqrt(40)
        assert abs(moments.mean() - np.mean(expected**power)) < 4 * error


@pytest.mark.parametrize("n_steps", [4, 10, 40])
def test_bounds_of_a_stochastic_share_hold_the_true_one(n_steps):
    network, x, y = tiny("B")
    expected = by_autograd(network, x, y)
    found = stochastic_spectrum(network, x, y, n_probes=20, n_steps=n_steps)
    widths = []
    for low, high in ((-1e-3, 1e-3), (-np.inf, -0.01), (0.05, np.inf), (-0.1, 0.3), (-np.inf, np.inf)):
        true = np.mean((expected >= low) & (expected <= high))
        share = found.share(low, high)
        assert share.low - 1e-12 <= true <= share.high + 1e-12  # rounding of sums to 1
        assert share.low - 1e-12 <= share.value <= share.high + 1e-12
        widths.append(share.high - share.low)
    if n_steps == 40:
        assert np.mean(widths) < 0.4  # the bounds say something


def test_exact_zeros_are_found_flat():
    """Half of the parameters act on inputs that are always 0: their eigenvalues are 0 exactly."""
    network, x, y = tiny("B")
    x[:, ::2] = 0
    spectrum = full_spectrum(network, x, y)
    assert spectrum.flat(1e-9).value > 6 * 8 / network.n_weights  # first layer: 6 units x 8 silent inputs


def test_counts_follow_relative_thresholds():
    nodes = np.array([[-1.0, -1e-4, 0.0, 1e-4, 1.0, 10.0]])
    spectrum = Spectrum(nodes, np.full((1, 6), 1 / 6), 6, 10.0, -1.0, True)
    assert spectrum.flat(1e-3).value == pytest.approx(0.5)
    assert spectrum.negative(1e-3).value == pytest.approx(1 / 6)
    assert spectrum.negative(0.2).value == 0


def test_barrier_between_equivalent_networks():
    """Swapping hidden units changes no output, but the straight line to the swapped network leads uphill."""
    network, x, y = tiny("B", 60)
    for _ in range(400):
        network.descend(x, y, 0.3)
    first = network.weights.numpy().copy()
    with torch.no_grad():
        for weights, axis in zip(network.views(network.weights), (0, 0, 1), strict=False):
            weights.copy_(weights.flip(axis))
    swapped = network.weights.numpy().copy()
    along, losses = straight_line(network, x, y, first, swapped)
    assert losses[0] == pytest.approx(losses[-1], rel=1e-9)
    assert barrier(losses) > 0.1 * losses[0]
    np.testing.assert_array_equal(network.weights.numpy(), swapped)
    assert along[0] == 0
    assert along[-1] == 1


def test_a_convex_landscape_has_no_barrier():
    linear = Classifier(nn.Sequential(nn.Linear(3, 4)).double(), NegativeLogLikelihood())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 4, (20,), generator=generator)
    ends = [torch.randn(16, generator=generator, dtype=torch.float64).numpy() for _ in range(2)]
    assert barrier(straight_line(linear, x, y, *ends)[1]) == 0


def test_batch_normalisation_has_no_straight_line():
    network = build("D", Images(1, 8, 3), 0, widths=(2,))
    weights = network.weights.numpy().copy()
    with pytest.raises(ValueError, match="running statistics"):
        straight_line(network, torch.zeros(2, 1, 8, 8), torch.tensor([0, 1]), weights, weights)
