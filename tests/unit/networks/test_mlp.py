"""The network's shape and initial weights: the paper's counts, PyTorch's default distribution, independent seeds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from quench.networks.mlp import Architecture, initial_weights


@pytest.mark.parametrize("width, n_weights", [(30, 4830), (72, 26712), (82, 34522)])
def test_weight_counts_of_the_paper(width, n_weights):
    assert Architecture(10, width, 6).n_weights == n_weights


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 8))
def test_layout_covers_every_weight_once(inputs, width, depth):
    architecture = Architecture(inputs, width, depth)
    assert architecture.n_weights == inputs * width + (depth - 1) * width**2 + width
    assert len(architecture.shapes) == depth + 1
    assert [rows * columns for rows, columns in architecture.shapes] == np.diff(architecture.offsets).tolist()
    assert len(architecture.layer_index) == architecture.n_weights
    for layer, (start, stop) in enumerate(zip(architecture.offsets[:-1], architecture.offsets[1:], strict=True)):
        assert (architecture.layer_index[start:stop] == layer).all()


@pytest.mark.parametrize("sizes", [(0, 4, 6), (10, 0, 6), (10, 4, 0)])
def test_empty_networks_are_refused(sizes):
    with pytest.raises(ValueError, match="at least 1"):
        Architecture(*sizes)


def torch_default(architecture, seed):
    """A stack of ``nn.Linear`` without biases as PyTorch initialises it."""
    torch.manual_seed(seed)
    return [torch.nn.Linear(columns, rows, bias=False).weight.detach().numpy() for rows, columns in architecture.shapes]


def test_initial_weights_have_pytorchs_default_distribution():
    architecture = Architecture(10, 40, 4)
    ours = initial_weights(architecture, 3)
    theirs = torch_default(architecture, 0)
    assert ours.dtype == np.float64
    for layer, (rows, columns) in enumerate(architecture.shapes):
        weights = ours[architecture.layer_index == layer]
        bound = 1 / np.sqrt(columns)
        assert np.abs(weights).max() <= bound and np.abs(theirs[layer]).max() <= bound
        # Kolmogorov-Smirnov at a false alarm rate of 1e-4 a test; the seeds are fixed, so a pass stays a pass.
        assert stats.kstest(weights, "uniform", (-bound, 2 * bound)).pvalue > 1e-4
        assert stats.ks_2samp(weights, theirs[layer].ravel()).pvalue > 1e-4
        assert weights.size == rows * columns


@settings(max_examples=30)
@given(st.integers(0, 2**62), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_initial_weights_stay_in_their_bounds(seed, inputs, width, depth):
    architecture = Architecture(inputs, width, depth)
    weights = initial_weights(architecture, seed)
    fan_in = np.array([columns for _, columns in architecture.shapes])[architecture.layer_index]
    assert (np.abs(weights) < 1 / np.sqrt(fan_in)).all()
    assert np.array_equal(weights, initial_weights(architecture, seed))


def test_seeds_give_independent_networks():
    architecture = Architecture(10, 30, 6)
    ensemble = np.stack([initial_weights(architecture, seed) for seed in range(20)])
    scaled = ensemble / ensemble.std(axis=1, keepdims=True)
    overlaps = (scaled @ scaled.T / architecture.n_weights)[np.triu_indices(20, 1)]
    # Correlations of independent vectors of N = 4830 have standard deviation 1/sqrt(N); 190 of them stay within 5.
    assert np.abs(overlaps).max() < 5 / np.sqrt(architecture.n_weights)
