"""Moments of displacements, the non-Gaussian parameter, local slopes and the motility histogram."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quench.observables.displacement import MOTILITY_EDGES, alpha2, fourth_moment, local_slope, motility, msd

finite = st.floats(-1e3, 1e3, allow_subnormal=False)
displacements = arrays.arrays(np.float64, st.integers(1, 40), elements=finite)


def non_gaussianity(displacement):
    return float(alpha2(*(xr.DataArray(moment(displacement)) for moment in (msd, fourth_moment))))


@given(displacements)
def test_moments_are_nonnegative_and_even(displacement):
    for moment, order in ((msd, 2), (fourth_moment, 4)):
        assert moment(displacement) == moment(-displacement) >= 0
        assert moment(displacement) == pytest.approx(np.mean(displacement**order), rel=1e-12)
        assert moment(0 * displacement) == 0


@given(st.integers(1, 5), st.integers(1, 60), st.integers(0, 2**32))
def test_moments_do_not_depend_on_the_layout_in_memory(n_networks, n_weights, seed):
    table = np.random.default_rng(seed).normal(size=(n_networks, n_weights))
    for moment in (msd, fourth_moment):
        assert moment(np.asfortranarray(table)).tobytes() == moment(table).tobytes()
        assert moment(table)[-1] == moment(table[-1])


def test_moments_of_a_diverged_network_are_not_numbers():
    table = np.array([[1.0, np.nan], [1.0, np.inf], [1.0, 2.0]])
    for moment in (msd, fourth_moment):
        assert np.isnan(moment(table)).tolist() == [True, True, False]


@given(displacements)
def test_alpha2_is_at_least_minus_two_thirds(displacement):
    value, mean_square = non_gaussianity(displacement), float(msd(displacement))
    # <x^4> >= <x^2>^2, with equality where all move equally far.
    if mean_square > 1e-100:
        assert value >= 1 / 3 - 1 - 1e-9
    elif mean_square == 0:
        assert np.isnan(value)


def test_alpha2_of_known_displacements():
    assert non_gaussianity(np.full(1000, 0.3)) == pytest.approx(-2 / 3, rel=1e-12)
    # A share p of mobile weights with Gaussian steps: alpha2 = 1/p - 1. Quantiles stand for a Gaussian; their
    # truncated tail makes the fourth moment a per cent too small.
    from scipy.stats import norm

    normal = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert non_gaussianity(np.concatenate([normal, np.zeros(60_000)])) == pytest.approx(3, rel=0.02)


def test_alpha2_of_displacements_whose_square_is_no_float_is_missing():
    """A mean square of 1e-170 squared is 0 in float64, while the fourth moment of one far weight among many may not be."""
    assert np.isnan(float(alpha2(xr.DataArray(1e-170), xr.DataArray(1e-320))))


@given(st.floats(-3, 3), st.floats(1e-6, 1e6))
def test_local_slope_of_a_power_law_is_its_exponent(exponent, prefactor):
    lag = np.array([0, 1, 2, 5, 10, 30, 100, 1000])
    values = np.where(lag > 0, prefactor * np.maximum(lag, 1.0) ** exponent, 0)
    slope = local_slope(xr.DataArray(values, dims="lag", coords={"lag": lag}))
    np.testing.assert_allclose(slope[2:-1], exponent, atol=1e-10)
    assert np.isnan(slope[[0, 1, -1]]).all()


def test_local_slope_is_missing_where_nothing_moves():
    curve = xr.DataArray([0.0, 0.0, 0.0, 1.0, 2.0, 4.0], dims="lag", coords={"lag": [0, 1, 2, 4, 8, 16]})
    slope = local_slope(curve)
    assert np.isnan(slope[:4]).all() and float(slope[4]) == pytest.approx(1)


def test_motility_counts_every_weight_once():
    counts = motility(np.array([0.0, 1e-20, 10**-15.99, 1e-3, 1e-3, -1e-3, 50.0, 1e5]))
    assert counts.shape == (len(MOTILITY_EDGES) - 1,) and counts.dtype == np.int32
    assert counts.sum() == 8
    # Zeros and what is smaller than the first edge are in the first bin, what is larger than the last in the last.
    assert counts[0] == 3 and counts[-1] == 1
    place = np.searchsorted(MOTILITY_EDGES, -3.0 - 1e-9)
    assert counts[place - 1 : place + 1].sum() == 3


@given(displacements)
def test_motility_total_and_diverged_networks(displacement):
    assert motility(displacement).sum() == len(displacement)
    spoilt = displacement.copy()
    spoilt[0] = np.nan
    assert (motility(spoilt) == -1).all()
