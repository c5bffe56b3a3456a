"""Losses, gradients and updates of fused classifiers against automatic differentiation, and what happens at the edges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch
from dense_oracle import LOSSES, classifier, data, sample_gradients, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics.batches import DataOrder
from quench.dynamics.fused.dense.network import Batches, Network
from quench.numerics import subnormals

# Around whole vectors, register rectangles, and the pieces in which long rows are summed (52 vectors of 16).
UNITS = st.one_of(st.integers(1, 36), st.sampled_from([47, 48, 63, 64, 100]))
INPUTS = st.one_of(UNITS, st.sampled_from([783, 831, 832, 1000, 1700]))
SIZES = st.tuples(INPUTS, st.lists(UNITS, max_size=3), st.integers(1, 20)).map(lambda t: (t[0], *t[1], t[2]))
SAMPLES = st.one_of(st.integers(1, 20), st.sampled_from([127, 128, 129, 150, 260]))


@settings(max_examples=60, deadline=None)
@given(
    sizes=SIZES, n=SAMPLES, loss=st.sampled_from(list(LOSSES)), scale=st.sampled_from([0.3, 1, 2]), seed=st.integers(0)
)
def test_float64_agrees_with_automatic_differentiation_to_1e_12(sizes, n, loss, scale, seed):
    seed %= 2**32
    (images, classes), flat = data(sizes, n, seed), weights(sizes, seed, scale)
    found = Network(sizes, loss, "float64").measure(flat, images, classes, gradients=True)
    torch_network = classifier(sizes, loss, flat)
    evaluation = torch_network.evaluate(torch.from_numpy(images), torch.from_numpy(classes))
    size = np.abs(found.outputs).max()
    np.testing.assert_allclose(found.outputs, evaluation.outputs.numpy(), rtol=0, atol=1e-12 * size)
    assert found.losses.mean() == pytest.approx(evaluation.loss, rel=1e-12, abs=1e-15 * size)
    assert found.right.mean() == evaluation.accuracy
    each = sample_gradients(torch_network, images, classes)
    # Rounding is relative to what is summed, not to what is left of it; torch takes a probability from 1.
    rounding = 1e-15 * size * (1 + np.abs(flat).max())
    terms = np.abs(each).mean(axis=0).max()
    np.testing.assert_allclose(found.gradient, each.mean(axis=0), rtol=0, atol=1e-12 * terms + rounding)
    norms = np.linalg.norm(each, axis=1)
    np.testing.assert_allclose(np.sqrt(found.squares), norms, rtol=1e-12, atol=rounding * sizes[0] ** 0.5)


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, n=SAMPLES, seed=st.integers(0, 2**32 - 1))
def test_float32_is_exact_where_float32_is(sizes, n, seed):
    """Weights and images in {-1, 0, 1}: outputs are integers; a float32 sum of them is exact below 2^24."""
    rng = np.random.default_rng(seed)
    # Few enough non-zero weights that no output can reach 2^24.
    flat = rng.integers(-1, 2, weights(sizes).size) * (rng.random(weights(sizes).size) < 0.1)
    images, classes = rng.integers(-1, 2, (n, sizes[0])), rng.integers(0, sizes[-1], n)
    measured = []
    for dtype in (np.float32, np.float64):
        network = Network(sizes, "negative log-likelihood", np.dtype(dtype).name)
        measured.append(network.measure(flat.astype(dtype), images.astype(dtype), classes))
    single, double = measured
    if np.abs(double.outputs).max() < 2**20:
        assert np.array_equal(single.outputs, double.outputs)
        assert np.array_equal(single.losses, double.losses)
    assert np.array_equal(single.right, double.right)


def order(n, batch_size, sampling, seed, block=1):
    """Batches as numbers and as the engine takes them."""
    if sampling == "full":
        return None, Batches("full", 0, 0, 0, 0)
    drawn = DataOrder(n, batch_size, seed, 7, sampling, block)
    return drawn, Batches(sampling, seed, 7, batch_size, drawn.period)


@settings(max_examples=40, deadline=None)
@given(
    sizes=SIZES,
    n=st.integers(1, 300),
    batch_size=st.one_of(st.integers(1, 20), st.sampled_from([100, 128, 129, 300])),
    sampling=st.sampled_from(["epoch", "iid", "full"]),
    momentum=st.sampled_from([0.0, 0.9]),
    loss=st.sampled_from(list(LOSSES)),
    seed=st.integers(0, 2**32 - 1),
    first=st.sampled_from([0, 61, 1000]),
)
def test_updates_are_those_of_torch_over_the_same_batches(sizes, n, batch_size, sampling, momentum, loss, seed, first):
    drawn, batches = order(n, min(batch_size, n), sampling, seed, block=4)
    (images, classes), flat = data(sizes, n, seed), weights(sizes, seed)
    ours, velocity = flat.copy(), np.zeros_like(flat)
    rule = {"rate": 0.1, "momentum": momentum, "velocity": velocity, "first_step": first, "n_steps": 8}
    assert Network(sizes, loss, "float64").descend(ours, images, classes, batches, **rule) == -1
    network = classifier(sizes, loss, flat)
    optimiser = torch.optim.SGD(network.module.parameters(), lr=0.1, momentum=momentum)
    x, y = torch.from_numpy(images), torch.from_numpy(classes)
    for step in range(first, first + 8):
        batch = np.arange(n) if drawn is None else drawn.batch(step)
        network.gradient.zero_()
        network.loss(network.module(x[batch]), y[batch]).backward()
        optimiser.step()
    np.testing.assert_allclose(ours, network.weights.numpy(), rtol=0, atol=1e-12 * np.abs(flat).max())


CASES = [
    ((784, 100, 100, 10), "negative log-likelihood", 10, "epoch", 0.0),
    ((49, 13, 7), "squared error of sigmoids", 7, "iid", 0.0),
    ((900, 21, 3), "negative log-likelihood", 150, "iid", 0.5),
    ((5, 4), "squared error of sigmoids", 1, "full", 0.0),
]


def in_stretches(network, flat, samples, batches, ends, **rule):
    """Updates from 0 to the last of ``ends``, in stretches that end there; what the stretches return."""
    velocity, found = np.zeros_like(flat), []
    for start, end in pairwise([0, *ends]):
        steps = {"first_step": start, "n_steps": end - start}
        found.append(network.descend(flat, *samples, batches, velocity=velocity, **steps, **rule))
    return found


def trained(case, cuts, network=None):
    """Weights after 150 updates, made in stretches that end at ``cuts``."""
    sizes, loss, batch_size, sampling, momentum = case
    flat, (_, batches) = weights(sizes, dtype=np.float32), order(200, batch_size, sampling, seed=5, block=64)
    samples = data(sizes, 200, dtype=np.float32)
    in_stretches(network or Network(sizes, loss), flat, samples, batches, [*cuts, 150], rate=0.05, momentum=momentum)
    return flat


@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_cuts_restarts_or_threads(case):
    whole = trained(case, [])
    assert np.isfinite(whole).all()
    assert not np.array_equal(whole, weights(case[0], dtype=np.float32))
    assert np.array_equal(trained(case, range(1, 150, 13)), whole)
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(lambda cuts: trained(case, cuts), [[], [1], [64], [77, 78]]):
            assert np.array_equal(other, whole)


def test_one_network_serves_after_another():
    """What earlier work leaves in memory does not matter, not even what is not finite."""
    case = CASES[2]
    network = Network(case[0], case[1])
    images, classes = data(case[0], 200, dtype=np.float32)
    network.measure(np.full(network.n_weights, np.nan, np.float32), images, classes, gradients=True)
    assert np.array_equal(trained(case, [], network=network), trained(case, []))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_network_that_diverges_is_reported_at_its_update_and_left_alone(momentum):
    sizes, loss, (_, batches) = (20, 10, 4), "negative log-likelihood", order(50, 5, "epoch", seed=1)
    samples, rule = data(sizes, 50, dtype=np.float32), {"rate": 1e9, "momentum": momentum}
    reports = []
    for ends in ([40], [3, 40], range(1, 41)):
        flat, network = weights(sizes, dtype=np.float32), Network(sizes, loss)
        found = in_stretches(network, flat, samples, batches, ends, **rule)
        reports.append(next(diverged for diverged in found if diverged >= 0))
        left = flat.copy()
        in_stretches(network, flat, samples, batches, [5], **rule)
        assert np.array_equal(flat, left, equal_nan=True)
    assert len(set(reports)) == 1
    assert 0 < reports[0] < 40


def test_non_finite_weights_have_diverged_from_the_start():
    sizes, (_, batches) = (20, 10, 4), order(50, 5, "epoch", seed=1)
    images, classes = data(sizes, 50, dtype=np.float32)
    for value in (np.nan, np.inf, -np.inf):
        flat = weights(sizes, dtype=np.float32)
        flat[3] = value
        before, network = flat.copy(), Network(sizes, "negative log-likelihood")
        assert network.descend(flat, images, classes, batches, rate=0.1, first_step=7, n_steps=5) == 7
        assert np.array_equal(flat, before, equal_nan=True)
        assert not np.isfinite(network.measure(flat, images, classes).losses).all()


def test_subnormal_numbers_count_as_zero_and_the_caller_keeps_its_arithmetic():
    sizes = (20, 10, 4)
    images, classes = np.full((50, 20), 1e-39, np.float32), np.zeros(50, np.int64)
    flat = weights(sizes, dtype=np.float32)
    without_biases = flat.copy()
    without_biases[200:210] = 0
    before = subnormals.control()
    network = Network(sizes, "negative log-likelihood")
    found = network.measure(without_biases, images, classes, gradients=True)
    assert subnormals.control() == before
    assert np.array_equal(found.outputs, np.tile(flat[-4:], (50, 1)))


def test_a_sample_that_is_nearly_certain_keeps_its_error():
    """The derivative by the right output is minus the sum of the others, not 0, where 1 - p is below float32's digits."""
    network = Network((1, 3), "negative log-likelihood")
    flat = np.array([0, 0, 0, 30, 0, 1], np.float32)
    found = network.measure(flat, np.ones((1, 1), np.float32), np.zeros(1, np.int64), gradients=True)
    expected = np.exp([-30.0, -29.0])
    np.testing.assert_allclose(found.gradient[3:], [-expected.sum(), *expected], rtol=1e-6)
    np.testing.assert_allclose(found.losses, expected.sum(), rtol=1e-12)


def test_what_does_not_fit_is_refused():
    images, classes = data((4, 3), 10, dtype=np.float32)
    network, flat = Network((4, 3), "negative log-likelihood"), weights((4, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="precision"):
        Network((4, 3), "negative log-likelihood", "float16")
    with pytest.raises(ValueError, match="layers"):
        Network((4,), "negative log-likelihood")
    for wrong in (images.astype(float), images[:, :3], images[:0], np.asfortranarray(images)):
        with pytest.raises(ValueError, match="images"):
            network.measure(flat, wrong, classes[: len(wrong)])
    for wrong in (classes + 1, classes - 1, classes.astype(np.int32)):
        with pytest.raises(ValueError, match="classes"):
            network.measure(flat, images, wrong)
    with pytest.raises(ValueError, match="weights"):
        network.measure(flat[1:], images, classes)
    _, batches = order(10, 5, "epoch", 1)
    with pytest.raises(ValueError, match="velocity"):
        network.descend(flat, images, classes, batches, rate=0.1, first_step=0, n_steps=1, momentum=0.5)
