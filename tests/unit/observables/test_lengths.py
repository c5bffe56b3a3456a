"""Lengths at which relaxation times are resolved, of displacements with known answers."""

import numpy as np
import pytest
import xarray as xr

from quench.observables.lengths import resolved_lengths

AGES = np.array([10, 100, 1000, 10_000])
LAGS = np.unique(np.concatenate([np.arange(20), np.geomspace(20, 10_000, 60).astype(int)]))


def displacements(rate):
    """Delta(t_w, t) = t rate(t_w)."""
    values = rate(AGES[:, None].astype(float)) * LAGS
    return xr.DataArray(values, dims=("waiting_time", "lag"), coords={"waiting_time": AGES, "lag": LAGS})


def test_lengths_lie_between_ten_updates_and_the_longest_lag():
    found = resolved_lengths(displacements(np.ones_like), sigma=1.0)
    # Q = erf(epsilon / sqrt(2 Delta)) is 0.9 where epsilon = 1.644854 sqrt(Delta).
    assert 1 / found.low == pytest.approx(1.644854 * 100, rel=1e-6)
    assert 1 / found.high == pytest.approx(1.644854 * np.sqrt(10), rel=1e-6)
    assert found.first == 10 and found.low < found.middle < found.high


def test_young_ages_that_no_length_of_the_old_ones_resolves_are_left_out():
    # From one age to the next the displacement falls by 10^4, more than the 10^3 from 10 updates to the longest lag.
    steep = resolved_lengths(displacements(lambda age: np.where(age < 1000, age**-4.0, 1e-12 * age**-0.5)), 1.0)
    assert steep.first == 1000
    assert np.isnan(resolved_lengths(displacements(lambda age: age**-4.0), 1.0).low)
