"""Fused classifiers beside the same ones in torch: what is measured, and how float32 trajectories separate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from quench.dynamics.batches import DataOrder
from quench.dynamics.fused.minibatch import FusedClassifier
from quench.dynamics.minibatch import descent
from quench.networks.zoo import Images, build
from quench.observables import noise

IMAGES = Images(1, 7, 10)


def samples(network, count=500, seed=0):
    """Random images, and the classes that a network gives them: they can be learnt."""
    x = torch.randn(count, 1, 7, 7, generator=torch.Generator().manual_seed(seed))
    teacher = build("B", IMAGES, 99, widths=(20, 20))
    return network.prepared(x), teacher.module(x).argmax(1)


@pytest.mark.parametrize(("model", "widths"), [("A", (30,)), ("B", (20, 20))])
def test_measurements_are_those_of_torch_in_the_same_memory(model, widths):
    network = build(model, IMAGES, 1, widths=widths, dtype=torch.float64)
    x, y = samples(network)
    fused = FusedClassifier(network)
    network.weights.mul_(1.5)
    ours, theirs = fused.evaluate(x, y), network.evaluate(x, y)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-13)
    assert ours.accuracy == theirs.accuracy
    torch.testing.assert_close(ours.outputs, theirs.outputs, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(fused.full_gradient(x, y), network.full_gradient(x, y), rtol=1e-10, atol=1e-15)
    (ours, evaluation), (theirs, _) = noise.exact(fused, x, y), noise.exact(network, x, y)
    assert ours.strength == pytest.approx(theirs.strength, rel=1e-12)
    assert ours.gradient_square == pytest.approx(theirs.gradient_square, rel=1e-11)
    assert ours.error == 0
    assert evaluation.loss == fused.evaluate(x, y).loss
    assert torch.equal(evaluation.outputs, fused.evaluate(x, y).outputs)


@pytest.mark.parametrize(("model", "widths", "rate"), [("A", (30,), 0.5), ("B", (20, 20), 0.05)])
@pytest.mark.parametrize("seed", [0, 1])
def test_float32_rounds_as_in_torch(model, widths, rate, seed):
    """Both float32 trajectories keep the same distance from that in float64.

    An update rounds every weight by up to half a unit in the last place, in either direction, so the distance grows as
    the square root of time, with a factor that the sizes of the weights decide. Other sums inside a gradient round in
    another order, but to the same extent. Later, when a unit switches on in one run and not in the other, distances
    jump; the comparison ends before.
    """
    start = build(model, IMAGES, seed, widths=widths).weights
    runs = {}
    for backend, dtype in (("reference", torch.float64), ("reference", torch.float32), ("fused", torch.float32)):
        network = build(model, IMAGES, seed, widths=widths, dtype=dtype)
        network.weights.copy_(start)
        x, y = samples(network)
        updates = descent(backend, network, x, y, DataOrder(len(y), 10, seed, 1), rate)
        state, found = updates.state(), []
        for first, last in ((0, 1), (1, 10), (10, 100), (100, 1000)):
            updates.advance(state.weights, first, last - first)
            found.append(state.weights[0].astype(float))
        runs[backend, dtype] = np.array(found)
    exact = runs["reference", torch.float64]
    ours, theirs = (np.linalg.norm(runs[b, torch.float32] - exact, axis=1) for b in ("fused", "reference"))
    # Norms of a thousand and more independent errors: within some percent of each other.
    np.testing.assert_allclose(ours, theirs, rtol=0.3)
    assert ours[-1] < 1e-5 * np.linalg.norm(exact[-1])
    assert np.all(np.diff(ours) > 0)


def test_only_the_weights_of_the_state_are_updated():
    network = build("A", IMAGES, 1, widths=(3,))
    updates = descent("fused", network, *samples(network), None, 0.1)
    with pytest.raises(ValueError, match="state"):
        updates.advance(updates.state().weights.copy(), 0, 1)
