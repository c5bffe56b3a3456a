"""Keyed draws of networks, and the ends of percentile intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quench.numerics.bootstrap import draws, percentiles


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**63))
def test_draws_are_networks_and_repeat(count, resamples, key):
    found = draws(count, resamples, key)
    assert found.shape == (resamples, count)
    assert found.min() >= 0 and found.max() < count
    draws.cache_clear()
    assert np.array_equal(draws(count, resamples, key), found)
    # More resamples leave the first ones as they are.
    assert np.array_equal(draws(count, resamples + 7, key)[:resamples], found)


def test_draws_are_uniform_and_keys_independent():
    """100,000 draws of 10 networks: shares of 0.1 with a standard error of 0.00095, five of which are allowed."""
    one, other = draws(10, 10_000, 1), draws(10, 10_000, 2)
    assert np.abs(np.bincount(one.ravel(), minlength=10) / one.size - 0.1).max() < 0.005
    assert abs(np.mean(one == other) - 0.1) < 0.005


def test_percentiles_are_the_central_95_per_cent():
    low, high = percentiles(np.arange(1001.0))
    assert (low, high) == (25, 975)
    # Along the last axis; an end may be infinite, and a missing sample leaves no interval.
    table = np.stack([np.arange(1001.0), np.where(np.arange(1001) > 900, np.inf, 1.0), np.full(1001, np.nan)])
    low, high = percentiles(table)
    np.testing.assert_array_equal(low, [25, 1, np.nan])
    np.testing.assert_array_equal(high, [975, np.inf, np.nan])


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.floats(-10, 10))
def test_percentiles_move_with_their_samples(samples, shift):
    low, high = percentiles(np.array(samples))
    assert low <= high and low in samples and high in samples
    moved = percentiles(np.array(samples) + shift)
    assert moved == (pytest.approx(low + shift), pytest.approx(high + shift))
