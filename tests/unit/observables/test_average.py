"""Averages over networks, their bootstrap intervals, and diverged networks, which count in none."""

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import random_walk

from quench.numerics.bootstrap import CONFIDENCE, RESAMPLES
from quench.observables.average import average, resampling_weights
from quench.observables.measure import measure
from quench.observables.relaxation import LEVELS, crossing_time


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_lost_network_takes_nothing_from_the_others(spoilt):
    """A network lost half-way stays in the file as not a number, and counts in no average."""
    walk = random_walk(n_networks=4)
    walk["weights"][2, 5:] = spoilt
    walk["weights"][2, 5:, ::2] = np.nan
    walk["diverged_at"][2] = 12
    result = average([measure(walk, [5], chi=50)])
    alone = average([measure(walk.isel(network=[0, 1, 3]), [5], chi=50)])
    assert np.isnan(result["overlap"].sel(network=2, lag=25)).all()
    assert int(result["n_diverged"]) == 1 and (result["n_networks"] == 3).all()
    for name in ("overlap", "msd", "alpha2", "tau90", "tau_e"):
        for end in ("mean", "low", "high"):
            assert result[f"{name}_{end}"].equals(alone[f"{name}_{end}"]), (name, end)


def test_all_lost_is_all_missing():
    walk = random_walk()
    walk["weights"][:, 3:] = np.nan
    walk["diverged_at"][:] = 6
    result = average([measure(walk, [5], chi=50)])
    assert (result["n_networks"] == 0).all() and np.isnan(result["overlap_mean"]).all()


def test_averages_are_over_networks():
    result = average([measure(random_walk(n_networks=5), [5, 10], chi=50)])
    # The same sums in another order: rounding alone.
    for name in ("overlap", "msd"):
        np.testing.assert_allclose(result[f"{name}_mean"], result[name].mean("network", skipna=False), rtol=1e-13)
    # The ratio of averaged moments (KWJ Eq. 9), not the average of ratios.
    ratio = result["fourth_moment"].mean("network") / (3 * result["msd"].mean("network") ** 2) - 1
    np.testing.assert_allclose(result["alpha2_mean"], ratio.where(result["msd_mean"] > 0), rtol=1e-10)
    # The time of the averaged curve, not the average of times.
    for name, level in LEVELS.items():
        assert result[f"{name}_mean"].equals(crossing_time(result["overlap_mean"], level).rename(f"{name}_mean"))
    for name in ("overlap", "msd"):
        assert (
            (result[f"{name}_low"] <= result[f"{name}_mean"] + 1e-12)
            .where(result[f"{name}_mean"].notnull(), True)
            .all()
        )
        assert (
            (result[f"{name}_high"] >= result[f"{name}_mean"] - 1e-12)
            .where(result[f"{name}_mean"].notnull(), True)
            .all()
        )
    assert (result["n_networks"] == 5).all() and int(result["n_diverged"]) == 0


def test_one_network_has_an_interval_of_no_width():
    result = average([measure(random_walk(n_networks=1), [5], chi=50)])
    assert result["overlap_low"].equals(result["overlap_mean"].rename("overlap_low"))


@given(st.integers(1, 9), st.integers(0, 2**32))
@settings(max_examples=20)
def test_resampling_weights_are_means(n_networks, seed):
    alive = np.random.default_rng(seed).random(n_networks) < 0.7
    table = resampling_weights(alive)
    assert table.shape == (1 + RESAMPLES, n_networks)
    if not alive.any():
        assert np.isnan(table).all()
        return
    np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-12)
    assert (table[:, ~alive] == 0).all() and (table[0, alive] == 1 / alive.sum()).all()
    # A network's share is a binomial count over n: mean 1/n, standard deviation at most 1/2.
    assert np.abs(table[1:, alive].mean(axis=0) - 1 / alive.sum()).max() < 5 / (2 * np.sqrt(RESAMPLES))


def test_bootstrap_interval_covers_the_truth():
    """Intervals over 20 networks hold the ensemble's true MSD about as often as they say.

    A percentile bootstrap over n = 20 covers a little less than its 95 % (it uses 1/n, not 1/(n-1), and no t quantile:
    about 92-93 %). 100 independent ensembles: the share has standard error 2.6 %, and 82 % is 4 of these below; that all
    hold it has probability 1e-3. Intervals of half the width would cover two thirds, of twice it all.
    """
    rng = np.random.default_rng(3)
    n_ensembles, n_networks = 100, 20
    # A network's MSD over many weights is Gaussian about the truth, 1, with a scatter between networks of 0.3.
    values = 1 + 0.3 * rng.normal(size=(n_ensembles, n_networks))
    measured = measure(random_walk(n_networks=n_networks, n_weights=12, times=(0, 5, 6)), [5], chi=50)
    covered = 0
    for row in values:
        result = average([measured.assign(msd=measured["msd"] * 0 + xr.DataArray(row, dims="network"))])
        covered += (
            float(result["msd_low"].isel(waiting_time=0, lag=-1))
            <= 1
            <= float(result["msd_high"].isel(waiting_time=0, lag=-1))
        )
    assert CONFIDENCE == 0.95
    assert 0.82 <= covered / n_ensembles < 1


@pytest.mark.parametrize("cuts", [[1, 1, 1, 1, 1], [2, 3], [4, 1]])
def test_pooling_of_chunks_has_the_bits_of_the_whole(cuts):
    walk = random_walk(n_networks=5)
    whole = average([measure(walk, [5, 10], chi=50)])
    ends = np.cumsum([0, *cuts])
    parts = [measure(walk.isel(network=slice(a, b)), [5, 10], chi=50) for a, b in itertools.pairwise(ends)]
    for order in (parts, parts[::-1]):
        pooled = average(order)
        for name in whole.variables:
            assert np.array_equal(pooled[name], whole[name], equal_nan=whole[name].dtype.kind == "f"), name
