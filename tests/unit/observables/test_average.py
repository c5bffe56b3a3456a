"""Averages over networks of one state, their intervals, and diverged networks, which count in none."""

import itertools

import numpy as np
import pytest
from scipy import stats
from walks import random_walk

from quench.networks import state
from quench.networks.state import singles
from quench.observables.average import average
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


def test_one_network_has_no_interval():
    result = average([measure(random_walk(n_networks=1), [5], chi=50)])
    assert result["overlap_mean"].notnull().any()
    assert np.isnan(result["overlap_low"]).all() and np.isnan(result["overlap_high"]).all()


def test_bands_are_students_intervals():
    result = average([measure(random_walk(n_networks=4), [5], chi=50)]).isel(waiting_time=0, lag=3)
    mean, error = result["msd"].values.mean(), result["msd"].values.std(ddof=1) / 2
    # On the logarithmic scale, whose slope is 1 / mean.
    factor = np.exp(stats.t.ppf(0.975, 3) * error / mean)
    assert float(result["msd_low"]) == pytest.approx(mean / factor)
    assert float(result["msd_high"]) == pytest.approx(mean * factor)
    assert 0 <= float(result["overlap_low"]) <= float(result["overlap_high"]) <= 1


def in_states(states, **more):
    walk = random_walk(n_networks=len(states), **more)
    return walk.assign_coords(state=state.variable(states))


def test_networks_of_another_state_are_averaged_apart():
    """Three ordinary networks and one stuck one that moves ten times as far."""
    walk = in_states([0, 1, 0, 0])
    start = walk["weights"].values[1, :1]
    walk["weights"].values[1] = start + 10 * (walk["weights"].values[1] - start)
    result = average([measure(walk, [5], chi=50)])
    alone = average([measure(walk.isel(network=[0, 2, 3]), [5], chi=50)])
    for name in ("overlap", "msd", "tau90"):
        for end in ("mean", "low", "high"):
            assert result[f"{name}_{end}"].equals(alone[f"{name}_{end}"]), (name, end)
    stuck = average([measure(walk.isel(network=[1]), [5], chi=50)])
    assert result["msd_apart"].equals(stuck["msd_mean"].rename("msd_apart"))
    assert result["averaged"].values.tolist() == [1, 0, 1, 1]
    assert int(result["n_apart"]) == 1 and (result["n_networks"] == 3).all()
    assert "msd_apart" not in alone


def test_ensemble_of_one_state_is_averaged_whatever_the_state():
    result = average([measure(in_states([1, 1, 1]), [5], chi=50)])
    assert (result["n_networks"] == 3).all() and int(result["n_apart"]) == 0


def test_single_networks_are_those_averaged_and_missing_where_one_diverged():
    walk = in_states([0, 1, 0, 0])
    walk["weights"][2, 5:] = np.nan
    walk["diverged_at"][2] = 12
    found = singles(average([measure(walk, [5], chi=50)]))
    assert found["seed"].values.tolist() == [0, 2, 3]
    # Also at lags before it diverged, at which the averages leave it out, too.
    assert np.isnan(found["overlap"].sel(network=1)).all() and (found["motility"].sel(network=1) == -1).all()
    assert found["overlap"].isel(network=[0, 2]).notnull().any("lag").all()


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
