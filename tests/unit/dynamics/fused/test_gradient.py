"""The fused loss and gradient against automatic differentiation, and what happens at the edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fused_oracle import case, gradient, output, sample_gradients
from hypothesis import given, settings
from hypothesis import strategies as st

from quench.dynamics.fused.problem import Problem
from quench.networks.mlp import Architecture
from quench.numerics import subnormals


def expected_output(architecture, weights, x):
    return output(architecture, torch.as_tensor(weights), torch.as_tensor(x)).numpy()


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 26),
    depth=st.integers(1, 4),
    inputs=st.integers(1, 13),
    n_samples=st.one_of(st.integers(1, 70), st.integers(250, 600)),
    scale=st.sampled_from([0.3, 1.0, 3.0]),
    labels=st.sampled_from(["random", "1", "-1"]),
    seed=st.integers(0, 2**32),
)
def test_float64_agrees_with_automatic_differentiation_to_1e_12(width, depth, inputs, n_samples, scale, labels, seed):
    architecture, x, y, weights = case(width, depth, n_samples, inputs, networks=2, seed=seed, labels=labels)
    weights *= scale
    problem = Problem(x, y, architecture, "float64")
    fused = problem.gradient(weights)
    loss, active = problem.loss(weights)
    for network, flat in enumerate(weights):
        each = sample_gradients(architecture, flat, x, y)
        # The mean of the absolute terms: rounding is relative to what is summed, not to what is left of it.
        size = np.abs(each).mean(axis=0).max()
        np.testing.assert_allclose(fused[network], each.mean(axis=0), rtol=0, atol=1e-12 * size)
        hinge = np.maximum(0, 1 - y * expected_output(architecture, flat, x))
        assert loss[network] == pytest.approx(np.mean(hinge**2) / 2, rel=1e-12, abs=1e-300)
        assert active[network] == np.mean(hinge > 0)


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 5),
    depth=st.integers(1, 2),
    inputs=st.integers(1, 3),
    n_samples=st.integers(1, 700),
    seed=st.integers(0, 2**32),
)
def test_float32_is_exact_where_float32_is(width, depth, inputs, n_samples, seed):
    """Weights and inputs in {-1, 0, 1}: every number is an integer below 2^24, so float32 rounds nothing.

    |f| <= 3 x 5 x 5, so a sample adds at most 76 x 5 x 15 to a component, and 700 of them 4e6.
    """
    rng = np.random.default_rng(seed)
    architecture = Architecture(inputs, width, depth)
    weights = rng.integers(-1, 2, (3, architecture.n_weights)).astype(float)
    x, y = rng.integers(-1, 2, (n_samples, inputs)), rng.choice([-1, 1], n_samples)
    single, double = Problem(x, y, architecture, "float32"), Problem(x, y, architecture, "float64")
    assert np.array_equal(single.gradient(weights), double.gradient(weights))
    assert np.array_equal(single.loss(weights), double.loss(weights))
    # Here sums are exact in any order, so setting samples aside must not change a bit either.
    for network, flat in enumerate(weights):
        total = sample_gradients(architecture, flat, x, y).sum(axis=0)
        assert np.array_equal(single.gradient(weights)[network], total * (1 / n_samples))


@pytest.mark.parametrize(("width", "depth", "n_samples"), [(30, 6, 4000), (72, 6, 2500), (20, 6, 5000), (8, 2, 300)])
def test_float32_agrees_to_1e_4(width, depth, n_samples):
    """Rounding alone gives about sqrt(terms) x 2^-24 ~ 1e-6. What limits agreement are units and hinges whose sign float32
    sees differently: one of n_samples x width x depth ~ 1e6 sums lies within 1e-6 of zero now and then, and moves the
    gradient by 1 / n_samples of the share of one unit, some 1e-5 of its norm."""
    architecture, x, y, weights = case(width, depth, n_samples)
    weights *= 2
    single, double = (Problem(x, y, architecture, precision) for precision in ("float32", "float64"))
    expected = gradient(architecture, weights[0], x, y)
    assert np.linalg.norm(single.gradient(weights)[0] - expected) < 1e-4 * np.linalg.norm(expected)
    np.testing.assert_allclose(single.loss(weights)[0], double.loss(weights)[0], rtol=1e-5)


def confident(width: int = 6, depth: int = 2, n_samples: int = 900, wrong: float = 0.0):
    """A network whose every output is far beyond the margin, and labels that agree but for a share of them."""
    architecture, x, _, weights = case(width, depth, n_samples, seed=25)
    weights[:, architecture.offsets[-2] :] *= 1e4
    f = expected_output(architecture, weights[0], x)
    keep = np.abs(f) > 2
    assert keep.mean() > 0.9
    x, y = x[keep], np.where(f[keep] > 0, 1, -1)
    # Samples and labels must not be exchangeable.
    assert 0.2 < np.mean(y > 0) < 0.8
    flipped = np.random.default_rng(1).random(len(y)) < wrong
    y[flipped] *= -1
    return architecture, x, y, weights, flipped


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_nothing_active_means_exactly_zero(precision):
    architecture, x, y, weights, _ = confident()
    problem = Problem(x, y, architecture, precision)
    # A first gradient fills the workspace with other numbers.
    assert np.any(problem.gradient(-weights) != 0)
    assert not np.any(problem.gradient(weights))
    assert [values[0] for values in problem.loss(weights)] == [0, 0]


@pytest.mark.parametrize("wrong", [0.01, 0.1, 0.3, 0.45, 0.55, 0.9])
def test_samples_that_are_not_active_leave_no_trace(wrong):
    """The gradient is that of the active samples alone, below and above the share at which they are set aside."""
    architecture, x, y, weights, flipped = confident(wrong=wrong)
    assert np.any(flipped)
    problem = Problem(x, y, architecture, "float64")
    each = sample_gradients(architecture, weights[0], x, y)
    assert not np.any(each[~flipped])
    size = np.abs(each).mean(axis=0).max()
    np.testing.assert_allclose(problem.gradient(weights)[0], each.mean(axis=0), rtol=0, atol=1e-12 * size)
    assert problem.loss(weights)[1][0] == flipped.mean()


def test_a_network_that_is_not_finite_is_nan_and_spoils_no_other():
    architecture, x, y, weights = case(5, 2, 100, networks=4)
    problem = Problem(x, y, architecture)
    fused, (loss, active) = problem.gradient(weights), problem.loss(weights)
    weights[1, 3], weights[3, 0] = np.nan, np.inf
    spoilt, (spoilt_loss, spoilt_active) = problem.gradient(weights), problem.loss(weights)
    for network in (1, 3):
        assert np.isnan(spoilt[network]).all()
        assert np.isnan([spoilt_loss[network], spoilt_active[network]]).all()
    for network in (0, 2):
        assert np.array_equal(spoilt[network], fused[network])
        assert (spoilt_loss[network], spoilt_active[network]) == (loss[network], active[network])


def test_numbers_that_overflow_on_the_way_are_not_hidden_by_the_rectifier():
    """Finite weights that give infinity minus infinity in the third layer: max(0, NaN) = 0 would call that silence."""
    architecture = Architecture(1, 2, 3)
    weights = np.array([[1e30] * 6 + [1.0, -1.0, 1.0, -1.0] + [1.0, 1.0]])
    problem = Problem(np.ones((5, 1)), np.ones(5), architecture)
    assert np.isnan(problem.loss(weights)[0][0])
    assert np.isnan(problem.gradient(weights)).any()


def test_samples_are_counted_alike_in_any_order():
    """A permutation of the data changes the order of sums only."""
    architecture, x, y, weights = case(9, 3, 777)
    order = np.random.default_rng(0).permutation(len(x))
    one, other = Problem(x, y, architecture, "float64"), Problem(x[order], y[order], architecture, "float64")
    size = np.abs(one.gradient(weights)).max()
    np.testing.assert_allclose(one.gradient(weights), other.gradient(weights), rtol=0, atol=1e-12 * size)


def test_weights_may_be_views_or_read_only():
    architecture, x, y, weights = case(5, 2, 100, networks=4)
    problem = Problem(x, y, architecture)
    frozen = weights.copy()
    frozen.flags.writeable = False
    assert np.array_equal(problem.gradient(frozen[::2]), problem.gradient(weights)[::2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((4, 3))}, "x must be"),
        ({"x": np.ones(4)}, "x must be"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "x must be"),
        ({"x": np.full((4, 2), "a")}, "x must be"),
        ({"x": np.full((4, 2), np.nan)}, "not finite"),
        ({"x": np.full((4, 2), 1e300)}, "not finite in float32"),
        ({"y": np.ones(3)}, "y must"),
        ({"y": np.array([1, -1, 0, 1])}, "y must"),
        ({"y": np.array([1, -1, np.nan, 1])}, "y must"),
        ({"precision": "float16"}, "precision"),
        ({"threads": 0}, "threads"),
    ],
)
def test_data_that_do_not_fit_are_refused(change, message):
    arguments = {"x": np.ones((4, 2)), "y": np.ones(4), "architecture": Architecture(2, 3, 1)}
    with pytest.raises(ValueError, match=message):
        Problem(**(arguments | change))


@pytest.mark.parametrize("weights", [np.ones(9), np.ones((1, 8)), np.ones((2, 3, 3))])
def test_weights_of_another_architecture_are_refused(weights):
    problem = Problem(np.ones((4, 2)), np.ones(4), Architecture(2, 3, 1))
    with pytest.raises(ValueError, match="weights must be"):
        problem.gradient(weights)


def test_subnormal_numbers_count_as_zero_and_the_caller_keeps_its_arithmetic():
    architecture, _, y, weights = case(16, 6, 100)
    # With subnormal numbers the data would reach the output, and the gradient would not be zero.
    problem = Problem(np.full((100, 10), 1e-39), y, architecture)
    before = subnormals.control()
    assert not problem.gradient(weights).any()
    assert subnormals.control() == before
