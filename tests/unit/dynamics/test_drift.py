"""SGD beside noise-free gradient descent: where both agree, where they differ, and the table of a trained classifier."""

import numpy as np
import pytest
import torch
from tiny_classifier import task

from quench.dynamics.batches import DataOrder
from quench.dynamics.drift import beside_gradient_descent, drift
from quench.errors import QuenchError
from quench.networks.zoo import Images, build
from quench.observables.classifier_training import trajectory
from quench.store import contracts


def network_and_samples(name="B", n=20):
    shape, widths = {"B": (Images(1, 6, 3), (7, 5)), "D": (Images(1, 8, 3), (2,))}[name]
    generator = torch.Generator().manual_seed(11)
    network = build(name, shape, 0, widths=widths, dtype=torch.float64)
    x = torch.randn(n, 1, shape.side, shape.side, generator=generator)
    return network, network.prepared(x), torch.randint(0, 3, (n,), generator=generator)


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_without_noise_sgd_and_gradient_descent_are_one(backend):
    network, x, y = network_and_samples()
    order = DataOrder(len(y), len(y), 0, 1)  # every batch is the whole set, in another order
    found = beside_gradient_descent(network, x, y, order, 0.05, 0, [1, 5, 20], backend=backend)
    np.testing.assert_allclose(found["sgd"], found["gradient_descent"], rtol=1e-9)
    np.testing.assert_allclose(found["cosine"], 1, rtol=1e-9)


@pytest.mark.parametrize("backend", ["reference", "fused"])
def test_noise_separates_sgd_from_gradient_descent(backend):
    network, x, y = network_and_samples()
    start = network.weights.clone()
    order = DataOrder(len(y), 1, 0, 1, "iid")
    found = beside_gradient_descent(network, x, y, order, 1e-4, 0, [1, 3], backend=backend)
    network.weights.copy_(start)
    gradient = network.full_gradient(x, y)
    # One small step: the displacement is rate times the gradient.
    expected = (1e-4 * gradient).square().mean().item()
    assert found["gradient_descent"][0] == pytest.approx(expected, rel=1e-9)
    assert found["sgd"][0] > found["gradient_descent"][0]
    assert found["cosine"][0] < 0.99


def test_batch_normalisation_is_refused():
    network, x, y = network_and_samples("D")
    with pytest.raises(QuenchError, match="batch normalisation"):
        beside_gradient_descent(network, x, y, DataOrder(len(y), 5, 0, 1), 0.1, 0, [1])


def test_sgd_restarted_from_kept_weights_repeats_the_training():
    learning = task()
    training = trajectory(learning, 2).follow()
    found = drift(learning, training, [0, 100], 100, per_decade=3)
    contracts.check(found, "drift", "drift of a test")
    assert found["sgd"].shape == (1, 2, 7) and found["seed"].values.tolist() == [2]
    kept = training["weights"].values[0].astype(float)
    for place in (0, 1):
        moved = np.square(kept[place + 1] - kept[place]).mean()
        assert found["sgd"].values[0, place, -1] == pytest.approx(moved, rel=1e-5)  # float32 differences
    # The displacement at a lag does not depend on the longest lag.
    shorter = drift(learning, training, [100], 10, per_decade=3)
    assert np.array_equal(shorter["sgd"][0, 0], found["sgd"][0, 1, : shorter.sizes["lag"]])


def test_incomparable_restarts_are_refused():
    training = trajectory(task(), 0).follow()
    with pytest.raises(QuenchError, match="networks: 2 is more than the 1"):
        drift(task(), training, [100], 5, networks=2)
    with pytest.raises(QuenchError, match="t = 50 were not kept"):
        drift(task(), training, [50], 5)
    with pytest.raises(QuenchError, match="momentum"):
        drift(task(momentum=0.5), training, [100], 5)
